"""What a gateway takes connection requests with."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from acs_bridge.domain.credentials import Pair
from acs_bridge.services.records.credentials import GatewayCredentials
from acs_bridge.store.rings import ClaimedRing

CredentialsFor: TypeAlias = Callable[[ClaimedRing], Awaitable[Pair | None]]
"""Gives the pair for a gateway that asks for one; None where we have none."""


def own_or(credentials: GatewayCredentials, otherwise: CredentialsFor) -> CredentialsFor:
    """The pair that the daemon has written into this gateway; for one that got none, what `otherwise` says."""

    async def give(ring: ClaimedRing) -> Pair | None:
        return await credentials.ringing(ring.gateway_id) or await otherwise(ring)

    return give


def configured(pair: Pair | None) -> CredentialsFor:
    """The pair that the settings name, for every gateway."""

    async def give(_: ClaimedRing) -> Pair | None:
        return pair

    return give
