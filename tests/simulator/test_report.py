"""What a fleet says of its sessions."""

import json

import pytest

from acs_bridge.simulator.report import FleetReport, Latencies, Outcome, SessionReport


def session(outcome=Outcome.COMPLETED, seconds=0.1, inform_seconds=0.05, error=""):
    return SessionReport(outcome, seconds, inform_seconds, 3, ("SetParameterValues",), error)


def latencies(*seconds):
    measured = Latencies()
    for each in seconds:
        measured.add(each)
    return measured


@pytest.mark.parametrize(("percent", "seconds"), [(50, 0.050), (90, 0.090), (99, 0.099), (100, 0.100)])
def test_a_percentile_is_within_one_per_cent_of_the_duration_at_its_rank(percent, seconds):
    measured = latencies(*(number / 1000 for number in range(1, 101)))
    assert seconds <= measured.percentile(percent) <= seconds * 1.0101


def test_no_percentile_exceeds_the_longest_duration():
    measured = latencies(0.0123)
    assert measured.percentile(50) == measured.percentile(99) == measured.maximum == 0.0123


def test_without_durations_every_percentile_is_zero():
    assert Latencies().as_milliseconds() == {"p50": 0.0, "p90": 0.0, "p99": 0.0, "max": 0.0}


def test_a_duration_of_nothing_can_be_counted():
    assert latencies(0.0).count == 1


def test_the_memory_of_a_long_run_is_bounded_by_the_range_of_its_durations_not_by_their_number():
    measured = latencies(*(0.001 + (number % 977) / 1000 for number in range(20_000)))
    assert measured.count == 20_000
    assert len(measured._buckets) < 1000


def test_only_completed_sessions_count_among_the_session_times():
    report = FleetReport(gateways=1)
    report.add(session(seconds=0.2))
    report.add(session(Outcome.TIMED_OUT, seconds=30.0, inform_seconds=None, error="no answer"))
    assert report.session_times.maximum == 0.2
    assert report.inform_times.count == 1


def test_errors_are_counted_by_what_went_wrong():
    report = FleetReport(gateways=1)
    for status in ("HTTP 503", "HTTP 503", "HTTP 500"):
        report.add(session(Outcome.HTTP_ERROR, inform_seconds=None, error=status))
    assert report.errors == {"http error: HTTP 503": 2, "http error: HTTP 500": 1}
    assert report.failed == 3


def test_the_report_is_plain_json():
    report = FleetReport(gateways=2, seconds=0.5)
    report.add(session())
    report.add(session(Outcome.UNREACHABLE, inform_seconds=None, error="refused"))
    said = json.loads(json.dumps(report.as_dict()))
    assert (said["sessions"], said["completed"], said["failed"]) == (2, 1, 1)
    assert said["sessions_per_second"] == 4.0
    assert said["served"] == {"SetParameterValues": 2}
    assert set(said["session_ms"]) == {"p50", "p90", "p99", "max"}
