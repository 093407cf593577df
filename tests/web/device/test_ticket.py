"""A session's cookie: who may go on with it."""

import pytest

from acs_bridge.domain.keyring import Keyring
from acs_bridge.domain.principal import ANYBODY, BOOTSTRAP, Kind, Principal
from acs_bridge.web.device.ticket import COOKIE, Ticket, TicketSeal

OWN = Principal(Kind.OWN, (7,), 1)
NAMED = Principal(Kind.CERTIFICATE, identities=frozenset({"00236A-1", "00236A-2"}))


def opened_by(principal, gateway_id=7):
    return Ticket(gateway_id, 3, 1_800_000_000, 2, principal.kind, principal.mark(), work_due=True, recorded=True)


@pytest.mark.parametrize("opener", [ANYBODY, BOOTSTRAP, OWN, NAMED])
def test_a_ticket_comes_back_as_it_was_sealed(opener, now):
    seal = TicketSeal(Keyring.new(now))
    assert seal.open([f"{COOKIE}={seal.seal(opened_by(opener))}"]) == opened_by(opener)


class TestASession:
    """SEC-07: principal and cookie must agree."""

    @pytest.mark.parametrize("opener", [ANYBODY, BOOTSTRAP, OWN, NAMED])
    def test_is_for_who_opened_it(self, opener):
        assert opened_by(opener).is_for(opener)

    @pytest.mark.parametrize("opener", [BOOTSTRAP, OWN])
    def test_is_for_any_credentials_of_its_gateway(self, opener):
        """They may be changed in the middle of it."""
        assert opened_by(opener).is_for(Principal(Kind.OWN, (7,), 2))
        assert opened_by(opener).is_for(Principal(Kind.IMPORTED, (6, 7)))

    @pytest.mark.parametrize(
        ("opener", "other"),
        [
            (OWN, Principal(Kind.OWN, (8,), 1)),
            (BOOTSTRAP, Principal(Kind.OWN, (8,), 1)),
            (OWN, Principal(Kind.IMPORTED, (8, 9))),
            (OWN, BOOTSTRAP),
            (NAMED, BOOTSTRAP),
            (OWN, ANYBODY),
            (BOOTSTRAP, NAMED),
            (NAMED, Principal(Kind.CERTIFICATE, identities=frozenset({"00236A-1"}))),
            (ANYBODY, BOOTSTRAP),
        ],
    )
    def test_is_for_nobody_else(self, opener, other):
        assert not opened_by(opener).is_for(other)
