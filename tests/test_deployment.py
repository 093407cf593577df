"""Every command that the Dockerfile, the compose file, the unit and the Makefile hold is run here in another way.

No container engine is needed: their commands are taken out of the files and run with this machine's Python, with the
environment that the files give them.
"""

import email
import http.server
import json
import os
import re
import subprocess
import sys
import threading
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from config.make_secrets import make

ROOT = Path(__file__).resolve().parent.parent
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
OURS = [name for name, service in COMPOSE["services"].items() if service["image"] == "acs-bridge"]
COMPOSE_PORT = "8080"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def dockerfile() -> list[tuple[str, str]]:
    """The instructions, with their arguments as they stand."""
    lines = (ROOT / "Dockerfile").read_text("utf-8").splitlines()
    split = [line.partition(" ") for line in lines if line and not line.startswith("#")]
    return [(name, argument) for name, _, argument in split]


def instructions(name: str) -> list[str]:
    return [argument for each, argument in dockerfile() if each == name]


def exec_form(argument: str) -> list[str]:
    """The command of an instruction that no shell interprets."""
    command = json.loads(argument[argument.index("[") :])
    assert all(isinstance(word, str) for word in command)
    return command


def daemon(
    arguments: list[str], folder: Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess:
    """Run `acs-bridge` in a folder, with nothing of our own environment but the path."""
    given = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **(environment or {})}
    command = [sys.executable, "-m", "acs_bridge", *arguments]
    return subprocess.run(command, cwd=folder, env=given, capture_output=True, text=True, check=False)


@pytest.fixture
def secrets(tmp_path) -> Path:
    make(tmp_path / "secrets")
    return tmp_path / "secrets"


class TestSecrets:
    def test_are_made_once_and_kept(self, secrets):
        before = {file.name: file.read_text("ascii") for file in secrets.iterdir()}
        make(secrets)
        assert {file.name: file.read_text("ascii") for file in secrets.iterdir()} == before

    def test_hold_one_password_for_both_ends_of_the_database(self, secrets):
        password = (secrets / "postgres_password").read_text("ascii").strip()
        assert f":{password}@postgres/" in (secrets / "database_url").read_text("ascii")

    def test_lie_in_a_folder_for_their_owner_only(self, secrets):
        assert secrets.stat().st_mode & 0o777 == 0o700
        assert {file.stat().st_mode & 0o777 for file in secrets.iterdir()} == {0o644}


class TestDockerfile:
    def test_runs_no_shell(self):
        for name in ("RUN", "CMD", "ENTRYPOINT"):
            for argument in instructions(name):
                assert argument.startswith("["), argument
                assert exec_form(argument)
        (health,) = instructions("HEALTHCHECK")
        assert re.search(r"CMD \[", health)

    def test_does_not_run_as_root(self):
        final = [name for name, _ in dockerfile()]
        last_stage = final[len(final) - final[::-1].index("FROM") :]
        assert "USER" in last_stage
        (user,) = instructions("USER")
        assert int(user) > 0

    def test_starts_from_a_python_that_we_support(self):
        versions = {re.match(r"python:(3\.\d+)-slim", argument)[1] for argument in instructions("FROM")}  # type: ignore[index]
        assert len(versions) == 1
        assert f"Programming Language :: Python :: {versions.pop()}" in PYPROJECT["project"]["classifiers"]

    def test_installs_only_what_has_a_hash(self):
        installs = [exec_form(argument) for argument in instructions("RUN") if "pip" in argument]
        assert len(installs) == 2
        assert all(
            {"--require-hashes"} < set(words) or {"--no-deps", "--no-build-isolation"} < set(words)
            for words in installs
        )

    def test_copies_what_the_build_needs_and_the_context_has(self):
        ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
        for argument in instructions("COPY"):
            if argument.startswith("--from"):
                continue
            *sources, _ = argument.split()
            for source in sources:
                assert (ROOT / source).exists(), source
                assert f"!{source}" in ignored, source

    def test_starts_the_daemon(self, tmp_path):
        (entrypoint,), (command,) = instructions("ENTRYPOINT"), instructions("CMD")
        assert exec_form(entrypoint)[0] in PYPROJECT["project"]["scripts"]
        assert daemon([*exec_form(entrypoint)[1:], *exec_form(command), "--help"], tmp_path).returncode == 0


