"""Call everything that the OpenAPI document describes, with every role: `make fuzz-api ARGS="--max-examples 100"`.

What stands in ARGS is for `schemathesis run`. The daemon is one of its own, on an embedded Postgres. A server error, an
answer that the document does not have, or one that contradicts it, is shown and ends in exit code 1.
"""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.acceptance.site import SETTINGS, Caller, Daemon, new_site

HERE: Final = Path(__file__).parent
ROLES: Final = ("admin", "intake", "csr", "phan")
UNLIMITED: Final = {
    "operator_listener.requests_per_minute": "10000000",
    "operator_listener.strangers_per_minute": "10000000",  # every call is also made without a token
}
MOST_FAILURES: Final = 50
_GENERATED: Final = re.compile(r"^\s*(\d+) generated, .*$", re.MULTILINE)


def main(arguments: Sequence[str]) -> int:
    """Do it; gives the exit code."""
    codes, cases = [], 0
    with new_site(SETTINGS | UNLIMITED) as site, site.serving() as daemon:
        tokens = {role: site.token(role, role) for role in ROLES}
        settle(daemon.caller(tokens["admin"]))
        for role in ROLES:
            ended = explore(daemon, site.folder / f"{role}.json", tokens[role], arguments)
            codes.append(ended.returncode)
            cases += told(ended.stdout)
            shown = ended.stdout if ended.returncode else f"{role}: {told(ended.stdout)} cases, all as described\n"
            sys.stdout.write(shown)
            sys.stdout.flush()
    sys.stdout.write(f"{cases} cases\n")
    return max(codes)


def settle(admin: Caller) -> None:
    """Make some records, so that not every answer is that there are none."""
    for number in range(1, 4):
        admin.provision(f"SN00000{number}", f"LOS-100{number}")


def explore(daemon: Daemon, report: Path, token: str, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Let schemathesis do it with one token."""
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        *("--config-file", str(HERE / "schemathesis.toml")),
        *("run", f"http://127.0.0.1:{daemon.operator_port}/openapi.json"),
        *("--header", f"Authorization: Bearer {token}"),
        *("--checks", "all"),
        *("--exclude-operation-id", "events_follow"),  # an answer without end
        *("--report-json-path", str(report)),
        *("--max-failures", str(MOST_FAILURES)),
        "--no-color",
        *arguments,
    ]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.fuzz_api.hooks", "PYTHONPATH": str(HERE.parents[1])}
    return subprocess.run(
        command,
        env=environment,
        cwd=report.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def told(output: str) -> int:
    """How many cases there were."""
    return sum(int(found[1]) for found in _GENERATED.finditer(output))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
