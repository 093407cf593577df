"""`acs-bridge import`: files of provisioning requests, on a database that a daemon has served."""

import asyncio
import csv
import io
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from acs_bridge.cli.imports import command
from acs_bridge.errors import Unavailable
from acs_bridge.services.intake.bulk import BulkIntake
from acs_bridge.services.intake.orders import Order
from acs_bridge.services.urls.keyring import open_keyring
from acs_bridge.store.database import Database

HEADER = "subscriber_name,subscriber_code,line_of_service,oui,product_class,serial_number"
BATCH = "0193a000-0000-7000-8000-000000000001"


def row(number: int, line: str = "") -> str:
    return f'"Somebody, {number}",C-{number},{line or f"L-{number}"},00005E,SimGW,S{number:04}'


def table(*rows: str) -> str:
    return "\n".join((HEADER, *rows)) + "\n"


def body(number: int, **more: Any) -> dict[str, Any]:
    return {"subscriber": {"name": "N", "code": f"C-{number}"}, "line_of_service": f"L-{number}", **more}


def read(path: str | Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text("utf-8").splitlines()]


def said(text: str) -> list[tuple[int, str]]:
    return [(result["line"], result["result"]) for result in map(json.loads, text.splitlines())]


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture
async def served(run, database, database_url, now, tmp_path, monkeypatch):
    """A database that a daemon has served, and that the settings name."""
    keyring = tmp_path / "phan.keyring"
    await open_keyring(keyring, database, now)
    monkeypatch.setenv("ACS_BRIDGE_DATABASE__URL", database_url)
    monkeypatch.setenv("ACS_BRIDGE_PHAN__KEYRING", str(keyring))
    monkeypatch.setenv("ACS_BRIDGE_PHAN__BASE_URL", "https://phan.example.net/r/")
    return database_url


def count(served: str) -> dict[str, int]:
    """How many rows of each kind there are."""
    tables = ("subscriber", "device", "gateway", "association", "write", "provisioning_request", "audit")

    async def counted() -> dict[str, int]:
        async with Database.connect(served, 1) as database:
            return {name: await database.fetchval(f"select count(*) from {name}") for name in tables}  # noqa: S608

    return asyncio.run(counted())


