"""Credentials that single gateways have: derived ones, which need no look-up, and imported ones, which need one."""

from collections.abc import Mapping, Sequence
from typing import Final

from acs_bridge.domain.credentials import OwnPairs, own_name
from acs_bridge.domain.principal import Kind, Principal
from acs_bridge.services.records.credentials import GatewayCredentials
from acs_bridge.web.device.gate.credentials import Candidate

_NO_HASH: Final[Mapping[str, str]] = {}


class DerivedPairs:
    """The pairs that the daemon gives out: the name says which one it is, and the password is derived again."""

    def __init__(self, pairs: OwnPairs) -> None:
        self._pairs = pairs

    async def find(self, username: str) -> Sequence[Candidate]:
        """The gateway and generation that the name says. Whether they count today is the Inform's to see."""
        named = own_name(username)
        if named is None:
            return ()
        gateway_id, generation = named
        password = self._pairs.login(gateway_id, generation).password
        return (Candidate(Principal(Kind.OWN, (gateway_id,), generation), password),)


class ImportedPairs:
    """The pairs that gateways had before us, by user name: one statement, and none for a name of ours."""

    def __init__(self, credentials: GatewayCredentials) -> None:
        self._credentials = credentials

    async def find(self, username: str) -> Sequence[Candidate]:
        """The pairs with this name; gateways that share name and password are one candidate."""
        owners: dict[tuple[str | None, str | None], list[int]] = {}
        for known in await self._credentials.known(username):
            owners.setdefault((known.password, known.ha1), []).append(known.gateway_id)
        return [
            Candidate(Principal(Kind.IMPORTED, tuple(ids)), password, _NO_HASH if ha1 is None else {"MD5": ha1})
            for (password, ha1), ids in owners.items()
        ]
