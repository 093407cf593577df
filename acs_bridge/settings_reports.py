"""The settings of reports that gateways post: where they are taken, how many, and how large."""

from typing import Annotated

from pydantic import AfterValidator, Field

from acs_bridge.settings_types import Section, url_path

_YEAR = 365 * 86_400  # seconds
_LARGEST = 64 * 1024 * 1024  # bytes of one report


class Reports(Section):
    """The reports that gateways post to their PHAN URLs (TR-069 Annex N), where the daemon takes them itself."""

    path: Annotated[str, Field(max_length=128), AfterValidator(url_path)] | None = Field(
        None,
        description="Where the device listener takes reports: the path of `phan.base_url`, without the / at its end, "
        "or what a proxy makes of it. Not set: it takes none, because the analytics platform does.",
        examples=["/r"],
    )
    interval_seconds: Annotated[int, Field(ge=1, le=_YEAR)] = Field(
        86_400,
        description="How often gateways report whose profile writes no ReportingInterval. A line that was verified and "
        "has been silent for three intervals is shown as silent.",
    )
    max_bytes: Annotated[int, Field(ge=1024, le=_LARGEST)] = Field(
        2 * 1024 * 1024, description="The largest report, in bytes, as it comes and as it is once inflated."
    )
    in_flight: Annotated[int, Field(ge=1, le=100_000)] = Field(
        200,
        description="Reports that one worker takes at a time. Beyond it they hear 503 and when to return; sessions "
        "never wait for reports.",
    )
    refused_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        300, description="So many refused reports from one address in a minute; the next ones are not looked at."
    )
    reports_per_line_per_hour: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        240, description="How many reports of one line are taken in an hour; beyond it they hear 429."
    )
    bytes_per_line_per_hour: Annotated[int, Field(ge=1024, le=2**40)] = Field(
        64 * 1024 * 1024, description="The same in bytes, inflated."
    )
