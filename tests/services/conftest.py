"""The services as the composition root makes them, on a real database, and the moves that a session would make."""

from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_network
from typing import Any
from uuid import UUID

import pytest

from acs_bridge.domain.actor import Actor, Role
from acs_bridge.domain.credentials import OwnPairs, Pair
from acs_bridge.domain.keyring import Keyring
from acs_bridge.domain.names import line_of_service, subscriber_code
from acs_bridge.domain.phan import PhanUrls
from acs_bridge.domain.profile import ProfileSet, parse_profile
from acs_bridge.domain.provisioning_code import ProvisioningCodes
from acs_bridge.domain.ring import RingResult
from acs_bridge.services.access.tokens import Tokens
from acs_bridge.services.audit import AuditTrail
from acs_bridge.services.doorbell.address import Access
from acs_bridge.services.doorbell.credentials import configured
from acs_bridge.services.doorbell.doorbell import Doorbell, Manners
from acs_bridge.services.intake.bulk import BulkIntake
from acs_bridge.services.intake.intake import Intake
from acs_bridge.services.intake.orders import Order
from acs_bridge.services.intake.stock import Stock
from acs_bridge.services.pages import Ask
from acs_bridge.services.profiles.profiles import LiveProfiles
from acs_bridge.services.profiles.reloading import Reloading
from acs_bridge.services.profiles.rendering import Rendering
from acs_bridge.services.pulse import Pulse
from acs_bridge.services.queue.queue import Queue
from acs_bridge.services.queue.undo import Undo
from acs_bridge.services.queue.writes import SeenWrite, WriteQuestion, Writes
from acs_bridge.services.records.associations import Associations
from acs_bridge.services.records.binding import Binding
from acs_bridge.services.records.credentials import GatewayCredentials, Policy
from acs_bridge.services.records.devices import Devices
from acs_bridge.services.records.gateways import Gateways
from acs_bridge.services.records.lines import Lines
from acs_bridge.services.records.subscribers import Subscribers
from acs_bridge.services.session.former import FormerValues
from acs_bridge.services.session.plans import Plans
from acs_bridge.services.urls.phan import PhanLookup
from acs_bridge.services.urls.seals import Seals
from acs_bridge.store.database import Database
from acs_bridge.store.gateways import Identity

ADMIN = Actor("token", "crm", Role.ADMIN, "192.0.2.7")
BASE_URL = "https://analytics.example/r/"
PROFILE = """
name = "roomy"
[match]
root = "Device."
[[parameter]]
name = "Device.X_EXAMPLE.URL"
value = "{phan_url}"
max_length = 160
clear = ""
"""

POLICY = Policy(manage=True, bootstrap=Pair("bootstrap", "let-me-in"), realm="acs-bridge")

DISPATCH = """
update write set state = 'sent', event = 'dispatched', moves = moves + 1, moved_at = $2, attempts = attempts + 1,
                 step = step + 1, request_id = 'r', session_number = 1, lease_until = $2::timestamptz + interval '90 s'
where id = $1
"""
ACCEPT = """
update write set state = 'applied', event = 'accepted', moves = moves + 1, moved_at = $2, step = step + 1 where id = $1
"""
VERIFY = """
update write set state = 'verified', event = 'read_back_equal', moves = moves + 1, moved_at = $2, finished_at = $2,
                 request_id = null, lease_until = null, proof = 'read_back'
where id = $1
"""
REJECT = """
update write set state = 'rejected', event = 'refused', moves = moves + 1, moved_at = $2, finished_at = $2,
                 request_id = null, lease_until = null,
                 fault = '{"code": 9005, "text": "Invalid parameter name", "parameters": []}'
where id = $1
"""
INFORM = """
insert into gateway (oui, serial_number, product_class, root, software_version, created_at, first_inform_at,
                     last_inform_at, session_number)
values ($1, $2, $3, 'Device.', '1.0', $4, $4, $4, 1)
on conflict (serial_number, oui, product_class) do update set root = 'Device.', last_inform_at = $4,
    first_inform_at = coalesce(gateway.first_inform_at, $4), session_number = gateway.session_number + 1
returning id
"""

LOOPBACK = Access((ip_network("127.0.0.0/8"),))


