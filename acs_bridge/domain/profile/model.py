"""What a profile holds, and what it writes into one gateway."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from acs_bridge.domain.phan import MAX_URL
from acs_bridge.domain.profile.block import Block
from acs_bridge.domain.profile.instance import PLACEHOLDER, InstanceRule
from acs_bridge.domain.profile.match import GatewayKind, Match
from acs_bridge.domain.profile.template import Template
from acs_bridge.domain.write import Purpose
from acs_bridge.errors import AcsBridgeError, InvalidField, InvalidInput
from cwmp import envelope, values
from cwmp.errors import NEWEST_NAMESPACE
from cwmp.messages import ParameterValueStruct, SetParameterValues
from cwmp.types import STRING

DEFAULT_MAX_LENGTH = MAX_URL
MAX_REQUEST = 32_768  # bytes: what every gateway has to take (TR-069a6 3.5); some take no more

_BOOLEAN = "xsd:boolean"
_WORDS = {"1": "true", "0": "false"}
_DIGITS = {word: digit for digit, word in _WORDS.items()}


class InvalidProfile(InvalidInput):
    """A profile that cannot be used: its file, the key and what is wrong there."""

    title = "A profile cannot be used"

    def __init__(self, source: str, key: str, message: str) -> None:
        """Without a key the whole file is meant."""
        AcsBridgeError.__init__(self, ": ".join(part for part in (source, key, message) if part))
        self.errors = (InvalidField(": ".join(part for part in (source, key) if part), message),)
        self.source = source
        self.key = key
        self.message = message


class ProfileUnfit(AcsBridgeError):
    """A write that the profile of its gateway cannot carry. The reason shows no value: it might be the URL."""

    status = 422
    title = "The profile of this gateway cannot carry this"

    def __init__(self, reason: str) -> None:
        """`reason` is a plain sentence."""
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Quirks:
    """What a family of gateways cannot do, or does in its own way; everything is off unless a profile says so."""

    boolean_words: bool = False
    """An xsd:boolean is written as true or false; otherwise as 1 or 0, because some gateways refuse the words."""

    no_read_back: bool = False
    """The parameters cannot be read (or read as empty): a write stays `applied` until a later Inform proves its key."""

    empty_200: bool = False
    """A session ends with 200 and an empty body, because everything else than 200 is an error to these gateways."""

    shows_late: bool = False
    """It says that values hold (Status 0), but shows them only after the session or a reboot: read back later."""


@dataclass(frozen=True, slots=True)
class ProfileParameter:
    """One parameter, and what is written into it."""

    name: str
    value: Template
    type: str = STRING
    max_length: int = DEFAULT_MAX_LENGTH  # characters
    clear: Template | None = None  # written when the association ends; None: then left alone
    hidden: bool = False  # reads as nothing whatever it holds, as passwords do; never shown by us either

    def check(self, value: str) -> None:
        """Refuse a value that this parameter cannot take; a ValueError says why without showing it."""
        self._check_length(value)
        _check_type(value, self.type)

    def check_part(self, text: str) -> None:
        """Refuse what cannot stand in any value of this parameter, whatever comes before and behind it."""
        self._check_length(text)
        _check_type(text, STRING)

    def _check_length(self, text: str) -> None:
        if len(text) > self.max_length:
            raise ValueError(f"takes at most {self.max_length} characters, not {len(text)}")


def _check_type(text: str, type: str) -> None:
    try:
        values.check(text, type)
    except values.InvalidValue as error:
        raise ValueError(f"cannot take this value: {error}") from None


@dataclass(frozen=True, slots=True)
class Profile:
    """Everything about one family of gateways."""

    name: str
    match: Match
    parameters: tuple[ProfileParameter, ...]
    quirks: Quirks = Quirks()
    blocks: tuple[Block, ...] = ()
    instance: InstanceRule | None = None  # None: its names are whole, and nothing is ever added
    recheck_hours: int | None = None  # how often its value is read again; 0: never; None: as the settings say
    source: str = ""  # the file that it came from, for messages
    read_former: bool = False  # what the gateway held is read before it is written, and kept: it can be undone

    def block(self, kind: GatewayKind, now: datetime) -> Block | None:
        """Return what parks a gateway of this kind now; of several the first."""
        return next((block for block in self.blocks if block.holds(kind, now)), None)

    def render(
        self, purpose: Purpose, fields: Mapping[str, str], *, may_be_nothing: bool = False
    ) -> tuple[ParameterValueStruct, ...]:
        """Return what a write of this purpose sends, all of it in one SetParameterValues, or say why it cannot."""
        wanted = tuple(
            [
                self._rendered(parameter, template, fields)
                for parameter in self.parameters
                if (template := _template(parameter, purpose)) is not None
            ]
        )
        if not wanted and not may_be_nothing and (self.instance is None or purpose is not Purpose.CLEAR):
            raise ProfileUnfit(f"profile {self.name} has nothing to write for the purpose {purpose}")
        whole = wanted if self.instance is None else (*wanted, *_row_values(self.instance))
        if _may_be_large(whole) and (size := _size(whole)) > MAX_REQUEST:
            raise ProfileUnfit(f"profile {self.name} makes a request of {size} bytes; gateways take {MAX_REQUEST}")
        return wanted

    @property
    def hidden(self) -> frozenset[str]:
        """The names of the parameters that read as nothing."""
        return frozenset([parameter.name for parameter in self.parameters if parameter.hidden])

    def _rendered(
        self, parameter: ProfileParameter, template: Template, fields: Mapping[str, str]
    ) -> ParameterValueStruct:
        value = template.render(fields)
        try:
            parameter.check(value)
        except ValueError as error:
            raise ProfileUnfit(f"profile {self.name}: {parameter.name} {error}") from None
        if parameter.type == _BOOLEAN:
            value = (_WORDS if self.quirks.boolean_words else _DIGITS).get(value, value)
        return ParameterValueStruct(parameter.name, value, parameter.type)


def _row_values(rule: InstanceRule) -> tuple[ParameterValueStruct, ...]:
    return tuple(
        ParameterValueStruct(f"{rule.table}1.{row.table}{number}.{name}", text)
        for number, row in enumerate(rule.rows, start=1)
        for name, text in row.values
    )


def _may_be_large(wanted: tuple[ParameterValueStruct, ...]) -> bool:
    """A bound that costs nothing: what XML adds to an envelope and to a parameter, and to a character at most."""
    return sum(len(each.name) + 10 * len(each.value) + 200 for each in wanted) > MAX_REQUEST - 2000


def _size(wanted: tuple[ParameterValueStruct, ...]) -> int:
    """Bytes of the whole request, with the longest key and the longest ID."""
    numbered = tuple(each._replace(name=each.name.replace(PLACEHOLDER, "4294967295")) for each in wanted)
    return len(envelope.write(SetParameterValues(numbered, "k" * 32), namespace=NEWEST_NAMESPACE, id="i" * 64))


def _template(parameter: ProfileParameter, purpose: Purpose) -> Template | None:
    if purpose is Purpose.PROVISION:
        return parameter.value
    return parameter.clear if purpose is Purpose.CLEAR else None