class TestCsv:
    def test_every_row_is_provisioned_and_has_a_result_and_again_nothing_changes(self, run, served):
        Path("lines.csv").write_text(table(row(1), row(2)), "utf-8")
        ended = run("import", "lines.csv")
        assert ended.code == 0, ended.err
        first = [json.loads(line) for line in ended.out.splitlines()]
        assert [(each["line"], each["status"], each["result"]) for each in first] == [
            (2, 201, "created"),
            (3, 201, "created"),
        ]
        assert (first[0]["subscriber_code"], first[0]["line_of_service"], first[0]["state"]) == ("C-1", "L-1", "queued")
        assert "2 rows: 2 created, 0 failed; batch " in ended.err
        before = count(served)
        again = run("import", "lines.csv")
        assert again.code == 0, again.err
        second = [json.loads(line) for line in again.out.splitlines()]
        assert [each["result"] for each in second] == ["unchanged", "unchanged"]
        assert [each["id"] for each in second] == [each["id"] for each in first]
        assert count(served) == before
        assert before["subscriber"] == before["write"] == before["gateway"] == 2

    def test_semicolons_a_byte_order_mark_crlf_other_orders_of_columns_and_blank_rows_are_all_fine(self, run, served):
        content = (
            '\ufeffLine_Of_Service ;subscriber_code;Subscriber_Name\r\nL-1;C-1;"Zoë; ""O"""\r\n;;\r\n\r\nL-2;C-2;B'
        )
        Path("lines.CSV").write_bytes(content.encode())
        ended = run("import", "lines.CSV")
        assert ended.code == 0, ended.err
        assert said(ended.out) == [(2, "created"), (5, "created")]

    @pytest.mark.parametrize(
        ("header", "words"),
        [
            ("subscriber_name,subscriber_code,line", "unknown column 'line', has no column line_of_service"),
            (f"{HEADER},oui", "has the column oui twice"),
            ("", "has no column subscriber_name"),
            ('"a', "has no column subscriber_name"),
        ],
    )
    def test_a_header_that_is_not_ours_is_named_and_nothing_is_done(self, run, served, header, words):
        Path("lines.csv").write_text(f"{header}\n{row(1)}\n", "utf-8")
        ended = run("import", "lines.csv")
        assert ended.code == 1
        assert words in ended.err
        assert "the columns are subscriber_name" in ended.err
        assert count(served)["subscriber"] == 0

    def test_a_file_in_utf_16_is_refused_in_words(self, run, served):
        Path("lines.csv").write_bytes(table(row(1)).encode("utf-16"))
        ended = run("import", "lines.csv")
        assert ended.code == 1
        assert "the header is not UTF-8" in ended.err

    @pytest.mark.parametrize(
        ("bad", "words"),
        [
            (b"A\xfcnne,C-9,L-9,,,", "not UTF-8: byte 0xFC at position 2"),
            (b'"Anne,C-9,L-9,,,', "quotation mark"),
            (b"Anne,C-9,L-9", "has 3 values, and the header 6 columns"),
            (b"Anne,,L-9,,,", "subscriber_code: must have 1 to 64"),
            (b"Anne,C-9,L-9,00005E,,", "serial_number: is required"),
            ("Anne,C\u200b9,L-9,,,".encode(), "U+200B"),
            (b"A" * 20_000 + b",C-9,L-9,,,", "at most 16384 bytes"),
            (b"Other,C-1,L-9,,,", "known with another name"),
            (b"Anne,C-9,L-1,,,", "associated with subscriber C-1"),
        ],
        ids=range(9),
    )
    def test_a_bad_row_says_what_is_wrong_by_its_line_and_spoils_no_other(self, run, served, bad, words):
        Path("lines.csv").write_bytes(table(row(1)).encode() + bad + b"\n" + row(2).encode())
        ended = run("import", "lines.csv")
        assert ended.code == 1
        assert said(ended.out) == [(2, "created"), (3, "failed"), (4, "created")]
        assert words in json.loads(ended.out.splitlines()[1])["error"]
        assert "line 3: " in ended.err
        assert count(served)["subscriber"] == 2


class TestNdjson:
    def test_the_bodies_of_the_api_are_taken(self, run, served):
        lines = [body(1), body(2, gateway={"oui": "00005E", "serial_number": "S"}), body(1, replace=True)]
        Path("lines.ndjson").write_text("\n".join(map(json.dumps, lines)) + '\n{"a": 1}\n[\n', "utf-8")
        ended = run("import", "lines.ndjson")
        assert ended.code == 1
        assert [result for _, result in said(ended.out)] == ["created", "created", "unchanged", "failed", "failed"]
        assert "line 4: subscriber: is required; line_of_service: is required; a: is not a field" in ended.err
        assert "no JSON" in ended.err

    def test_standard_input_is_read_when_its_format_is_said(self, run, served, monkeypatch):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(table(row(1)).encode())))
        ended = run("import", "-", "--format", "csv")
        assert ended.code == 0, ended.err
        assert said(ended.out) == [(2, "created")]


class TestDryRun:
    def test_everything_is_checked_and_nothing_is_written(self, run, served):
        Path("lines.csv").write_text(table(row(1), row(1), "Other,C-1,L-3,,,", "A,C-4,L-1,,,", row(2)), "utf-8")
        before = count(served)
        ended = run("import", "lines.csv", "--dry-run")
        assert ended.code == 1
        words = ["would_create", "unchanged", "failed", "failed", "would_create"]
        assert [result for _, result in said(ended.out)] == words
        assert "dry run, nothing was written: 5 rows" in ended.err
        assert "batch" not in ended.err
        assert count(served) == before

    def test_what_is_there_already_is_said_to_be_there(self, run, served):
        Path("lines.csv").write_text(table(row(1)), "utf-8")
        run("import", "lines.csv")
        before = count(served)
        ended = run("import", "lines.csv", "--dry-run")
        assert (ended.code, said(ended.out)) == (0, [(2, "unchanged")])
        assert count(served) == before


