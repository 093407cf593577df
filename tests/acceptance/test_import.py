"""A file that is imported beside a running daemon on its embedded Postgres, by people at a shell."""

import json
import os
import signal

from tests.acceptance.programs import eventually
from tests.acceptance.site import PHAN_URL, Site

ROW = '"Example, Ann",C-1,LOS-1,00005E,SimGW,IMP00001'
HEADER = "subscriber_name,subscriber_code,line_of_service,oui,product_class,serial_number"


class TestImport:
    async def test_a_row_reaches_its_gateway_through_the_daemon_that_runs(self, site: Site) -> None:
        with site.serving() as daemon:
            rows = f"{HEADER}\n{ROW}\n"
            ended = site.run("import", "-", "--format", "csv", typed=rows)
            assert ended.code == 0, ended.err
            result = json.loads(ended.out)
            await daemon.gateway("IMP00001").session()
            caller = daemon.caller(site.token("admin", "admin"))
            assert caller.state(result["write_id"]) == "verified"
            again = site.run("import", "-", "--format", "csv", "--results", "results.csv", typed=rows)
            assert (again.code, again.out) == (0, "")
            assert "1 rows: 1 were there already, 0 failed" in again.err
            assert site.gateways[0].value(PHAN_URL)
        assert site.left_behind() == []

    def test_one_that_was_killed_ends_with_each_line_once_when_the_same_command_is_run_again(self, site: Site) -> None:
        """It reads from a pipe until it is killed: so it is in the middle of its rows, however fast it is."""
        rows = [f"Somebody {number},C-{number},LOS-{number},,," for number in range(1, 901)]
        lines, results = site.folder / "lines.csv", site.folder / "results.csv"
        os.mkfifo(lines)
        command = ("import", lines.name, "--results", results.name)
        with site.serving() as daemon:
            program = site.start(*command)
            with lines.open("w") as pipe:
                pipe.write("\n".join([HEADER, *rows[:700], ""]))
                pipe.flush()
                eventually(lambda: results.read_text().count("\n") if results.exists() else 0, lambda said: said > 400)
                program.send(signal.SIGKILL)
                program.process.wait()
            lines.unlink()
            lines.write_text("\n".join([HEADER, *rows, ""]))
            ended = site.run(*command)
            assert ended.code == 0, ended.err
            queue = daemon.caller(site.token("admin", "admin")).get("/v1/queue")
            assert queue["counts"]["queued"] == sum(queue["counts"].values()) == len(rows)
        said = [line.split(",")[:5] for line in results.read_text().splitlines()[1:]]
        assert [(line, code) for line, _, _, code, _ in said] == [(str(n + 1), f"C-{n}") for n in range(1, 901)]
        assert {word for _, _, word, _, _ in said} <= {"created", "unchanged"}
