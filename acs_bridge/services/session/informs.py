"""Informs that arrive together share one statement, and of two Informs of one gateway the later one wins."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Final, NamedTuple, TypeAlias

from acs_bridge.domain.clock import Clock
from acs_bridge.domain.ids import is_tag
from acs_bridge.domain.principal import Principal
from acs_bridge.domain.profile import GatewayKind
from acs_bridge.errors import AcsBridgeError
from acs_bridge.services.session.visit import Contact, Replayed
from acs_bridge.store.batching import Batcher
from acs_bridge.store.sessions import Examined, InformRow, OpenedSession, Sessions
from cwmp.messages import Inform

REGISTRATION_TRIES: Final = 3

BOOTSTRAP: Final = 0
BOOT: Final = 1
PERIODIC: Final = 2
VALUE_CHANGE: Final = 4
PARAMETER_KEY: Final = "ManagementServer.ParameterKey"
PROVISIONING_CODE: Final = "DeviceInfo.ProvisioningCode"
_Claim: TypeAlias = tuple[tuple[str, str, str], Principal]  # a DeviceId, and the credentials that came with it
LONGEST: Final = 256  # characters of what a gateway says of itself; TR-181 has none longer


class Signs(NamedTuple):
    """What an Inform is looked at for, to find out whether its gateway still has what it was given."""

    check_before: datetime | None = None  # values that were last read before this time are read again
    changed: bool = False  # it says itself that it holds another value


NO_SIGNS: Final = Signs()


class RegistrationContested(AcsBridgeError):
    """The gateway was being registered by several workers at once, again and again."""

    status = 503
    title = "The gateway is being registered elsewhere at this moment"


class Informs:
    """The door through which every Inform reaches the database."""

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock
        self._batcher = Batcher(self._take_together, lambda row: row.identity)

    async def take(self, row: InformRow) -> OpenedSession | Examined:
        """Raise the gateway to its next session, and hear what stands open for it. Raises Replayed.

        Examined: its login does not go with its DeviceId, and nothing has changed.
        """
        opened = await self._batcher.add(row)
        if isinstance(opened, OpenedSession) and opened.replayed:
            raise Replayed
        return opened

    async def _take_together(self, batch: Sequence[InformRow]) -> list[OpenedSession | Examined]:
        if len({row.identity for row in batch}) == len(batch):  # as nearly always
            return await self._take_rows(batch)
        newest = {(row.identity, row.principal): row for row in batch}
        opened = await self._take_claims(list(newest.values()))
        claims = ((row, (row.identity, row.principal)) for row in batch)
        return [_of(row, newest[claim], opened[claim]) for row, claim in claims]

    async def _take_claims(self, rows: Sequence[InformRow]) -> dict[_Claim, OpenedSession | Examined]:
        """Take each row. Of two that name one gateway with different credentials each has a statement of its own.

        Who only says to be a gateway must not take the place of one that is.
        """
        opened: dict[_Claim, OpenedSession | Examined] = {}
        while rows:
            turn = {row.identity: row for row in reversed(rows)}
            taken = await self._take_rows(list(turn.values()))
            opened |= {(row.identity, row.principal): each for row, each in zip(turn.values(), taken, strict=True)}
            rows = [row for row in rows if row is not turn[row.identity]]
        return opened

    async def _take_rows(self, rows: Sequence[InformRow]) -> list[OpenedSession | Examined]:
        """Take rows of which no two name one gateway; in one order everywhere, so that workers cannot deadlock."""
        places = sorted(range(len(rows)), key=rows.__getitem__)
        taken = await self._sessions.take_informs([rows[place] for place in places], self._clock())
        found = dict(zip(places, taken, strict=True))
        return [found[place] or await self._insist(row) for place, row in enumerate(rows)]

    async def _insist(self, row: InformRow) -> OpenedSession | Examined:
        """A row without an answer was kept out, or met a concurrent registration: then it is asked again, alone."""
        row = row._replace(login=None)  # the first try has taken note of it
        for _ in range(REGISTRATION_TRIES):
            examined = await self._sessions.examine(row, self._clock())
            if not examined.admitted:
                return examined
            (session,) = await self._sessions.take_informs([row], self._clock())
            if session is not None:
                return session
        raise RegistrationContested


def _of(row: InformRow, newest: InformRow, session: OpenedSession | Examined) -> OpenedSession | Examined:
    """The session of an Inform; one that a newer one overtook in the same batch is over before it began."""
    if row is newest or isinstance(session, Examined):
        return session
    replayed = row.login is not None and row.login == newest.login
    number = max(session.session_number - 1, 0)  # who was kept out of the inbox has none
    # It sets nothing going either: that is for the newer one.
    over = session._replace(session_number=number, replayed=replayed, entitled=False, unmanaged=False)
    return over._replace(write=None, due_at=None, behind=None, drift=None)


def kind_of(inform: Inform) -> GatewayKind:
    """What profiles look at."""
    device = inform.device_id
    software_version = _cut(inform.value("DeviceInfo.SoftwareVersion"))
    return GatewayKind(inform.root, device.oui, device.product_class, software_version)


def row_of(
    inform: Inform,
    contact: Contact,
    kind: GatewayKind,
    profile: str | None,
    signs: Signs = NO_SIGNS,
    *,
    parked: bool = False,
) -> InformRow:
    """What an Inform leaves in its gateway's row. Events are told by their number alone (a name may be anything)."""
    device = inform.device_id
    numbers = inform.event_numbers
    key, code = inform.value(PARAMETER_KEY), inform.value(PROVISIONING_CODE)
    hardware_version = _cut(inform.value("DeviceInfo.HardwareVersion"))
    ours = key if key and is_tag(key) else ""
    return InformRow(
        serial_number=device.serial_number,
        oui=device.oui,
        product_class=device.product_class,
        manufacturer=device.manufacturer,
        hardware_version=hardware_version,
        software_version=kind.software_version,
        root=kind.root,
        provisioning_code=None if code is None else _cut(code),
        parameter_key=None if key is None else _cut(key),
        connection_request_url=_cut(inform.value("ManagementServer.ConnectionRequestURL")),
        cwmp_namespace=contact.namespace,
        profile=profile,
        address=contact.address,
        events=tuple([event.code for event in inform.events]),
        booted=BOOTSTRAP in numbers or BOOT in numbers,
        periodic=PERIODIC in numbers,
        believed=contact.believed,
        exposed=contact.exposed,
        login=contact.login,
        principal=contact.principal,
        parked=parked,
        check_before=signs.check_before,
        changed=signs.changed,
        face=_face(inform, kind, hardware_version, ours),
        tagged=bool(ours),
    )


def _face(inform: Inform, kind: GatewayKind, hardware_version: str, key: str) -> int:
    """What tells this box from another one with its DeviceId, as a number; `key` is its ParameterKey, if it is ours."""
    shown = (inform.device_id.manufacturer, hardware_version, kind.software_version, kind.root, key)
    return int.from_bytes(blake2b("\n".join(shown).encode(), digest_size=8).digest()) >> 1


def _cut(text: str | None) -> str:
    """As much of a gateway's words as its row keeps: an Inform may be megabytes long."""
    return "" if text is None else text[:LONGEST]
