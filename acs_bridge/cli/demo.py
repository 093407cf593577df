"""`acs-bridge demo`: the main job end to end on this machine, with nothing set up and nothing left behind.

An embedded Postgres in a temporary folder, both listeners, simulated gateways over real HTTP, and one request dropped
on the intake API for each of them. Half of the gateways get a bulk data profile (TR-181), half one parameter (TR-098);
all report to the URL that they were given. Nothing here knows the daemon from inside: it uses what every BSS and
gateway uses.
"""

import asyncio
import secrets
import signal
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from acs_bridge.errors import AcsBridgeError

if TYPE_CHECKING:
    from aiohttp import ClientSession

    from acs_bridge.app import Addresses, Daemon
    from acs_bridge.domain.actor import Role
    from acs_bridge.settings import Settings
    from acs_bridge.simulator.gateway import SimulatedGateway
    from acs_bridge.simulator.live import ProvisioningBoard
    from acs_bridge.simulator.surroundings import Surroundings
    from acs_bridge.web.listener import Bound

MAX_GATEWAYS: Final = 5000
CONCURRENCY: Final = 8
TRIES: Final = 3
BOUND_SECONDS: Final = 120.0
SPREAD_SECONDS: Final = 0.2
RING_SECONDS: Final = 15.0
INTERVAL_SECONDS: Final = 60.0
HOST: Final = "127.0.0.1"
USUAL_PORTS: Final = {"device": 7547, "operator": 8080}
FIRST_CONTACT: Final = ("0 BOOTSTRAP", "1 BOOT")
REPORTS_PATH: Final = "/r"
PROFILES: Final = ("bulk-data-tr181", "plain-tr098")
INTERRUPTED: Final = 130
PASSWORD_BYTES: Final = 15


class DemoFailed(AcsBridgeError):
    """Not every write was verified."""

    title = "Not every write was verified"


def demo(
    gateways: Annotated[int, typer.Option(min=1, max=MAX_GATEWAYS, help="How many gateways and lines.")] = 8,
    once: Annotated[bool, typer.Option("--once", help="End when every write is verified.")] = False,
) -> None:
    """Show how requests become URLs inside gateways: daemon, Postgres and gateways, all on this machine."""
    from acs_bridge import log
    from acs_bridge.cli.running import run

    log.configure("console", "warning")
    run(_demo(gateways, once=once))


async def _demo(count: int, *, once: bool) -> None:
    from acs_bridge.app import serving_daemon

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with tempfile.TemporaryDirectory(prefix="acs-bridge-demo-") as folder:
        print("Starting an embedded Postgres and the daemon …", flush=True)
        device = _device_listener(free_port=once)
        settings = _settings(Path(folder), device, free_ports=once)
        async with (
            serving_daemon(settings, device=device) as daemon,
            _scene(settings, daemon, count) as scene,
            asyncio.TaskGroup() as group,
        ):
            kept = group.create_task(daemon.until_it_fails())
            await _until(stop, scene.play())
            if not once and not stop.is_set():
                await scene.spare.session(FIRST_CONTACT)  # it waits in the inbox now
                print(await _addresses(settings, daemon), flush=True)
                await _until(stop, scene.go_on())
            kept.cancel()
        if not scene.all_verified:
            raise typer.Exit(INTERRUPTED) if stop.is_set() else DemoFailed