class Health(http.server.BaseHTTPRequestHandler):
    """Answers `/healthz` with the status that the server was given."""

    def do_GET(self) -> None:
        self.send_response(self.server.status if self.path == "/healthz" else 404)  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def answering(status: int) -> Iterator[int]:
    with http.server.HTTPServer(("127.0.0.1", 0), Health) as server:
        server.status = status  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


class TestHealthCheck:
    def command(self, port: int) -> list[str]:
        python, *words = exec_form(instructions("HEALTHCHECK")[0])
        assert python == "python"
        assert f" {COMPOSE_PORT}," in words[-1]
        return [sys.executable, *words[:-1], words[-1].replace(COMPOSE_PORT, str(port))]

    @pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
    def test_is_what_healthz_says(self, status, code):
        with answering(status) as port:
            assert subprocess.run(self.command(port), check=False).returncode == code

    def test_fails_where_nothing_listens(self):
        with answering(200) as port:
            pass
        assert subprocess.run(self.command(port), check=False, stderr=subprocess.DEVNULL).returncode == 1


class TestCompose:
    def test_waits_for_what_it_needs(self):
        services = COMPOSE["services"]
        assert services["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
        assert services["acs-bridge"]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
        assert services["simulate"]["depends_on"]["acs-bridge"]["condition"] == "service_healthy"
        assert services["migrate"]["restart"] == "no"

    def test_simulates_only_when_asked(self):
        assert [name for name in OURS if "profiles" in COMPOSE["services"][name]] == ["simulate"]

    def test_gives_secrets_as_files_that_exist(self, secrets):
        for name, service in COMPOSE["services"].items():
            given = set(service.get("secrets", []))
            text = json.dumps([service.get("environment"), service.get("command")])
            assert set(re.findall(r"/run/secrets/(\w+)", text)) == given, name
        for name, secret in COMPOSE["secrets"].items():
            assert secret["file"] == f"config/secrets/{name}"
            assert (secrets / name).is_file()

    def test_publishes_the_operators_port_on_this_machine_only(self):
        ports = {port for service in COMPOSE["services"].values() for port in service.get("ports", [])}
        assert ports == {"7547:7547", f"127.0.0.1:{COMPOSE_PORT}:{COMPOSE_PORT}"}

    @pytest.mark.parametrize("name", OURS)
    def test_runs_a_command_with_options_that_it_has(self, name, tmp_path):
        ended = daemon([*COMPOSE["services"][name]["command"], "--help"], tmp_path)
        assert ended.returncode == 0, ended.stderr

    def environment(self, name: str, secrets: Path, given: dict[str, str]) -> dict[str, str]:
        """What compose would give a service: its variables, the secrets where they are here."""

        def put(found: re.Match[str]) -> str:
            if found["name"] in given or found["default"] is not None:
                return given.get(found["name"], found["default"])
            raise KeyError(found["name"])

        variable = re.compile(r"\$\{(?P<name>\w+)(?::-(?P<default>[^}]*)|:\?[^}]*)\}")
        values = COMPOSE["services"][name].get("environment", {})
        return {key: variable.sub(put, value).replace("/run/secrets", str(secrets)) for key, value in values.items()}

    def test_gives_the_daemon_settings_that_it_can_serve_with(self, secrets, tmp_path):
        given = self.environment("acs-bridge", secrets, {"PHAN_BASE_URL": "https://phan.example.net/r/"})
        ended = daemon(["config", "check"], tmp_path, given)
        assert (ended.returncode, ended.stderr) == (0, "")
        settings = tomllib.loads(ended.stdout)
        assert settings["operator_listener"]["host"] == "0.0.0.0"  # noqa: S104 - in a container
        assert settings["operator_listener"]["port"] == int(COMPOSE_PORT)
        assert settings["cpe_auth"]["bootstrap"] == "approve"

    def test_does_not_start_without_an_address_for_the_reports(self, secrets):
        with pytest.raises(KeyError, match="PHAN_BASE_URL"):
            self.environment("acs-bridge", secrets, {})

    def test_migrates_the_database_that_the_daemon_uses(self, secrets):
        variable = "ACS_BRIDGE_DATABASE__URL_FILE"
        assert self.environment("migrate", secrets, {}) == {variable: str(secrets / "database_url")}
        assert COMPOSE["services"]["acs-bridge"]["environment"][variable] == "/run/secrets/database_url"


class TestSystemdUnit:
    @pytest.fixture
    def service(self) -> dict[str, list[str]]:
        service: dict[str, list[str]] = {}
        for line in (ROOT / "config" / "acs-bridge.service").read_text("utf-8").partition("[Service]")[2].splitlines():
            key, separator, value = line.partition("=")
            if separator and not line.startswith("#"):
                service.setdefault(key, []).append(value)
        return service

    def test_starts_the_daemon(self, service, tmp_path):
        (start,) = service["ExecStart"]
        command, *arguments = start.split()
        assert Path(command).name in PYPROJECT["project"]["scripts"]
        assert daemon([*arguments, "--help"], tmp_path).returncode == 0

    def test_names_a_file_and_settings_that_exist(self, service, tmp_path):
        (tmp_path / "cpe_password").write_text("a password\n", "ascii")
        (tmp_path / "acs-bridge.toml").write_text(
            "[phan]\nbase_url = 'https://phan.example.net/r/'\n[cpe_auth]\nusername = 'u'\n", "ascii"
        )
        places = {"%d": str(tmp_path), "/etc/acs-bridge": str(tmp_path)}
        environment = dict(value.split("=", 1) for value in service["Environment"])
        for place, here in places.items():
            environment = {key: value.replace(place, here) for key, value in environment.items()}
        ended = daemon(["config", "check"], tmp_path, environment)
        assert (ended.returncode, ended.stderr) == (0, "")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    return wheel


class TestWheel:
    def test_has_the_migrations_the_profiles_and_the_statements(self, wheel):
        travelling = {
            "acs_bridge/_data/schemas/": ROOT / "schemas",
            "acs_bridge/_data/profiles/": ROOT / "config" / "profiles",
            "acs_bridge/store/sql/": ROOT / "acs_bridge" / "store" / "sql",
        }
        names = set(zipfile.ZipFile(wheel).namelist())
        for inside, folder in travelling.items():
            files = [path for path in folder.rglob("*") if path.is_file()]
            assert files
            assert {inside + path.relative_to(folder).as_posix() for path in files} <= names

    def test_has_the_protocol_and_its_types_and_nothing_else_at_the_top(self, wheel):
        names = zipfile.ZipFile(wheel).namelist()
        tops = {name.partition("/")[0] for name in names}
        assert {top for top in tops if not top.endswith(".dist-info")} == {"acs_bridge", "cwmp"}
        assert {"acs_bridge/py.typed", "cwmp/py.typed"} <= set(names)

    def test_finds_what_travels_in_it_without_a_checkout(self, wheel, tmp_path):
        zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
        script = (
            "from acs_bridge.services.profiles.profiles import load_profiles, packaged_profiles as p;"
            "from acs_bridge.store.migrations import migrations_folder as m, read_migrations;"
            "load_profiles(); read_migrations(m()); print(p(), m(), sep='\\n')"
        )
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path / "installed")}
        command = [sys.executable, "-c", script]
        found = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        assert all(line.startswith(str(tmp_path / "installed")) for line in found.stdout.splitlines())

    def test_wants_what_pyproject_says(self, wheel):
        with zipfile.ZipFile(wheel) as archive:
            (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
            metadata = email.message_from_bytes(archive.read(name))
        assert metadata["Requires-Python"] == ">=3.11"
        assert len(metadata.get_all("Requires-Dist") or []) >= len(PYPROJECT["project"]["dependencies"])
