"""`acs-bridge adopt`: one URL, or a file of them, that gateways were seen with."""

import io
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest

from acs_bridge.domain.ids import new_id
from acs_bridge.domain.phan import PhanClaims, PhanUrls
from acs_bridge.services.urls.keyring import open_keyring
from acs_bridge.store.database import Database

BASE = "https://phan.example.net/r/"
SEEN = """
with box as (
    insert into gateway (oui, product_class, serial_number, created_at) values ('00005E', 'SimGW', $1, $2) returning id
)
insert into observation (gateway_id, id, software_version, profile, session_number, asked_at, answered_at, outcome,
                         association_id, generation, key_id)
select id, $3, '1.0', 'plain', 1, $2, $2, 'provisionable', $3, 1, $4 from box
"""
Seen = Callable[[str], str]


@pytest.fixture
async def seen(run, database: Database, database_url: str, now: datetime, tmp_path: Path, monkeypatch):
    """Gateways that a daemon which observes has seen with a URL, by their line; nothing else is recorded of them."""
    path = tmp_path / "phan.keyring"
    monkeypatch.setenv("ACS_BRIDGE_DATABASE__URL", database_url)
    monkeypatch.setenv("ACS_BRIDGE_PHAN__KEYRING", str(path))
    keyring = await open_keyring(path, database, now)
    urls = PhanUrls(keyring, BASE)

    def url_of(line: str, id: UUID) -> str:
        return urls.seal(keyring.current_key_id, PhanClaims(line, id, 1, now.replace(microsecond=0)))

    urls_of = {}
    for line in ("L-1", "L-2", "L-3"):
        id = new_id(now)
        await database.execute(SEEN, f"S{line}", now, id, keyring.current_key_id)
        urls_of[line] = url_of(line, id)
    return urls_of | {"unseen": url_of("L-9", new_id(now))}


def test_records_a_url_and_says_that_it_was_known(run, seen, monkeypatch):
    first = run("adopt", seen["L-1"], "--subscriber-name", "Ann", "--subscriber-code", "C-1")
    assert (first.code, first.out[:22], first.out[-9:]) == (0, "line of service L-1, g", "recorded\n")
    monkeypatch.setattr("sys.stdin", io.StringIO(seen["L-1"] + "\n"))
    again = run("adopt", "-")
    assert (again.code, again.out.endswith("was known already\n")) == (0, True)
    assert seen["L-1"][-20:] not in first.out + again.out


def test_records_a_file_and_says_of_each_line_what_became_of_it(run, seen, tmp_path):
    file = tmp_path / "urls.csv"
    rows = [
        f"{seen['L-1']};Ann;C-1",
        "https://phan.example.net/r/forged;Bob;C-2",
        f"{seen['L-2']};Ann;C-1",
        f"{seen['unseen']};Eve;C-3",
        f"{seen['L-3']};;",
    ]
    file.write_text("\n".join(["\ufeffurl;subscriber_name;subscriber_code", *rows]), encoding="utf-8")
    ended = run("adopt", "--file", str(file))
    said = ended.out.splitlines()
    assert (ended.code, ended.err, said[-1]) == (1, "", "2 adopted, 3 refused")
    assert [line.partition(": ")[2].startswith("line of service L-") for line in said[:-1]] == [True, False] * 2 + [
        False
    ]
    assert "no gateway was seen with this URL" in said[3]
    assert "say whose it is" in said[4]
    assert not any(url[-20:] in ended.out for url in seen.values())
    file.write_text(f"url\n{seen['L-1']}\n{seen['L-2']}\n", encoding="utf-8")
    again = run("adopt", "--file", str(file))
    assert (again.code, again.out.count("was known already")) == (0, 2)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has to name the columns"),
        ("token\nx\n", "has to name the columns"),
        ("url,subscriber_name\nx,Ann\n", "line 2: too many columns, or subscriber_name without"),
        ("url\nx,y\n", "line 2: too many columns"),
        (f"url\nx\n{'x' * 200_000}\n", "line 3: field larger than field limit"),
    ],
)
def test_refuses_a_file_that_is_no_table_of_urls_before_anything_is_done(run, seen, tmp_path, text, words):
    file = tmp_path / "urls.csv"
    file.write_text(text, encoding="utf-8")
    ended = run("adopt", "--file", str(file))
    assert (ended.code, ended.out, words in ended.err, ended.err.count("\n")) == (1, "", True, 1)


@pytest.mark.parametrize("arguments", [(), ("x", "--file", "y"), ("x", "--subscriber-name", "Ann")], ids=str)
def test_takes_a_url_or_a_file(run, arguments):
    assert run("adopt", *arguments).code == 2
