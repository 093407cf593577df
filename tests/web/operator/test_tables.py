"""CSV over `/v1`: what the command line takes as a file is taken as an upload too."""

import csv
import json
from io import StringIO

import pytest

from acs_bridge.web.operator.tables import COLUMNS, Table, neutral, row_of

PATH = "/v1/provisioning-requests"
HEADER = ",".join(COLUMNS)
CSV = {"Content-Type": "text/csv"}


def table(*rows: str, header: str = HEADER) -> bytes:
    return "\n".join((header, *rows)).encode()


def row(number: int) -> str:
    return f'"Ann, {number}",C-{number},L-{number},00005e,SimGW,S{number:04}'


async def send(api, content: bytes, headers=CSV):
    reply = await api("POST", PATH, content, headers=headers)
    assert reply.status == 200, reply.text
    return [json.loads(line) for line in reply.text.splitlines()]


class TestUploads:
    async def test_each_row_gets_a_result_by_its_line_and_a_bad_one_spoils_no_other(self, operator, intake):
        results = await send(intake, table(row(1), "Ann,,L-9,,,", ",,,,,", "", row(1), "Bob,C-2,L-1,,,", row(3)))
        assert [(each["line"], each["status"]) for each in results] == [
            (2, 201),
            (3, 422),
            (6, 200),
            (7, 409),
            (8, 201),
        ]
        assert results[1]["errors"] == [
            {"field": "subscriber_code", "message": "must have 1 to 64 characters, not counting blanks around it"}
        ]
        device = (await intake.get("/v1/devices/L-1")).json
        assert (device["subscriber_name"], device["gateway"]["oui"]) == ("Ann, 1", "00005E")

    async def test_more_rows_than_a_chunk_are_done_in_order_and_again_are_there(self, operator, intake):
        content = table(*(row(number) for number in range(1200)))
        first, again = await send(intake, content), await send(intake, content)
        assert [each["line"] for each in first] == list(range(2, 1202))
        assert ({each["status"] for each in first}, {each["status"] for each in again}) == ({201}, {200})
        assert [each["id"] for each in first] == [each["id"] for each in again]

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", "header: is missing"),
            (b"\n\n", "header: is missing"),
            (table(row(1), header="name,code,line"), "has an unknown column 'name'"),
            (table(row(1)).replace(b"oui", b"o\xfci"), "the header is not UTF-8: byte 0xFC"),
            (b"a" * 20_000, "at most 16384 bytes"),
        ],
    )
    async def test_without_a_header_of_ours_nothing_is_done(self, operator, intake, content, words):
        reply = await intake("POST", PATH, content, headers=CSV)
        assert reply.status in (400, 413, 422), reply.text
        assert words in reply.json["detail"]
        assert await operator.office.database.fetchval("select count(*) from subscriber") == 0

    async def test_a_header_alone_is_answered_with_nothing(self, intake):
        assert await send(intake, table()) == []

    async def test_a_table_in_another_charset_is_refused(self, intake):
        reply = await intake("POST", PATH, table(row(1)), headers={"Content-Type": "text/csv; charset=iso-8859-1"})
        assert (reply.status, "UTF-8" in reply.json["detail"]) == (415, True)

    async def test_only_provisioning_requests_come_as_tables(self, intake):
        reply = await intake("POST", "/v1/gateways", table(row(1)), headers=CSV)
        assert reply.status == 415
        assert reply.json["detail"] == "this address takes application/json or application/x-ndjson"

    @pytest.mark.parametrize("sent", ["text/csv", "application/x-ndjson"])
    async def test_the_results_are_csv_for_who_accepts_nothing_else(self, intake, sent):
        ndjson = [{"subscriber": {"name": "N", "code": "=C"}, "line_of_service": "L"}, {"subscriber": 1}]
        content = {
            "text/csv": table("N,=C,L,,,", "N,C-2,,,,"),
            "application/x-ndjson": "\n".join(map(json.dumps, ndjson)).encode(),
        }[sent]
        reply = await intake("POST", PATH, content, headers={"Content-Type": sent, "Accept": "text/csv"})
        assert reply.headers["Content-Type"].startswith("text/csv")
        found = list(csv.DictReader(StringIO(reply.text)))
        assert [each["status"] for each in found] == ["201", "422"]
        assert found[0].keys() == {
            *("line", "status", "batch_id", "id", "association_id", "write_id", "state", "warnings", "error")
        }
        assert (found[0]["state"], found[0]["error"], found[1]["id"]) == ("queued", "", "")
        assert "line_of_service: " in found[1]["error"]

    async def test_who_accepts_ndjson_as_well_gets_that(self, intake):
        headers = {**CSV, "Accept": "text/csv;q=0.5, application/x-ndjson"}
        assert len(await send(intake, table(row(1)), headers)) == 1


class TestTable:
    @pytest.mark.parametrize("delimiter", [",", ";", "\t"])
    def test_the_header_says_what_stands_between_cells(self, delimiter):
        names = ("line_of_service", "subscriber_name", "subscriber_code")
        read = Table.of(delimiter.join(names).encode()).parse(delimiter.join(("L", '"N,;"', "C")).encode())
        assert (read.subscriber.name, read.line_of_service, read.gateway) == ("N,;", "L", None)

    @pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\ta", "\ra"])
    def test_what_a_spreadsheet_computes_is_written_as_text(self, text):
        assert neutral(text) == f"'{text}" == neutral(neutral(text))
        assert next(csv.reader(StringIO(row_of([text, None, 1]), newline=""))) == [f"'{text}", "", "1"]

    @pytest.mark.parametrize("text", ["", "a=1", "1-2", "'=1"])
    def test_everything_else_is_written_as_it_is(self, text):
        assert neutral(text) == text
