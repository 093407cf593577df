"""What the doctor says: a line for each thing that was looked at."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from acs_bridge.errors import AcsBridgeError


class Verdict(StrEnum):
    """How something is."""

    OK = "ok"
    WARNING = "warning"  # it serves, and yet somebody should look
    FAILED = "failed"  # `serve` would not begin, or not work
    SKIPPED = "skipped"  # it could not be looked at, because of something before it, or it is not used


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. The words never have a secret in them."""

    subject: str
    verdict: Verdict
    words: str


_WIDTH: Final = max(len(verdict) for verdict in Verdict)


def table(findings: Iterable[Finding]) -> str:
    """Put findings under each other."""
    found = list(findings)
    width = max((len(finding.subject) for finding in found), default=0)
    return "\n".join(f"{each.verdict:<{_WIDTH}}  {each.subject:<{width}}  {each.words}" for each in found)


def refused(subject: str, error: AcsBridgeError) -> Finding:
    """Say what `serve` would say, in a line."""
    return Finding(subject, Verdict.FAILED, "; ".join(str(error).splitlines()))
