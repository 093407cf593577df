"""Reports as gateways post them: four forms, told apart by what the headers say."""

import gzip
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwmp.bulkdata import CSV_TYPE, JSON_TYPE, Form, Record, Report, UnreadableReport, Value, read, write

WHEN = datetime(2024, 5, 14, 9, 31, 12, tzinfo=UTC)
SENT = "Device.WiFi.Radio.1.Stats.BytesSent"
PARAMETERS: dict[str, Value] = {
    SENT: 2**63,
    "Device.DeviceInfo.Description": 'a, "b"\r\nç',
    "Device.WiFi.Radio.1.Enable": True,
}
REPORT = Report(Form.NAME_VALUE_PAIR, (Record(WHEN, PARAMETERS),), is_timed=True)
FORMS = list(Form)
NAMES = st.from_regex(r"[A-Z][a-z]{1,5}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"))
PER_ROW = "ReportTimestamp,ParameterName,ParameterValue,ParameterType"


def as_text(parameters: dict[str, Value]) -> dict[str, Value]:
    """What is left of values in a form that has no types."""
    return {name: "1" if value is True else str(value) for name, value in parameters.items()}


def json_of(elements: str) -> bytes:
    return f'{{"Report": {elements}}}'.encode()


class TestTheFourForms:
    @pytest.mark.parametrize("form", FORMS)
    def test_say_the_same(self, form):
        """B-06, B-08, B-09"""
        body, headers = write(replace(REPORT, form=form))
        report = read(body, headers["Content-Type"], headers["BBF-Report-Format"])
        expected = as_text(PARAMETERS) if form is Form.PARAMETER_PER_COLUMN else PARAMETERS
        assert report == Report(form, (Record(WHEN, expected),), is_timed=True)

    @pytest.mark.parametrize("form", FORMS)
    @pytest.mark.parametrize("named", ["{}", " {} ", ""])
    def test_are_told_by_the_header_in_any_case_and_else_by_their_looks(self, form, named):
        """B-06"""
        body, headers = write(replace(REPORT, form=form))
        for case in (str.upper, str.lower):
            assert read(body, headers["Content-Type"], case(named.format(form))).form is form
        assert read(body).form is form

    @pytest.mark.parametrize(("form", "said"), [pair for pair in product(FORMS, FORMS) if pair[0] is not pair[1]])
    def test_that_contradict_a_header_are_refused(self, form, said):
        """B-06"""
        body, headers = write(replace(REPORT, form=form))
        with pytest.raises(UnreadableReport):
            read(body, headers["Content-Type"], said)

    @pytest.mark.parametrize("form", FORMS)
    @pytest.mark.parametrize("charset", ["latin-1", "utf-16", "utf-8-sig", "cp1252"])
    def test_are_read_in_other_charsets_too_and_in_the_wrong_one_where_it_can_be_seen(self, form, charset):
        """B-06"""
        body, headers = write(replace(REPORT, form=form))
        recoded = body.decode().encode(charset)
        expected = read(body, headers["Content-Type"], form)
        for said in (f"text/csv; charset={charset}", "text/csv; charset=UTF-8", "text/csv; charset=nonsense"):
            type = said.replace("text/csv", "application/json") if form.is_json else said
            assert read(recoded, type, form) == expected

    @given(st.sampled_from(FORMS), st.lists(st.dictionaries(NAMES, TEXTS, min_size=1, max_size=4), max_size=4))
    def test_come_back_as_they_were_written(self, form, intervals):
        names = {name for interval in intervals for name in interval}
        records = tuple(
            Record(WHEN.replace(minute=minute), {name: interval.get(name, "") for name in sorted(names)})
            for minute, interval in enumerate(intervals)
        )
        body, headers = write(Report(form, records, is_timed=True))
        assert read(body, headers["Content-Type"], form).records == records


class TestJson:
    @pytest.mark.parametrize("count", [0, 1, 20])
    def test_has_an_element_for_each_interval(self, count):
        """B-08"""
        elements = ",".join(f'{{"CollectionTime": {1715679072 + n}, "A": {n}}}' for n in range(count))
        report = read(json_of(f"[{elements}]"), JSON_TYPE, "NameValuePair")
        assert [record.parameters for record in report.records] == [{"A": n} for n in range(count)]
        assert report.is_timed is (count > 0)

    def test_keeps_whole_numbers_whole_and_may_say_no_time(self):
        """B-08"""
        (record,) = read(json_of(f'[{{"Sent": {2**64 - 1}, "Up": true, "None": null}}]')).records
        assert record == Record(None, {"Sent": 2**64 - 1, "Up": True, "None": None})

    def test_has_instance_numbers_as_names_in_a_hierarchy(self):
        """B-08"""
        body = json_of('[{"Device": {"WiFi": {"Radio": {"1": {"Sent": 1}, "2": {"Sent": 2}}}}}]')
        (record,) = read(body, JSON_TYPE, "ObjectHierarchy").records
        assert record.parameters == {"Device.WiFi.Radio.1.Sent": 1, "Device.WiFi.Radio.2.Sent": 2}

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"  \r\n",
            b"garbage",
            b"null",
            b"[]",
            b"{}",
            b'{"Report": {"A": 1}}',
            b'{"Report": [1]}',
            b'{"Report": [{"A": NaN}]}',
            b'{"Report": [{"A": 1e999}]}',
            b'{"Report": [{"A": [1]}]}',
            b'{"Report": [{"A": {"B": [1]}}]}',
            b'{"Report": [{"A": ' + b"9" * 5000 + b"}]}",
            b'{"Report": [{"A": 1}',
            b"[" * 10_000,
            b'{"Report": [' + b'{"A":' * 10_000,
            b'{"Report": [' + b'{"A":' * 80 + b"1" + b"}" * 80 + b"]}",
            gzip.compress(b"{}", mtime=0),
        ],
    )
    def test_that_is_no_report_is_refused(self, body):
        """B-08, B-12"""
        with pytest.raises(UnreadableReport):
            read(body, JSON_TYPE)