@dataclass
class Office:
    """Every service, and what a test asks of the database beside them."""

    database: Database
    clock: Any
    seals: Seals
    actor: Actor = ADMIN
    approval_needed: bool = True
    keyring: Keyring = field(kw_only=True)
    profiles: LiveProfiles = field(kw_only=True, default_factory=lambda: LiveProfiles(ProfileSet()))
    text: str = PROFILE
    """What the one profile file would say if it were read again."""
    policy: Policy = POLICY
    lines: Lines = field(init=False)

    def __post_init__(self) -> None:
        database, clock = self.database, self.clock
        self.lines = Lines(self.seals)
        self.binding = Binding(database, clock, self.lines, ProvisioningCodes(self.keyring))
        self.subscribers = Subscribers(database, clock)
        self.devices = Devices(database, clock, self.lines, self.binding)
        self.associations = Associations(database, clock, self.lines, self.seals)
        self.intake = Intake(database, clock, self.lines, self.seals, self.binding)
        self.bulk = BulkIntake(database, clock, self.intake, self.seals, self.binding)
        self.credentials = GatewayCredentials(database, clock, self.keyring, self.policy)
        self.gateways = Gateways(database, clock, self.binding, self.credentials, ProvisioningCodes(self.keyring))
        self.stock = Stock(database, clock, self.credentials, self.binding)
        urls = PhanUrls(self.keyring, BASE_URL)
        self.rendering = Rendering(
            self.profiles,
            urls,
            ProvisioningCodes(self.keyring),
            FormerValues(self.keyring, urls),
            OwnPairs(self.keyring),
        )
        self.reloading = Reloading(
            database, clock, self.profiles, PhanUrls(self.keyring, BASE_URL), lambda: [[("roomy.toml", self.text)]]
        )
        self.plans = Plans(database, clock, self.rendering)
        self.writes = Writes(database, clock, approval_needed=self.approval_needed, blocked=self.rendering.blocked)
        self.undo = Undo(database, clock, self.writes)
        self.queue = Queue(database, clock)
        self.rung: list[RingResult] = []
        self.pulse = Pulse(database)
        self.doorbell = self.ringer()
        self.tokens = Tokens(database, clock)
        self.audit = AuditTrail(database, clock)

    def ringer(self, pair: Pair | None = None, **manners: Any) -> Doorbell:
        """A doorbell, which may ring this machine."""
        kept: dict[str, Any] = {"access": LOOPBACK, "approval_needed": self.approval_needed, **manners}
        return Doorbell(
            self.database,
            self.clock,
            Manners(**kept),
            self.pulse,
            credentials=configured(pair),
            new_cnonce=lambda: "0a4f113b",
            observe=self.rung.append,
        )

    async def request(self, code="C-1", line="L-1", gateway: Identity | None = None, **more: Any):
        order = Order(
            subscriber_code(code), more.pop("name", f"Name of {code}"), line_of_service(line), gateway, **more
        )
        return await self.intake.provision(order, self.actor)

    async def writes_of(self, line: str) -> list[SeenWrite]:
        """The writes of a line, newest first."""
        return list((await self.writes.page(Ask(), WriteQuestion(line_of_service=line))).items)

    async def story(self, line: str) -> list[tuple[str, str, int | None, int | None]]:
        """(purpose, state, gateway, generation) of every write of a line, oldest first."""
        return [
            (seen.row.purpose, seen.row.state, seen.row.gateway_id, seen.row.generation)
            for seen in reversed(await self.writes_of(line))
        ]

    async def dispatch(self, write_id: UUID) -> None:
        await self.database.execute(DISPATCH, write_id, self.clock())

    async def verify(self, write_id: UUID) -> None:
        for step in (DISPATCH, ACCEPT, VERIFY):
            await self.database.execute(step, write_id, self.clock())

    async def reject(self, write_id: UUID) -> None:
        for step in (DISPATCH, REJECT):
            await self.database.execute(step, write_id, self.clock())

    async def inform(self, identity: Identity) -> int:
        gateway_id: int = await self.database.fetchval(
            INFORM, identity.oui, identity.serial_number, identity.product_class or "", self.clock()
        )
        return gateway_id

    async def gateway_of(self, line: str) -> int | None:
        return (await self.devices.find(line)).gateway_id

    async def deeds(self) -> list[str]:
        return [row["action"] for row in await self.database.fetch("select action from audit order by id")]


@pytest.fixture
def keyring(now: datetime) -> Keyring:
    return Keyring.new(now)


@pytest.fixture
def phan_urls(keyring: Keyring) -> PhanUrls:
    return PhanUrls(keyring, BASE_URL)


@pytest.fixture
def live_profiles() -> LiveProfiles:
    return LiveProfiles(ProfileSet([[parse_profile(PROFILE, "roomy.toml")]]))


@pytest.fixture
def seals(phan_urls: PhanUrls, live_profiles: LiveProfiles) -> Seals:
    return Seals(phan_urls, live_profiles)


@pytest.fixture
def office(database: Database, clock, seals: Seals, keyring: Keyring, live_profiles: LiveProfiles) -> Office:
    return Office(database, clock, seals, keyring=keyring, profiles=live_profiles)


@pytest.fixture
def lookup(database: Database, phan_urls: PhanUrls) -> PhanLookup:
    return PhanLookup(database, phan_urls)
