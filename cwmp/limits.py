"""How much of a message is taken in. Beyond the first group a message is refused, beyond the second it is cut.

The depth of elements is bounded by the XML parser itself.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one message. The defaults hold what real gateways send, the largest being a read of the whole tree."""

    body: int = 8 * 1024 * 1024
    elements: int = 200_000
    attributes: int = 200_000

    id: int = 1024
    """An ID beyond this is not echoed."""
    events: int = 64
    parameters: int = 100_000
    name: int = 256
    """A parameter with a longer name is left out: a name that is cut is another name."""
    text: int = 256
    """Fault strings, command keys and other words for people are cut here."""
    url: int = 1024


DEFAULT = Limits()
