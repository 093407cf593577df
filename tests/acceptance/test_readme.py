"""The README's way from nothing to a URL in a gateway, typed as it stands there."""

import json
import re
import tomllib

import pytest

from acs_bridge.settings import Settings
from tests.acceptance.site import Daemon
from tests.typed import ROOT, call, command, lines

README = (ROOT / "README.md").read_text("utf-8")


def section(title: str) -> str:
    (text,) = re.findall(rf"^## {title}\n(.*?)^## ", README, re.MULTILINE | re.DOTALL)
    return text


@pytest.fixture
def settings() -> Settings:
    """What the README has people write into their file."""
    (file,) = re.findall(r"^    \[phan\]\n(?:    .*\n)+", section("Configuration"), re.MULTILINE)
    return Settings.load(overrides=tomllib.loads(file))


@pytest.mark.timeout(240)  # commands are processes, which take long where many tests run
def test_the_api_works_as_the_readme_has_it_typed(daemon: Daemon, settings: Settings) -> None:
    settings.check_servable()
    caller = daemon.caller()
    shown = ""
    for line in lines(section("The API, by one curl each")):
        if words := command(line):
            words = [word.replace("127.0.0.1:7547", f"127.0.0.1:{daemon.device_port}") for word in words]
            ended = daemon.site.run(*words, typed=daemon.site.credentials.password)
            assert (ended.code, "Traceback" in ended.err) == (0, False), (line, ended)
            if line.startswith("TOKEN="):
                caller = daemon.caller(ended.out.removesuffix("\n"))
        elif (asked := call(line)) and "curl -N" not in line:
            answer = caller.call(asked.method, asked.target, None if asked.body is None else json.loads(asked.body))
            assert answer.status in {200, 201}, (line, answer)
            shown += str(answer.body)
    assert settings.cpe_auth.username == daemon.site.credentials.username
    assert shown.count("'write_state': 'verified'") == 2, shown
