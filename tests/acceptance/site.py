"""A site: a folder of its own, the settings of the daemon that lives there, and what that daemon must never say."""

import atexit
import http.client
import json
import os
import re
import secrets
import signal
import subprocess
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeVar

from acs_bridge.domain.actor import Actor, Role
from acs_bridge.services.access.tokens import Tokens
from acs_bridge.services.access.users import Users
from acs_bridge.simulator.behaviour import BY_THE_BOOK, Behaviour
from acs_bridge.simulator.gateway import Credentials, SimulatedGateway
from acs_bridge.simulator.models import TR181
from acs_bridge.simulator.schema import Schema
from acs_bridge.simulator.surroundings import real_surroundings
from acs_bridge.store.database import Database
from acs_bridge.store.embedded import EmbeddedPostgres
from acs_bridge.store.opening import open_database
from cwmp.messages import DeviceId
from tests.acceptance.forks import forked
from tests.acceptance.programs import PATIENCE_SECONDS, ROOT, Ended, Program, command, inhabitants, started, survivors
from tests.conftest import memory_or_disk, run

T = TypeVar("T")

MAKER: Final = Actor("cli", "test", Role.ADMIN, "")
BASE_URL: Final = "https://phan.example.net/r/"
BOOTSTRAP: Final = Credentials("bootstrap", "open-sesame-4711")
PHAN_URL: Final = "X_ACSBRIDGE_HomeAnalytics.URL"
OUI: Final = "00005E"
PRODUCT_CLASS: Final = "SimGW"
OPERATOR_SECONDS: Final = 20.0
SHOWN_OF_A_TOKEN: Final = 6

SHAPES: Final = {
    "a PHAN URL": re.compile(re.escape(BASE_URL) + rf"[\w-]{{{SHOWN_OF_A_TOKEN + 1},}}"),
    "a bearer token": re.compile(r"acsb_[\w-]+"),
    "a session cookie": re.compile(r"(?<![0-9a-f])[0-9a-f]{78,90}(?![0-9a-f])"),
    "a URL with a password": re.compile(r"postgres(ql)?://[^\s@]*:[^\s@]*@"),
    "a traceback": re.compile(r"Traceback \(most recent call last\)"),
}
"""What none of our programs may say, whatever happens to it."""

