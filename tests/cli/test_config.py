"""`acs-bridge config`: the sample is the settings, and a check says what is wrong without saying a secret."""

import re
import tomllib
from itertools import pairwise
from pathlib import Path

from acs_bridge.cli.config import sample
from acs_bridge.settings import Settings

SAMPLE = Path(__file__).resolve().parents[2] / "config" / "acs-bridge.example.toml"
SETTING = re.compile(r"^#(?=[a-z_]+ = )", re.MULTILINE)
PHAN = "[phan]\nbase_url = 'https://phan.example.net/r/'\n"
SERVABLE = f"{PHAN}[cpe_auth]\nmode = 'none'\n"


def uncommented() -> dict:
    return tomllib.loads(SETTING.sub("", sample(Settings)))


class TestExample:
    def test_is_what_the_repository_holds(self, run):
        ended = run("config", "example")
        assert (ended.code, ended.err) == (0, "")
        assert ended.out == SAMPLE.read_text("utf-8"), "acs-bridge config example > config/acs-bridge.example.toml"

    def test_changes_nothing_as_it_stands(self):
        assert Settings(**tomllib.loads(sample(Settings))) == Settings()

    def test_names_every_setting(self):
        assert {section: set(keys) for section, keys in uncommented().items()} == {
            section: set(keys) for section, keys in Settings().model_dump().items()
        }

    def test_holds_every_default_and_for_the_rest_an_example_that_is_allowed(self, tmp_path):
        path = tmp_path / "all.toml"
        path.write_text(SETTING.sub("", sample(Settings)), "utf-8")
        shown, defaults = Settings.load(path).model_dump(), Settings().model_dump()
        differing = {
            f"{section}.{key}"
            for section in defaults
            for key in defaults[section]
            if shown[section][key] != defaults[section][key]
        }
        assert differing == {
            "database.url",
            "database.owner_url",
            "operator_listener.public_url",
            "operator_listener.trusted_proxies",
            "phan.base_url",
            "cpe_auth.username",
            "connection_requests.access_networks",
            "connection_requests.password",
            "connection_requests.username",
            "cpe_auth.password",
            "cpe_auth.periodic_inform_seconds",
            "device_listener.tls_certificate",
            "device_listener.tls_key",
            "device_listener.client_ca",
            "device_listener.trusted_proxies",
            "device_listener.certificate_header",
            "profiles.dirs",
            "queue.recheck_hours",
            "queue.writes_per_minute",
            "reports.folder",
            "reports.forward_ca_certificates",
            "reports.forward_token",
            "reports.forward_url",
            "reports.path",
            "webhooks.allowed_networks",
            "webhooks.ca_certificates",
        }

    def test_explains_every_setting_in_lines_that_fit_a_terminal(self):
        lines = sample(Settings).splitlines()
        for before, line in pairwise(lines):
            if SETTING.match(line):
                assert before.startswith("# ")
        assert max(map(len, (line for line in lines if not SETTING.match(line)))) <= 100


class TestCheck:
    def test_prints_the_settings_in_force_as_a_settings_file(self, run, tmp_path):
        (tmp_path / "a.toml").write_text(SERVABLE + "[queue]\nmax_attempts = 7\n", "utf-8")
        ended = run("config", "check", "--config", "a.toml")
        assert (ended.code, ended.err) == (0, "")
        printed = Settings.load(tmp_path / "a.toml", tomllib.loads(ended.out))
        assert printed == Settings.load(tmp_path / "a.toml")
        assert tomllib.loads(ended.out)["queue"]["max_attempts"] == 7

    def test_never_prints_a_secret(self, run, tmp_path):
        secrets = "[cpe_auth]\nusername = 'u'\npassword = 'hunter2'\n[database]\nurl = 'postgresql://u:hunter2@h/d'\n"
        (tmp_path / "a.toml").write_text(PHAN + secrets, "utf-8")
        ended = run("config", "check", "--config", "a.toml")
        assert ended.code == 0
        assert "hunter2" not in ended.out + ended.err
        assert tomllib.loads(ended.out)["cpe_auth"]["password"] == "[hidden]"

    def test_says_every_problem_in_a_line(self, run, tmp_path):
        (tmp_path / "a.toml").write_text("[queue]\nmax_atempts = 7\n[log]\nlevel = 'loud'\n", "utf-8")
        ended = run("config", "check", "--config", "a.toml")
        assert (ended.code, ended.out) == (1, "")
        assert ended.err.splitlines() == [
            "acs-bridge: queue.max_atempts: is not a setting; did you mean queue.max_attempts? (from a.toml)",
            "acs-bridge: log.level: must be one of 'debug', 'info', 'warning' or 'error' (from a.toml)",
        ]

    def test_refuses_what_could_not_be_served(self, run):
        ended = run("config", "check")
        assert (ended.code, ended.out) == (1, "")
        assert ended.err.startswith("acs-bridge: phan.base_url: is not set")

    def test_reads_the_profiles_too(self, run, tmp_path):
        (tmp_path / "profiles").mkdir()
        (tmp_path / "profiles" / "broken.toml").write_text("nam = 'x'\n", "utf-8")
        (tmp_path / "a.toml").write_text(SERVABLE + "[profiles]\ndirs = ['profiles']\n", "utf-8")
        ended = run("config", "check", "--config", "a.toml")
        assert ended.code == 1
        assert len(ended.err.splitlines()) == 1
        assert "broken.toml" in ended.err
