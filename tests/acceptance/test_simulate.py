"""`acs-bridge simulate`: a fleet in a process of its own, against a daemon that serves."""

import json

from tests.acceptance.site import BOOTSTRAP, Caller, Daemon


def simulate(daemon: Daemon, password: str, *arguments: str) -> tuple[int, dict[str, object]]:
    """How it ended, and what it reports; the password comes as a person would give it to a script."""
    login = ["--username", BOOTSTRAP.username, "--password-file", "-"]
    ended = daemon.site.run("simulate", "--acs-url", daemon.acs_url, *login, "--json", *arguments, typed=password)
    assert ended.err == ""
    return ended.code, json.loads(ended.out)


class TestAFleet:
    def test_of_fifty_gateways_is_served_and_reported_as_json(self, daemon: Daemon, bss: Caller) -> None:
        writes = [bss.provision(f"FLEET{number:06d}")["write_id"] for number in (1, 25, 50)]
        code, report = simulate(
            daemon,
            BOOTSTRAP.password,
            *("--gateways", "50", "--concurrency", "10", "--root", "both", "--serial-prefix", "FLEET"),
        )
        assert code == 0
        expected = {"gateways": 50, "sessions": 50, "completed": 50, "failed": 0, "errors": {}}
        assert {name: report[name] for name in expected} == expected
        assert report["served"] == {"SetParameterValues": 3, "GetParameterValues": 3}
        assert {bss.state(write) for write in writes} == {"verified"}

    def test_with_a_wrong_password_fails_and_changes_nothing(self, daemon: Daemon, admin: Caller) -> None:
        code, report = simulate(daemon, "a guess", "--gateways", "2", "--serial-prefix", "STRANGER")
        assert code == 1
        assert report["errors"] == {"unauthorized: HTTP 401": 2}
        assert admin.get("/v1/gateways?search=STRANGER")["items"] == []