SETTINGS: Final = {
    "device_listener.host": "127.0.0.1",
    "device_listener.port": "0",
    "operator_listener.port": "0",
    "phan.base_url": BASE_URL,
    "cpe_auth.username": BOOTSTRAP.username,
    "cpe_auth.password": BOOTSTRAP.password,
    "cpe_auth.bootstrap": "provision",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the operator listener answered."""

    status: int
    body: Any


@dataclass(frozen=True, slots=True)
class Caller:
    """A BSS, or somebody with curl."""

    port: int
    token: str = field(default="", repr=False)

    def call(self, method: str, path: str, body: object = None) -> Answer:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if body is not None:
            headers["Content-Type"] = "application/json"
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=OPERATOR_SECONDS)) as connection:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            text = response.read().decode()
            is_json = "json" in response.headers.get("Content-Type", "")
            return Answer(response.status, json.loads(text) if is_json else text)

    def get(self, path: str) -> Any:
        answer = self.call("GET", path)
        assert answer.status == 200, answer
        return answer.body

    def post(self, path: str, body: object, status: int = 201) -> Any:
        answer = self.call("POST", path, body)
        assert answer.status == status, answer
        return answer.body

    def provision(self, serial: str, line: str = "", status: int = 201) -> dict[str, Any]:
        """One request for everything, as a BSS drops it; the line is named after the gateway."""
        line = line or f"LOS-{serial}"
        request = {
            "subscriber": {"name": f"Somebody at {line}", "code": f"C-{line}"},
            "line_of_service": line,
            "gateway": gateway_of(serial),
        }
        receipt: dict[str, Any] = self.post("/v1/provisioning-requests", request, status)
        return receipt

    def state(self, write_id: str) -> str:
        return str(self.get(f"/v1/writes/{write_id}")["state"])

    def metrics(self) -> dict[str, float]:
        """Every sample of /metrics, by its name with labels."""
        samples = (line.rpartition(" ") for line in self.get("/metrics").splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in samples}


def gateway_of(serial: str) -> dict[str, str]:
    return {"oui": OUI, "product_class": PRODUCT_CLASS, "serial_number": serial}


class Site:
    """Where a daemon is at home. Its commands find each other by the folder, as they would in a shell there."""

    def __init__(self, folder: Path, settings: Mapping[str, str] = SETTINGS) -> None:
        self.folder = folder
        self.temporary = folder / "tmp"
        self.temporary.mkdir(mode=0o711)
        self.settings = dict(settings)
        self.variables: dict[str, str] = {}
        """What a deployment puts into the environment beside them."""
        self.credentials = BOOTSTRAP
        self.programs: list[Program] = []
        self.gateways: list[SimulatedGateway] = []

    @property
    def data_folder(self) -> Path:
        """Where its embedded Postgres is, if it has one."""
        return self.folder / "var" / "postgres"

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """The settings, and nothing of the environment of the tests but where programs are."""
        settings = {**self.settings, **(more or {})}
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(self.temporary),
            **self.variables,
            **{variable(name): value for name, value in settings.items()},
        }

    def start(
        self, *arguments: str, settings: Mapping[str, str] | None = None, begin: Callable[..., Program] = started
    ) -> Program:
        program = begin(arguments, self.folder, self.environment(settings))
        self.programs.append(program)
        return program

    def run(self, *arguments: str, settings: Mapping[str, str] | None = None, typed: str = "") -> Ended:
        """Run a command to its end."""
        ended = subprocess.run(
            command(*arguments),
            cwd=self.folder,
            env=self.environment(settings),
            input=typed,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    def token(self, name: str, role: str) -> str:
        """A token of the daemon that runs here, as `tokens create` makes it."""
        if self.data_folder.exists():
            return self._beside(lambda database: Tokens(database, utc_now).create(name, Role(role), MAKER))
        ended = self.run("tokens", "create", name, "--role", role)
        assert (ended.code, ended.err) == (0, ""), ended
        return ended.out.removesuffix("\n")

    def user(self, name: str, role: str, password: str) -> None:
        """Somebody who may log in to the daemon that runs here, as `users add` makes them."""
        self._beside(
            lambda database: Users(database, utc_now, secrets.token_bytes).add(name, Role(role), MAKER, password)
        )

    def _beside(self, work: Callable[[Database], Awaitable[T]]) -> T:
        """Do what a command does beside an embedded Postgres that runs; the command would take a second to start."""

        async def on_the_database() -> T:
            server = await EmbeddedPostgres.attach(self.data_folder)
            async with Database.connect(server.runtime_url, pool_size=1) as database:
                return await work(database)

        return on_a_loop_of_its_own(on_the_database())

    @contextmanager
    def serving(
        self, *arguments: str, settings: Mapping[str, str] | None = None, blank: bool = False
    ) -> Iterator["Daemon"]:
        """A daemon that serves; it has ended, and has been discreet, when the block is left.

        Unless the site is blank its database is there already, with an Admin whose password nobody knows, and
        otherwise empty: making one takes as long as most tests.
        """
        elsewhere = self.variables or "database.url" in {**self.settings, **(settings or {})}
        is_usual = not (blank or elsewhere)
        if is_usual and not self.data_folder.exists():
            self.data_folder.parent.mkdir(exist_ok=True)
            subprocess.run(["/bin/cp", "-a", str(prepared()), str(self.data_folder)], check=True)
        program = self.start("serve", *arguments, settings=settings, begin=forked if is_usual else started)
        try:
            yield Daemon(self, program)
        finally:
            program.end()
        self.check_discreet()

    def check_discreet(self) -> None:
        """No program of this site has said a secret, nor had a traceback."""
        told = "".join(program.out.text + program.err.text for program in self.programs)
        secrets = {"a password": self.credentials.password, **self._keys(), **self._tokens()}
        said = [kind for kind, shape in SHAPES.items() if shape.search(told)]
        said += [kind for kind, secret in secrets.items() if secret in told]
        assert not said, f"the output has {', '.join(said)}"

    def left_behind(self) -> list[str]:
        """Who lives here, and what lies in the folder for temporary files."""
        alive = survivors(inhabitants(self.folder))
        return [str(process) for process in alive] + [path.name for path in self.temporary.iterdir()]

    def close(self) -> None:
        """End whatever is left of a test that failed."""
        for program in self.programs:
            program.end()
        for process in survivors(inhabitants(self.folder), 1.0):
            process.kill()
        for program in self.programs:
            program.ended()

    def _keys(self) -> dict[str, str]:
        """What the files of the keyring and of the embedded Postgres hold, by what it is."""
        files = [self.folder / "var" / "phan.keyring", self.data_folder / "credentials"]
        texts = [text for file in files if file.exists() for text in re.findall(r"[\w+/=-]{30,}", file.read_text())]
        return {f"key {number} of {len(texts)}": text for number, text in enumerate(texts)}

    def _tokens(self) -> dict[str, str]:
        """What the PHAN URLs in gateways are made of, without what may be shown."""
        urls = {gateway.value(PHAN_URL) for gateway in self.gateways} - {""}
        return {
            f"token {number} of a gateway": url.removeprefix(BASE_URL)[SHOWN_OF_A_TOKEN:]
            for number, url in enumerate(urls)
        }


class Daemon:
    """`acs-bridge serve` on free ports."""

    def __init__(self, site: Site, program: Program) -> None:
        self.site = site
        self.program = program
        self.device_port = program.out.until(port_of("device"))[0]
        self.operator_port = program.out.until(port_of("operator"))[0]

    @property
    def acs_url(self) -> str:
        return f"http://127.0.0.1:{self.device_port}/acs"

    @property
    def ports(self) -> dict[str, str]:
        """Settings with which the next daemon is where this one was."""
        return {
            "device_listener.port": str(self.device_port),
            "operator_listener.port": str(self.operator_port),
        }

    def caller(self, token: str = "") -> Caller:
        return Caller(self.operator_port, token)

    def gateway(
        self,
        serial: str,
        *,
        product_class: str = PRODUCT_CLASS,
        behaviour: Behaviour = BY_THE_BOOK,
        schema: Schema = TR181,
        url: str = "",
        credentials: Credentials | None = None,
    ) -> SimulatedGateway:
        """A gateway whose ACS this is, or who gets here by another URL."""
        gateway = SimulatedGateway(
            DeviceId("Example", OUI, product_class, serial),
            url or self.acs_url,
            credentials or self.site.credentials,
            schema=schema,
            behaviour=behaviour,
            surroundings=real_surroundings(),
        )
        self.site.gateways.append(gateway)
        return gateway

    def kill(self) -> None:
        """As the kernel does when memory is short."""
        self.program.send(signal.SIGKILL)
        self.program.process.wait()


def variable(setting: str) -> str:
    """The name of a setting in the environment."""
    return "ACS_BRIDGE_" + setting.replace(".", "__").upper()


def event_of(line: str) -> dict[str, Any]:
    """A line of the log; a line that is none is no event."""
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def port_of(listener: str) -> Any:
    """What finds the port in the line that says where a listener is."""

    def port(line: str) -> int | None:
        event = event_of(line)
        return event["port"] if event.get("event") == "listening" and event["listener"] == listener else None

    return port


@cache
def prepared() -> Path:
    """The data folder of a daemon that was migrated, has its first Admin and never served; made once by each worker."""
    place = TemporaryDirectory(prefix="acs-bridge-tests-prepared-", dir=memory_or_disk())
    atexit.register(place.cleanup)
    site = Path(place.name)
    site.chmod(0o711)  # the account that runs Postgres passes through
    on_a_loop_of_its_own(_prepare(site / "postgres"))
    kept = site / "prepared"
    kept.mkdir()
    for name in ("credentials", "pgdata"):
        (site / "postgres" / name).rename(kept / name)
    return kept


async def _prepare(data_folder: Path) -> None:
    async with open_database(None, data_folder, 1, utc_now(), may_attach=False) as database:
        assert await Users(database, utc_now, secrets.token_bytes).add_first("a password for nobody")


def on_a_loop_of_its_own(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end beside whoever asks, who may have a loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(run, work).result()


def utc_now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def new_site(settings: Mapping[str, str] = SETTINGS) -> Iterator[Site]:
    """A site in a folder that is gone afterwards, with everybody who lives in it."""
    with TemporaryDirectory(prefix="acs-bridge-tests-site-", dir=memory_or_disk()) as name:
        folder = Path(name)
        folder.chmod(0o711)  # the account that runs Postgres passes through
        site = Site(folder, settings)
        try:
            yield site
        finally:
            site.close()