class TestCsv:
    def test_has_retained_reports_as_more_rows(self):
        """B-09"""
        text = "ReportTimestamp,A,B\r\n1715679072,1,2\r\n1715679372,3,4\r\n"
        report = read(text.encode(), CSV_TYPE, "ParameterPerColumn")
        assert [record.parameters for record in report.records] == [{"A": "1", "B": "2"}, {"A": "3", "B": "4"}]
        text = (
            "ReportTimestamp,ParameterName,ParameterValue,ParameterType\n1715679072,A,1,unsignedInt\n1715679372,A,2,int"
        )
        report = read(text.encode(), CSV_TYPE, "ParameterPerRow")
        assert [record.parameters for record in report.records] == [{"A": 1}, {"A": 2}]

    @pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
    @pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
    def test_may_have_other_separators(self, separator, end):
        """B-09"""
        rows = [["ReportTimestamp", "A", "B"], ["1715679072", f'"a{separator}""{end}b"', "2"]]
        text = end.join(separator.join(row) for row in rows)
        (record,) = read(text.encode(), CSV_TYPE).records
        assert record == Record(WHEN, {"A": f'a{separator}"{end}b', "B": "2"})

    def test_of_a_row_for_each_parameter_needs_no_row_of_names(self):
        """B-09"""
        (record,) = read(b"1715679072,A,1,boolean\r\n", "text/csv; header=absent", "ParameterPerRow").records
        assert record == Record(WHEN, {"A": True})
        (record,) = read(b"1715679072,A,many,int\r\n", "text/csv", "ParameterPerRow").records
        assert record.parameters == {"A": "many"}

    def test_of_a_column_for_each_parameter_may_lack_the_last_ones_of_a_row(self):
        """B-09"""
        assert read(b"A,B\n1\n", CSV_TYPE).records == (Record(None, {"A": "1"}),)

    @pytest.mark.parametrize(
        ("body", "type", "form"),
        [
            (b"", CSV_TYPE, ""),
            (b"1,2\r\n", "text/csv; header=absent", "ParameterPerColumn"),
            (b"A,B\r\n1,2,3\r\n", CSV_TYPE, "ParameterPerColumn"),
            (b"ReportTimestamp,ParameterName,ParameterValue\r\n1715679072,A\r\n", CSV_TYPE, "ParameterPerRow"),
            (b"ParameterName\r\nA\r\n", CSV_TYPE, "ParameterPerRow"),
            (b'A,"B\r\n1,2', CSV_TYPE, ""),
            (b"A," * 200_001, CSV_TYPE, ""),
        ],
    )
    def test_that_is_no_report_is_refused(self, body, type, form):
        """B-09, B-12"""
        with pytest.raises(UnreadableReport):
            read(body, type, form)

    def test_is_not_another_type_than_is_said(self):
        """B-06"""
        body, _ = write(REPORT)
        for type, form in (("text/csv", "NameValuePair"), (JSON_TYPE, "ParameterPerRow"), (JSON_TYPE, "XML")):
            with pytest.raises(UnreadableReport):
                read(body, type, form)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("1715679072", WHEN),
        ("1715679072000", WHEN),
        ('"1715679072"', WHEN),
        ('"2024-05-14T09:31:12Z"', WHEN),
        ('"2024-05-14T11:31:12+02:00"', WHEN),
        ('"2024-05-14T09:31:12"', WHEN),
        ("37", None),
        ("0", None),
        ("true", None),
        ('"0001-01-01T00:00:00Z"', None),
        ('"9999-12-31T23:59:59-14:00"', None),
        ('"yesterday"', None),
        ("9" * 30, None),
    ],
)
def test_a_time_is_in_seconds_or_milliseconds_or_a_date_and_never_in_1970(said, meant):
    """B-10"""
    (record,) = read(json_of(f'[{{"CollectionTime": {said}, "A": 1}}]'), JSON_TYPE).records
    assert record.collected_at == meant