class TestResults:
    def test_a_csv_of_results_computes_nothing_in_a_spreadsheet(self, run, served):
        Path("lines.csv").write_text(table("N,=cmd(),+L-1,,,", "N,C-2,@L,,,", "N,,L,,,"), "utf-8")
        ended = run("import", "lines.csv", "--results", "results.csv")
        assert ended.code == 1
        assert ended.out == ""
        with Path("results.csv").open(encoding="utf-8", newline="") as file:
            found = list(csv.DictReader(file))
        assert [(each["subscriber_code"], each["line_of_service"]) for each in found] == [
            ("'=cmd()", "'+L-1"),
            ("C-2", "'@L"),
            ("", ""),
        ]
        assert found[2]["error"].startswith("subscriber_code: must have")

    @pytest.mark.parametrize("name", ["results.csv", "results.ndjson"])
    def test_an_import_goes_on_where_its_results_end(self, run, served, name):
        rows = [row(1), "N,=C,L-2,,,", "N,C-3,,,,", row(4)]
        Path("lines.csv").write_text(table(*rows), "utf-8")
        assert run("import", "lines.csv", "--results", name).code == 1
        whole = Path(name).read_text("utf-8").splitlines(keepends=True)
        kept = whole[: (2 if name.endswith("csv") else 1) + 1]
        Path(name).write_text("".join(kept) + whole[-1][:9], "utf-8")  # as a power failure leaves it
        rows[2] = "N,C-3,L-3,,,"
        Path("lines.csv").write_text(table(*rows), "utf-8")
        ended = run("import", "lines.csv", "--results", name)
        assert ended.code == 0, ended.err
        assert "4 rows: 1 created, 1 were there already, 2 done before, 0 failed" in ended.err
        after = Path(name).read_text("utf-8").splitlines(keepends=True)
        assert after[: len(kept)] == kept
        assert len(after) == len(whole)
        assert not Path(f"{name}.part").exists()

    def test_a_row_that_is_another_one_now_is_done(self, run, served):
        Path("lines.csv").write_text(table(row(1), row(2)), "utf-8")
        run("import", "lines.csv", "--results", "r.ndjson")
        Path("lines.csv").write_text(table(row(3), row(2)), "utf-8")
        before = Path("r.ndjson").read_text("utf-8")
        ended = run("import", "lines.csv", "--results", "r.ndjson")
        assert (ended.code, "its line 2 is about another row" in ended.err) == (1, True), ended.err
        assert (Path("r.ndjson").read_text("utf-8"), count(served)["write"]) == (before, 2)
        ended = run("import", "lines.csv", "--results", "r.ndjson", "--resume")
        assert "2 rows: 1 created, 1 done before, 0 failed" in ended.err
        assert [each["subscriber_code"] for each in read("r.ndjson")] == ["C-3", "C-2"]
        assert {path.name for path in Path().glob("r.*")} == {"r.ndjson"}

    @pytest.mark.parametrize("name", ["results.csv", "results.ndjson"])
    @pytest.mark.parametrize("left", [0, 4])
    def test_an_import_that_was_killed_before_its_first_result_is_run_again(self, run, served, name, left):
        Path("lines.csv").write_text(table(row(1)), "utf-8")
        assert run("import", "lines.csv", "--results", name).code == 0
        whole = Path(name).read_text("utf-8")
        Path(name).write_text(whole[:left], "utf-8")
        ended = run("import", "lines.csv", "--results", name)
        assert (ended.code, "1 rows: 1 were there already, 0 failed" in ended.err) == (0, True), ended.err
        assert Path(name).read_text("utf-8").count("\n") == whole.count("\n")

    def test_results_of_rows_that_are_there_no_more_are_dropped(self, run, served):
        Path("lines.csv").write_text(table(row(1), row(2)), "utf-8")
        run("import", "lines.csv", "--results", "r.ndjson")
        Path("lines.csv").write_text(table(row(1)), "utf-8")
        run("import", "lines.csv", "--results", "r.ndjson")
        assert [each["subscriber_code"] for each in read("r.ndjson")] == ["C-1"]

    def test_results_that_are_there_are_never_lost(self, run, served):
        Path("lines.csv").write_text(table(row(1)), "utf-8")
        Path("r.ndjson").write_text("something else\n", "utf-8")
        ended = run("import", "lines.csv", "--results", "r.ndjson", "--dry-run")
        assert (ended.code, "name another one for a dry run" in ended.err) == (2, True)
        for more in ((), ("--resume",)):
            ended = run("import", "lines.csv", "--results", "r.ndjson", *more)
            assert (ended.code, "is not a file of results" in ended.err) == (1, True)
        assert Path("r.ndjson").read_text("utf-8") == "something else\n"
        assert count(served)["write"] == 0