async def _until(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Do some work, unless Ctrl-C comes first."""
    tasks = {asyncio.create_task(work), asyncio.create_task(stop.wait())}
    done, left = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in left:
        task.cancel()
    await asyncio.wait(tasks)
    for task in done:
        task.result()


def _device_listener(*, free_port: bool) -> "Bound":
    """Take the port before anything else: it stands in every PHAN URL."""
    from acs_bridge.web.listener import bind

    return bind("device", HOST, _port("device", free=free_port))


def _port(listener: str, *, free: bool) -> int:
    from acs_bridge.web.listener import is_free

    return USUAL_PORTS[listener] if not free and is_free(HOST, USUAL_PORTS[listener]) else 0


def _settings(folder: Path, device: "Bound", *, free_ports: bool) -> "Settings":
    """What the daemon of the demo is made with: everything in one folder, a password that nobody knows."""
    from acs_bridge.settings import Settings

    return Settings.model_validate(
        {
            "device_listener": {"host": HOST, "port": device.port},
            "operator_listener": {"host": HOST, "port": _port("operator", free=free_ports)},
            "database": {"data_dir": folder / "postgres"},
            "phan": {"base_url": f"{device.local_url}{REPORTS_PATH}/", "keyring": folder / "phan.keyring"},
            "reports": {"path": REPORTS_PATH, "interval_seconds": 900},
            "profiles": {"packaged": PROFILES},
            "cpe_auth": {"username": "demo", "password": secrets.token_urlsafe(), "bootstrap": "provision"},
            "connection_requests": {
                "access_networks": ["127.0.0.0/8"],
                "username": "demo-acs",
                "password": secrets.token_urlsafe(),
                "per_minute": 60 * MAX_GATEWAYS,
                "address_interval_seconds": 0,  # all of them are on this machine
            },
        }
    )


@asynccontextmanager
async def _scene(settings: "Settings", daemon: "Daemon", count: int) -> AsyncIterator["Scene"]:
    from aiohttp import ClientSession

    from acs_bridge.domain.actor import Role
    from acs_bridge.simulator.bells import Bells
    from acs_bridge.simulator.fleet import FleetPlan, Roots
    from acs_bridge.simulator.gateway import Credentials
    from acs_bridge.simulator.live import ProvisioningBoard
    from acs_bridge.simulator.reporters import Reporters
    from acs_bridge.simulator.surroundings import real_surroundings

    host, port = daemon.addresses.device
    cpe_auth = settings.cpe_auth
    password = cpe_auth.password.get_secret_value() if cpe_auth.password else ""
    plan = FleetPlan(
        acs_url=f"http://{host}:{port}{settings.device_listener.path}",
        count=count,
        credentials=Credentials(cpe_auth.username or "", password),
        roots=Roots.BOTH,
        serial_prefix="DEMO",
    )
    token = await _token(daemon, "demo-bss", Role.INTAKE)
    async with ClientSession(_url(daemon.addresses), headers={"Authorization": f"Bearer {token}"}) as bss:
        board = ProvisioningBoard(count, timer=time.perf_counter)
        surroundings = real_surroundings()
        gateways = plan.gateways(surroundings)
        (spare,) = replace(plan, count=1, serial_prefix="SPARE").gateways(surroundings)
        everybody = [*gateways, spare]
        rung = settings.connection_requests
        pair = Credentials(rung.username or "", rung.password.get_secret_value() if rung.password else "")
        bells, reporters = Bells(surroundings), Reporters(everybody, Counter())
        async with bells.listening(HOST, everybody, pair), reporters.reporting():
            yield Scene(bss, gateways, spare, surroundings, board)


@dataclass(slots=True)
class Scene:
    """A BSS with a token, the gateways of its subscribers, and one without a line: for somebody at the console."""

    bss: "ClientSession"
    gateways: "list[SimulatedGateway]"
    spare: "SimulatedGateway"
    surroundings: "Surroundings"
    board: "ProvisioningBoard"
    turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CONCURRENCY))

    @property
    def all_verified(self) -> bool:
        """Whether every gateway has its URL, read back."""
        return self.board.all_verified

    async def play(self) -> None:
        """Provision the line of every gateway that has informed once, and see how it is rung and comes for its URL."""
        with self.board, suppress(TimeoutError):  # the summary says what is missing then
            async with asyncio.timeout(BOUND_SECONDS), asyncio.TaskGroup() as group:
                for number, gateway in enumerate(self.gateways):
                    group.create_task(self._provision(number, gateway))
        self.board.print_summary()

    async def go_on(self) -> None:
        """Let the gateways inform now and then; whatever else is provisioned reaches them at once, by a ring."""
        from acs_bridge.simulator.fleet import Fleet, Pace

        pace = Pace(concurrency=CONCURRENCY, sessions=None, interval=INTERVAL_SECONDS)
        await Fleet([*self.gateways, self.spare], pace, self.surroundings).run()

    async def _provision(self, number: int, gateway: "SimulatedGateway") -> None:
        line = f"LINE-{number + 1:04d}"
        await asyncio.sleep(SPREAD_SECONDS * (number % CONCURRENCY))  # so that one can watch it
        async with self.turn:
            await gateway.session(FIRST_CONTACT)  # so that the daemon knows where it can be rung
            receipt = await self._drop_request(number, line, gateway)
        for _ in range(TRIES):
            try:
                async with asyncio.timeout(RING_SECONDS):
                    await gateway.until(_has_its_url)
            except TimeoutError:
                await gateway.session()  # by itself, as gateways do that cannot be rung
            if await self._look(line, receipt["write_id"], gateway) == "verified":
                await self._hear(line, receipt["association_id"], gateway)
                return

    async def _drop_request(self, number: int, line: str, gateway: "SimulatedGateway") -> dict[str, str]:
        identity = gateway.identity
        request = {
            "subscriber": {"name": f"Subscriber {number + 1}", "code": f"C-{number + 1:04d}"},
            "line_of_service": line,
            "gateway": {
                "oui": identity.oui,
                "product_class": identity.product_class,
                "serial_number": identity.serial_number,
            },
        }
        async with self.bss.post("/v1/provisioning-requests", json=request) as response:
            receipt: dict[str, str] = await response.json()
            if not response.ok:
                raise DemoFailed(f"{line}: the intake API answers {response.status}: {receipt.get('detail')}")
        self.board.update(line, receipt["state"], gateway=identity.serial_number)
        return receipt

    async def _look(self, line: str, write_id: str, gateway: "SimulatedGateway") -> str:
        async with self.bss.get(f"/v1/writes/{write_id}") as response:
            write = await response.json()
        self.board.update(line, write["state"], attempts=write["attempts"], url=_url_in(gateway))
        return str(write["state"])

    async def _hear(self, line: str, association_id: str, gateway: "SimulatedGateway") -> None:
        """Wait for the gateway's first report, and for what the daemon says of it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(RING_SECONDS):
                await gateway.until(lambda each: bool(each.reported))
        async with self.bss.get(f"/v1/associations/{association_id}") as response:
            since = (await response.json()).get("reporting_since")
        if since is not None:
            self.board.update(line, reporting=f"{datetime.fromisoformat(since):%H:%M:%S} UTC")


def _url_in(gateway: "SimulatedGateway") -> str:
    return next((place.url for place in gateway.reports_to), "")


def _has_its_url(gateway: "SimulatedGateway") -> bool:
    return not gateway.in_session and bool(gateway.reports_to)


async def _token(daemon: "Daemon", name: str, role: "Role") -> str:
    from acs_bridge.app import utc_now
    from acs_bridge.domain.actor import Actor, Role
    from acs_bridge.services.access.tokens import Tokens

    return await Tokens(daemon.database, utc_now).create(name, role, Actor("cli", "demo", Role.ADMIN, ""))


async def _login(daemon: "Daemon") -> str:
    """Make a user of the console who need not choose another password."""
    from acs_bridge.app import utc_now
    from acs_bridge.domain.actor import Actor, Role
    from acs_bridge.services.access.users import Users

    users, password = Users(daemon.database, utc_now, secrets.token_bytes), secrets.token_urlsafe(PASSWORD_BYTES)
    await users.add("demo", Role.ADMIN, Actor("cli", "demo", Role.ADMIN, ""), password)
    return password


def _url(addresses: "Addresses") -> str:
    host, port = addresses.operator
    return f"http://{host}:{port}"


async def _addresses(settings: "Settings", daemon: "Daemon") -> str:
    """What somebody needs to go on by hand."""
    from acs_bridge.domain.actor import Role

    token = await _token(daemon, "demo-admin", Role.ADMIN)
    password = await _login(daemon)
    host, port = daemon.addresses.device
    url = _url(daemon.addresses)
    return "\n".join(
        (
            "",
            f"console             {url}/    user demo, password {password}",
            f"operators and BSSs  {url}/v1/…    Authorization: Bearer {token}",
            f"gateways            http://{host}:{port}{settings.device_listener.path}",
            "",
            f"  curl -H 'Authorization: Bearer {token}' {url}/v1/queue",
            "",
            "In the console, Admin > Provisioning does the same by hand; SPARE000001 has informed and has no line.",
            "The gateways inform once a minute, and at once when they are rung. They report every 15 minutes, and at",
            "once when they get another URL.",
            "Ctrl-C ends everything and leaves nothing behind.",
        )
    )
