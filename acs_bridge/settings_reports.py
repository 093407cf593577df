"""The settings of reports that gateways post: where they are taken, how many, and how large."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field
from pydantic import model_validator as check

from acs_bridge.settings_types import Folder, Secret, Section, platform_url, url_path

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
        300,
        description="So many refused reports from one address in a minute; of the next ones only those are looked at "
        "that come to a URL of ours.",
    )
    reports_per_line_per_hour: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        240, description="How many reports of one line are taken in an hour; beyond it they hear 429."
    )
    bytes_per_line_per_hour: Annotated[int, Field(ge=1024, le=2**40)] = Field(
        64 * 1024 * 1024, description="The same in bytes, inflated."
    )
    forward_url: Annotated[str, Field(max_length=2048), AfterValidator(platform_url)] | None = Field(
        None,
        description="Where reports are handed on to: each POST has many of them, as lines of JSON. Not set, nor "
        "`folder`: it is only noted that there was a report.",
        examples=["https://analytics.example.net/reports"],
    )
    forward_token: Secret | None = Field(
        None, description="What is shown there: `Authorization: Bearer …`.", examples=["a token of the platform"]
    )
    forward_http: bool = Field(default=False, description="Handing on without TLS, for closed laboratories.")
    forward_ca_certificates: Folder | None = Field(
        None,
        description="A PEM file of authorities to believe there, beside those of the system.",
        examples=["/etc/acs-bridge/ca.pem"],
    )
    folder: Folder | None = Field(
        None,
        description="Where files of reports are written instead, as lines of JSON. A file is whole as soon as it is "
        "there; whoever reads it takes it away.",
        examples=["/var/spool/acs-bridge/reports"],
    )
    file_seconds: Annotated[int, Field(ge=1, le=86_400)] = Field(
        60, description="A file is written when the oldest report has waited for so long,"
    )
    file_bytes: Annotated[int, Field(ge=1024, le=2**32)] = Field(
        16 * 1024 * 1024, description="or when so many bytes wait, compressed."
    )
    hand_on_as: Literal["records", "body"] = Field(
        "records",
        description="`records`: read, and the same whichever form a gateway sends; `body`: as the gateway sent it.",
    )
    spool_bytes: Annotated[int, Field(ge=1024 * 1024, le=2**45)] = Field(
        1024 * 1024 * 1024,
        description="How much may wait to be handed on, in the database, compressed. Beyond it gateways hear 503, and "
        "keep what they have.",
    )

    @check(mode="after")
    def _handing_on(self) -> Self:
        if self.are_handed_on and self.path is None:
            raise ValueError("forward_url and folder need path: only what is taken can be handed on")
        if self.forward_url is not None and not self.forward_http and not self.forward_url.startswith("https://"):
            raise ValueError("forward_url must begin with https://, unless forward_http is set")
        return self

    @property
    def are_handed_on(self) -> bool:
        """Whether reports go any further."""
        return self.forward_url is not None or self.folder is not None