class TestEnds:
    ROWS = 3 * command._CHUNK_ROWS

    @pytest.fixture
    def big(self):
        Path("lines.ndjson").write_text("".join(json.dumps(body(n)) + "\n" for n in range(self.ROWS)), "utf-8")

    @pytest.fixture
    def interruptible(self) -> Iterator[None]:
        """Ctrl-C as a terminal has it: where the tests run in the background it is ignored, and inherited so."""
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        yield
        signal.signal(signal.SIGINT, before)

    @pytest.mark.usefixtures("interruptible")
    def test_an_interrupt_lets_what_is_under_way_be_finished_and_leaves_whole_results(
        self, run, served, big, monkeypatch
    ):
        provision, chunks = BulkIntake.provision, []

        async def interrupted(bulk, orders: list[Order], *more):
            chunks.append(len(orders))
            if len(chunks) == 2:
                os.kill(os.getpid(), signal.SIGINT)
            return await provision(bulk, orders, *more)

        monkeypatch.setattr(BulkIntake, "provision", interrupted)
        ended = run("import", "lines.ndjson", "--results", "r.ndjson")
        assert ended.code == 130
        assert "interrupted: run the same command again for the rest" in ended.err
        assert [each["line"] for each in read("r.ndjson")] == list(range(1, 2 * command._CHUNK_ROWS + 1))
        assert {each["result"] for each in read("r.ndjson")} == {"created"}
        monkeypatch.undo()

    def test_a_database_that_goes_away_ends_the_import_and_the_same_again_does_the_rest(
        self, run, served, big, monkeypatch
    ):
        provision, chunks = BulkIntake.provision, []

        async def away(bulk, orders: list[Order], *more):
            chunks.append(len(orders))
            if len(chunks) == 2:
                return [Unavailable("the database does not answer")] * len(orders)
            return await provision(bulk, orders, *more)

        with monkeypatch.context() as patched:
            patched.setattr(BulkIntake, "provision", away)
            ended = run("import", "lines.ndjson", "--results", "r.ndjson")
        assert ended.code == 1
        assert len(chunks) == 2
        assert "the database does not answer: run the same command again for the rest" in ended.err
        ended = run("import", "lines.ndjson", "--results", "r.ndjson")
        assert ended.code == 0, ended.err
        assert len(read("r.ndjson")) == count(served)["write"] == self.ROWS

    def test_a_batch_that_is_named_takes_the_writes(self, run, served):
        Path("lines.csv").write_text(table(row(1)), "utf-8")
        ended = run("import", "lines.csv", "--batch", BATCH)
        assert json.loads(ended.out)["batch_id"] == BATCH

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("lines.txt",), "--format"),
            (("-",), "--format"),
            (("missing.csv",), "No such file"),
            (("lines.csv", "--format", "xls"), "csv or ndjson"),
            (("lines.csv", "--results", "r.txt"), "--results"),
            (("lines.csv", "--resume"), "--results"),
            (("lines.csv", "--resume", "--dry-run", "--results", "r.csv"), "--dry-run"),
        ],
    )
    def test_wrong_usage_is_said_and_ends_with_2(self, run, served, arguments, words):
        Path("lines.csv").write_text(table(row(1)), "utf-8")
        ended = run("import", *arguments)
        assert ended.code == 2
        assert words in ended.err
        assert not Path("r.csv").exists()

    def test_without_a_keyring_nothing_is_done(self, run, served, monkeypatch):
        monkeypatch.setenv("ACS_BRIDGE_PHAN__KEYRING", "elsewhere")
        Path("lines.csv").write_text(table(row(1)), "utf-8")
        ended = run("import", "lines.csv")
        assert ended.code == 1
        assert "the keyring is missing" in ended.err
