"""Settings: where they come from, what is refused, and that no secret is shown."""

import os
import re
from pathlib import Path

import pytest

from acs_bridge.errors import AcsBridgeError
from acs_bridge.settings import LogFormat, Settings
from acs_bridge.settings_device import Bootstrap, CpeAuthMode
from acs_bridge.settings_layers import SettingsError

DEFAULTS_OF_THE_CONTRACT = {
    "device_listener": {"host": "0.0.0.0", "port": 7547, "path": "/acs"},  # noqa: S104 - the default
    "operator_listener": {"host": "127.0.0.1", "port": 8080},
    "database": {"url": None, "data_dir": Path("var/postgres"), "pool_size": 8},
    "phan": {"base_url": None, "keyring": Path("var/phan.keyring")},
    "cpe_auth": {"mode": "digest", "username": None, "password": None, "bootstrap": "approve"},
    "profiles": {"dirs": ()},
    "queue": {
        "writes_per_minute": None,
        "max_attempts": 5,
        "lease_seconds": 90,
        "retry_initial_seconds": 30,
        "retry_max_seconds": 21600,
        "staged_seconds": 86400,
    },
}


def file(folder: Path, text: str, name: str = "acs-bridge.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def problems_of(path: Path | None = None, overrides=None) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        Settings.load(path, overrides)
    return caught.value.problems


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch, tmp_path):
    """A developer's own settings must not decide a test."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("ACS_BRIDGE_")]:
        monkeypatch.delenv(name)


class TestDefaults:
    @pytest.mark.parametrize(("section", "expected"), DEFAULTS_OF_THE_CONTRACT.items())
    def test_are_those_of_the_contract(self, section, expected):
        settings = Settings.load()
        assert {key: getattr(getattr(settings, section), key) for key in expected} == expected

    def test_settings_cannot_be_changed_after_they_were_read(self):
        with pytest.raises(ValueError, match="frozen"):
            Settings.load().queue.max_attempts = 3  # type: ignore[misc]


class TestSources:
    def test_the_environment_wins_over_the_file_and_a_flag_over_both(self, tmp_path, monkeypatch):
        path = file(tmp_path, "[queue]\nmax_attempts = 2\nlease_seconds = 20\nstaged_seconds = 200\n")
        monkeypatch.setenv("ACS_BRIDGE_QUEUE__LEASE_SECONDS", "30")
        monkeypatch.setenv("ACS_BRIDGE_QUEUE__STAGED_SECONDS", "300")
        queue = Settings.load(path, {"queue": {"staged_seconds": 400}}).queue
        assert (queue.max_attempts, queue.lease_seconds, queue.staged_seconds) == (2, 30, 400)

    def test_acs_bridge_config_names_the_file_when_no_flag_does(self, tmp_path, monkeypatch):
        monkeypatch.setenv("ACS_BRIDGE_CONFIG", str(file(tmp_path, "[log]\nformat = 'console'\n")))
        other = file(tmp_path, "[log]\nformat = 'json'\n", "other.toml")
        assert Settings.load().log.format is LogFormat.CONSOLE
        assert Settings.load(other).log.format is LogFormat.JSON

    def test_the_environment_names_several_folders_as_path_does(self, monkeypatch):
        monkeypatch.setenv("ACS_BRIDGE_PROFILES__DIRS", "/one:/two")
        assert Settings.load().profiles.dirs == (Path("/one"), Path("/two"))

    def test_an_empty_variable_sets_nothing(self, monkeypatch):
        monkeypatch.setenv("ACS_BRIDGE_DATABASE__URL", "")
        assert Settings.load().database.url is None

    def test_names_that_a_container_platform_sets_are_no_settings(self, monkeypatch):
        monkeypatch.setenv("ACS_BRIDGE_SERVICE_HOST", "10.0.0.1")
        monkeypatch.setenv("ACS_BRIDGE_PORT_7547_TCP", "tcp://10.0.0.1:7547")
        assert Settings.load() == Settings()

    def test_settings_that_are_made_and_not_loaded_take_nothing_from_the_environment(self, monkeypatch):
        monkeypatch.setenv("ACS_BRIDGE_QUEUE__MAX_ATTEMPTS", "9")
        assert Settings().queue.max_attempts == 5

    def test_names_become_enumerations(self, tmp_path):
        cpe_auth = Settings.load(file(tmp_path, "[cpe_auth]\nmode = 'none'\nbootstrap = 'provision'\n")).cpe_auth
        assert (cpe_auth.mode, cpe_auth.bootstrap) == (CpeAuthMode.NONE, Bootstrap.PROVISION)


class TestRefusals:
    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("[qeue]\nmax_attempts = 5", "qeue: is not a setting; did you mean queue?"),
            ("[queue]\nmax_atempts = 5", "queue.max_atempts: is not a setting; did you mean queue.max_attempts?"),
            ("qeue = 5", "qeue: is not a setting; did you mean queue?"),
            ("base_url = 'https://x/'", "base_url: is not a setting; did you mean phan.base_url?"),
            (
                "[cpe_auth]\npasword_file = '/x'",
                "cpe_auth.pasword_file: is not a setting; did you mean cpe_auth.password_file?",
            ),
            ("[device_listener]\nport = 70000", "device_listener.port: must be at most 65535"),
            ("[device_listener]\nport = -1", "device_listener.port: must be at least 0"),
            ("[device_listener]\nhost = ''", "device_listener.host: must be 1 or more characters long"),
            ('[device_listener]\nhost = "a\\u0000"', "device_listener.host: must not have control characters"),
            (
                "[device_listener]\npath = 'acs'",
                "device_listener.path: must be a path as in /acs: it begins with / and does not end with one",
            ),
            ("[queue]\nmax_attempts = 'x'", "queue.max_attempts: must be a whole number"),
            ("[queue]\nmax_attempts = 1.5", "queue.max_attempts: must be a whole number"),
            ("[queue]\nmax_attempts = 0", "queue.max_attempts: must be at least 1"),
            ("[queue]\nretry_max_seconds = 1", "queue: retry_max_seconds must be at least retry_initial_seconds"),
            ("[cpe_auth]\nmode = 'open'", "cpe_auth.mode: must be one of 'digest', 'basic', 'certificate' or 'none'"),
            ("[device_listener]\ntls_key = 'k'", "device_listener: tls_key and client_ca need tls_certificate"),
            (
                "[device_listener]\ntrusted_proxies = ['proxy']",
                "device_listener.trusted_proxies.0: must be an address or a network as in 192.0.2.0/24",
            ),
            (
                "[device_listener]\ncertificate_header = 'X-DN'",
                "device_listener: certificate_header needs trusted_proxies: from anybody else it is not believed",
            ),
            ("[cpe_auth]\nusername = 'u'", "cpe_auth: username and password must be set together"),
            ("[cpe_auth]\nrealm = 'a\"b'", "cpe_auth.realm: has a character that is not allowed"),
            ("[phan]\nbase_url = 'ftp://x/'", "phan.base_url: must be an address as in https://phan.example.net/r/"),
            (
                "[phan]\nbase_url = 'https://x:1x/'",
                "phan.base_url: must be an address as in https://phan.example.net/r/",
            ),
            (
                "[phan]\nbase_url = 'https://x/r'",
                "phan.base_url: must end with /, because the token stands right behind it",
            ),
            (
                "[operator_listener]\npublic_url = 'x.example'",
                "operator_listener.public_url: must be an address as in https://acs.example.net",
            ),
            (
                "[operator_listener]\npublic_url = 'https://x.example/a/'",
                "operator_listener.public_url: must not end with /, because paths stand right behind it",
            ),
            ("[phan]\nbase_url = 'https://u@x/'", "phan.base_url: must have no user name, no query and no fragment"),
            ("[phan]\nbase_url = 'https://x/?a=/'", "phan.base_url: must have no user name, no query and no fragment"),
            ("[database]\nurl = 'mysql://x'", "database.url: must be as in postgresql://user@host:5432/name"),
            ("[database]\ndata_dir = 5", "database.data_dir: must be a path in quotes"),
            ("[profiles]\ndirs = 5", "profiles.dirs: must be a list in square brackets"),
            ("queue = 5", "queue: must be a section with keys"),
        ],
    )
    def test_each_is_one_line_with_the_setting_its_limit_and_its_source(self, tmp_path, text, problem):
        path = file(tmp_path, text)
        assert problems_of(path) == (f"{problem} (from {path})",)

    def test_every_problem_is_told_at_once(self, tmp_path):
        path = file(tmp_path, "[queue]\nmax_attempts = 0\nlease_seconds = 0\n[log]\nlevel = 'loud'\n")
        assert [problem.partition(":")[0] for problem in problems_of(path)] == [
            "queue.max_attempts",
            "queue.lease_seconds",
            "log.level",
        ]

    @pytest.mark.parametrize(
        ("variable", "problem"),
        [
            ("ACS_BRIDGE_QUEUE__MAX_ATEMPTS", "queue.max_atempts: is not a setting; did you mean queue.max_attempts?"),
            ("ACS_BRIDGE_QEUE__MAX_ATTEMPTS", "qeue: is not a setting; did you mean queue?"),
        ],
    )
    def test_an_unknown_variable_is_named_like_an_unknown_key(self, monkeypatch, variable, problem):
        monkeypatch.setenv(variable, "5")
        assert problems_of() == (f"{problem} (from environment)",)

    def test_a_section_cannot_be_one_variable(self, monkeypatch):
        monkeypatch.setenv("ACS_BRIDGE_QUEUE", "{}")
        assert problems_of() == ("ACS_BRIDGE_QUEUE: is a section; its keys are set, each after two underscores",)

    def test_a_section_that_is_none_is_told_also_when_the_environment_has_keys_of_it(self, tmp_path, monkeypatch):
        path = file(tmp_path, "queue = 5\n")
        monkeypatch.setenv("ACS_BRIDGE_QUEUE__MAX_ATTEMPTS", "3")
        monkeypatch.setenv("ACS_BRIDGE_QEUE__MAX_ATTEMPTS", "3")
        assert problems_of(path) == (f"queue: must be a section with keys (from {path})",)

    def test_the_source_is_the_one_whose_value_was_taken(self, tmp_path, monkeypatch):
        path = file(tmp_path, "[queue]\nmax_attempts = 3\n")
        monkeypatch.setenv("ACS_BRIDGE_QUEUE__MAX_ATTEMPTS", "0")
        assert problems_of(path) == ("queue.max_attempts: must be at least 1 (from environment)",)
        assert problems_of(path, {"queue": {"max_attempts": -1}}) == (
            "queue.max_attempts: must be at least 1 (from command line)",
        )

    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            (None, "cannot be read: No such file or directory"),
            (b"[queue]\nmax_attempts = \n", "is not TOML: Invalid value (at line 2, column 16)"),
            (b"\xff\xfe", "is not UTF-8 text"),
        ],
    )
    def test_a_file_that_is_no_settings_file_is_named(self, tmp_path, content, problem):
        path = tmp_path / "acs-bridge.toml"
        if content is not None:
            path.write_bytes(content)
        assert problems_of(path) == (f"{path}: {problem}",)

    def test_a_settings_error_is_one_that_the_command_line_knows(self):
        assert issubclass(SettingsError, AcsBridgeError)


class TestServing:
    def test_needs_a_base_url(self):
        with pytest.raises(SettingsError, match=r"^phan\.base_url: is not set; serve needs the https address"):
            Settings().check_servable()

    def test_is_told_at_once_of_all_that_is_missing(self):
        with pytest.raises(SettingsError) as refused:
            Settings().check_servable()
        named = [problem.partition(": is not set")[0] for problem in refused.value.problems]
        assert named == ["phan.base_url", "cpe_auth.username"]

    def test_refuses_a_base_url_without_tls(self):
        with pytest.raises(SettingsError, match=r"^phan\.base_url: must begin with https://"):
            Settings.load(overrides={"phan": {"base_url": "http://127.0.0.1:8080/r/"}}).check_servable()

    def test_is_possible_with_the_base_url_and_the_bootstrap_pair(self):
        phan = {"base_url": "https://phan.example.net/r/"}
        Settings.load(overrides={"phan": phan, "cpe_auth": {"username": "u", "password": "p"}}).check_servable()
        Settings.load(overrides={"phan": phan, "cpe_auth": {"mode": "none"}}).check_servable()
        with pytest.raises(SettingsError, match=r"cpe_auth\.username: is not set"):
            Settings.load(overrides={"phan": phan}).check_servable()


class TestSecrets:
    PASSWORD = "correct horse battery"

    def test_come_from_a_file_that_the_environment_names(self, tmp_path, monkeypatch):
        secret = file(tmp_path, f"{self.PASSWORD}\n", "password")
        monkeypatch.setenv("ACS_BRIDGE_CPE_AUTH__USERNAME", "bootstrap")
        monkeypatch.setenv("ACS_BRIDGE_CPE_AUTH__PASSWORD_FILE", str(secret))
        password = Settings.load().cpe_auth.password
        assert password is not None
        assert password.get_secret_value() == self.PASSWORD

    def test_come_from_a_file_that_the_settings_file_names(self, tmp_path):
        secret = file(tmp_path, "postgresql://u:p@h/d\r\n", "url")
        url = Settings.load(file(tmp_path, f"[database]\nurl_file = '{secret}'\n")).database.url
        assert url is not None
        assert url.get_secret_value() == "postgresql://u:p@h/d"

    def test_of_a_later_source_win_over_files_of_an_earlier_one(self, tmp_path, monkeypatch):
        path = file(tmp_path, f"[database]\nurl_file = '{file(tmp_path, 'postgresql://file', 'url')}'\n")
        monkeypatch.setenv("ACS_BRIDGE_DATABASE__URL", "postgresql://environment")
        url = Settings.load(path).database.url
        assert url is not None
        assert url.get_secret_value() == "postgresql://environment"

    def test_are_not_taken_twice_from_one_source(self, tmp_path):
        path = file(tmp_path, "[cpe_auth]\nusername = 'u'\npassword = 'a'\npassword_file = '/b'\n")
        assert problems_of(path) == (f"cpe_auth.password_file: is set beside password; keep one (from {path})",)

    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            (None, "cpe_auth.password_file: cannot be read: No such file or directory"),
            (b"", "cpe_auth.password: must be 1 or more characters long"),
            (b"\n", "cpe_auth.password: must be 1 or more characters long"),
            (b"two\nlines\n", "cpe_auth.password: must not have control characters"),
            (b"\xff", "cpe_auth.password_file: is not UTF-8 text"),
            (b"x" * 65_537, "cpe_auth.password_file: must be at most 65536 bytes long"),
        ],
    )
    def test_in_a_file_that_cannot_be_one_are_refused(self, tmp_path, content, problem):
        secret = tmp_path / "password"
        if content is not None:
            secret.write_bytes(content)
        path = file(tmp_path, f"[cpe_auth]\nusername = 'u'\npassword_file = '{secret}'\n")
        assert problems_of(path) == (f"{problem} (from {path})",)

    def test_a_file_that_never_ends_is_not_read_for_ever(self, tmp_path):
        path = file(tmp_path, "[cpe_auth]\nusername = 'u'\npassword_file = '/dev/zero'\n")
        assert problems_of(path) == (f"cpe_auth.password_file: must be at most 65536 bytes long (from {path})",)

    @pytest.mark.parametrize(
        "text",
        [
            "[database]\nurl = 'mysql://user:hunter2@host/name'\n",
            "[cpe_auth]\nusername = 'u'\npassword = \"hunter2\\u0007\"\n",
            "[cpe_auth]\npassword = 'hunter2'\n",
            "[cpe_auth]\npasswrd = 'hunter2'\n",
            "[cpe_auth]\npassword = ['hunter2']\n",
            "cpe_auth = 'hunter2'\n",
        ],
    )
    def test_never_stand_in_an_error(self, tmp_path, text):
        path = file(tmp_path, text)
        with pytest.raises(SettingsError) as caught:
            Settings.load(path)
        assert "hunter2" not in repr(caught.value) + str(caught.value) + str(caught.value.__context__)

    def test_never_stand_in_a_repr(self):
        values = {
            "cpe_auth": {"username": "u", "password": "hunter2"},
            "database": {"url": "postgresql://u:hunter2@h/d"},
        }
        settings = Settings.load(overrides=values)
        assert "hunter2" not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"


class TestReports:
    @pytest.mark.parametrize(
        ("reports", "words"),
        [
            ({"forward_url": "https://a.example/r"}, "forward_url and folder need path"),
            ({"path": "/r", "forward_url": "http://a.example/r"}, "forward_url must begin with https://"),
            ({"path": "/r", "forward_url": "ftp://a.example/r"}, "must be an address as in"),
            ({"path": "/acs"}, "must not be device_listener.path"),
            ({"path": "r"}, "must be a path as in"),
        ],
    )
    def test_go_nowhere_by_mistake(self, reports, words):
        with pytest.raises(ValueError, match=re.escape(words)):
            Settings.model_validate({"reports": reports})

    def test_go_to_one_place(self, tmp_path):
        reports = {"path": "/r", "forward_url": "https://a.example/r", "folder": str(tmp_path)}
        settings = Settings.model_validate({"phan": {"base_url": "https://a.example/r/"}, "reports": reports})
        with pytest.raises(SettingsError, match=re.escape("reports.folder")):
            settings.check_servable()
