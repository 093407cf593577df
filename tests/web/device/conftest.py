"""A device listener on a real database and a real port, and the records that it needs."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from acs_bridge.domain.keyring import Keyring
from acs_bridge.domain.phan import PhanClaims
from acs_bridge.parts import Parts
from acs_bridge.services.profiles.profiles import load_profiles
from acs_bridge.settings import Settings
from acs_bridge.simulator.behaviour import BY_THE_BOOK, Behaviour
from acs_bridge.simulator.gateway import Credentials, SimulatedGateway
from acs_bridge.simulator.models import TR181
from acs_bridge.simulator.schema import Schema
from acs_bridge.simulator.surroundings import Surroundings
from acs_bridge.store.database import Database
from acs_bridge.web.device.tls import Tls
from acs_bridge.web.listener import bind, serving
from cwmp.messages import DeviceId

BASE_URL = "https://phan.example.net/r/"
BOOTSTRAP = Credentials("bootstrap", "let-me-in")
OUI = "00005E"


@dataclass
class Acs:
    """The listener under test, and a way to put a line into its records."""

    parts: Parts
    database: Database
    clock: Callable[[], datetime]
    url: str
    port: int
    gateways: list[SimulatedGateway] = field(default_factory=list)

    def gateway(
        self,
        serial: str = "S1",
        *,
        behaviour: Behaviour = BY_THE_BOOK,
        credentials: Credentials | None = BOOTSTRAP,
        schema: Schema = TR181,
    ) -> SimulatedGateway:
        return SimulatedGateway(
            DeviceId("Example", OUI, "SimGW", serial),
            self.url,
            credentials,
            schema=schema,
            behaviour=behaviour,
            surroundings=Surroundings(clock=self.clock, answer_seconds=20),
        )

    async def provision(self, serial: str = "S1", line: str = "LOS-1", code: str = "C-1") -> UUID:
        """Associate a line whose gateway is this one; the id of its write."""
        async with self.database.transaction() as connection:
            now = self.clock()
            subscriber_id = await connection.fetchval(
                "insert into subscriber (code, code_key, name, created_at, updated_at)"
                " values ($1, lower($1), 'Ann', $2, $2)"
                " on conflict (code_key) do update set updated_at = $2 returning id",
                code,
                now,
            )
            gateway_id = await connection.fetchval(
                "insert into gateway (oui, product_class, serial_number, created_at) values ($1, 'SimGW', $2, $3)"
                " on conflict (serial_number, oui, product_class) do update set manufacturer = gateway.manufacturer"
                " returning id",
                OUI,
                serial,
                now,
            )
            await connection.execute(
                "insert into device (line_of_service, line_key, gateway_id, created_at, updated_at)"
                " values ($1, lower($1), $2, $3, $3)",
                line,
                gateway_id,
                now,
            )
            own = await lock(connection, line)
            _, write_id = await self.parts.lines.associate(connection, own, subscriber_id, code, change(now))
        return write_id

    async def write(self, write_id: UUID) -> dict[str, Any]:
        row = await self.database.fetchrow("select * from write where id = $1", write_id)
        assert row is not None
        return dict(row)

    async def state(self, write_id: UUID) -> str:
        return str((await self.write(write_id))["state"])

    async def history(self, write_id: UUID) -> list[str]:
        """What happened to a write, in order."""
        rows = await self.database.fetch("select event from write_event where write_id = $1 order by move", write_id)
        return [row["event"] for row in rows]

    async def url_of(self, write_id: UUID) -> str:
        """The PHAN URL that this write carries."""
        row = await self.database.fetchrow(
            "select a.id, w.generation, w.key_id, a.issued_at, d.line_of_service from write w"
            " join association a on a.id = w.association_id join device d on d.id = a.device_id where w.id = $1",
            write_id,
        )
        assert row is not None
        claims = PhanClaims(row["line_of_service"], UUID(int=row["id"].int), row["generation"], row["issued_at"])
        return self.parts.phan_urls.seal(row["key_id"], claims)


async def lock(connection: Any, line: str) -> Any:
    from acs_bridge.services.records.lines import take

    own, _ = await take(connection, line.lower(), None)
    assert own is not None
    return own


def change(now: datetime) -> Any:
    from acs_bridge.services.change import Change

    return Change.of(None, now)


def settings(**sections: dict[str, Any]) -> Settings:
    values: dict[str, dict[str, Any]] = {
        "device_listener": {"host": "127.0.0.1", "port": 0},
        "phan": {"base_url": BASE_URL},
        "cpe_auth": {"username": BOOTSTRAP.username, "password": BOOTSTRAP.password, "bootstrap": "provision"},
        "queue": {"retry_initial_seconds": 30, "max_attempts": 3},
    }
    for name, section in sections.items():
        values[name] = {**values.get(name, {}), **section}
    return Settings.model_validate(values)


@pytest.fixture
def configured() -> Settings:
    """What the listener of a test is made with; a test module may say otherwise."""
    return settings()


@pytest.fixture
async def acs(database: Database, clock: Any, configured: Settings) -> AsyncIterator[Acs]:
    keyring = Keyring.new(clock())
    parts = Parts(configured, database, keyring, load_profiles(configured.profiles.dirs), clock)
    bound = bind("device", "127.0.0.1", 0, Tls.open(configured.device_listener))
    async with serving(bound, parts.device_runner()):
        yield Acs(parts, database, clock, f"http://127.0.0.1:{bound.port}/acs", bound.port)
