"""The record of a gateway's next sessions: all that was said in them, and no secret; over real HTTP."""

import json
from datetime import timedelta
from typing import Any

import pytest

from acs_bridge.domain.actor import Actor, Role
from acs_bridge.domain.transcript import as_text
from acs_bridge.errors import Conflict, NotFound
from acs_bridge.services.session import transcripts
from acs_bridge.settings import Settings
from acs_bridge.simulator.behaviour import Behaviour
from cwmp.messages import Fault, ParameterFault
from tests.web.device.conftest import BASE_URL, BOOTSTRAP, Acs, settings
from tests.web.device.test_sessions import Workers, workers
from tests.web.device.wire import XML, Cpe, connected, login, packed

__all__ = ["workers"]

ADMIN = Actor("token", "ann", Role.ADMIN, "192.0.2.7")
SET = "SetParameterValues"
URL = "X_ACSBRIDGE_HomeAnalytics.URL"
HOUR = timedelta(hours=1)


@pytest.fixture
def configured() -> Settings:
    return settings(cpe_auth={"manage": True})


async def gateway_id(acs: Acs, serial: str = "S1") -> int:
    return int(await acs.database.fetchval("select id from gateway where serial_number = $1", serial))


async def record(acs: Acs, serial: str = "S1", sessions: int = 1) -> int:
    wanted = await gateway_id(acs, serial)
    await acs.parts.transcripts.start(wanted, sessions, HOUR, ADMIN)
    return wanted


async def entries(acs: Acs, wanted: int) -> list[dict[str, Any]]:
    return list((await acs.parts.transcripts.find(wanted, ADMIN)).entries)


def told(said: list[dict[str, Any]]) -> list[Any]:
    return [each["message"] or each["status"] for each in said]


class TestATranscript:
    async def test_tells_a_whole_session_and_no_more_than_was_asked_for(self, acs: Acs) -> None:
        await acs.provision()
        gateway, other = acs.gateway(), acs.gateway("S2")
        wanted = await record(acs)
        await other.session()
        await gateway.session()
        await gateway.session()
        said = await entries(acs, wanted)
        assert told(said) == [
            *("Inform", "InformResponse", "EmptyPost", SET, "SetParameterValuesResponse", "GetParameterValues"),
            *("GetParameterValuesResponse", SET, "SetParameterValuesResponse", 204),
        ]
        assert len({each["session"] for each in said}) == 1
        assert [each["status"] for each in said] == [None, 200, None, 200, None, 200, None, 200, None, 204]
        assert said[1]["headers"]["Content-Type"] == 'text/xml; charset="utf-8"'
        assert f"Device.{URL} (string): ‹{len(gateway.value(URL))} characters›" in [
            line.strip() for line in said[3]["body"]
        ]

    async def test_has_no_secret_in_it_and_neither_has_the_log(
        self, acs: Acs, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """SEC-06: URL, passwords, cookie, Authorization, whoever says them, also in faults and in what is broken."""
        write_id = await acs.provision()
        gateway = acs.gateway()
        wanted = await record(acs, sessions=9)
        url = await acs.url_of(write_id)
        fault = Fault(9002, f"no {url}", (ParameterFault(url, 9007, f"{BOOTSTRAP.password} and {url}"),))
        gateway.behaviour = Behaviour(faults={SET: fault})
        await gateway.session()
        gateway.behaviour = Behaviour()
        await acs.database.execute("update write set due_at = $1", acs.clock())
        await gateway.session()
        await gateway.session()
        passwords = [gateway.value(f"ManagementServer.{name}") for name in ("Password", "ConnectionRequestPassword")]
        cookies = []
        async with connected(acs.port) as wire:
            cpe = Cpe(cookie="")
            shown = await login(acs.port)
            await acs.database.execute("update gateway set takes_bootstrap = true")
            await cpe.open(wire, shown)
            cookies.append(cpe.cookie.partition("=")[2])
            broken = f"<Envelope>{url} {passwords[0]} <{cookies[0]}".encode()
            assert (await wire.post(broken, XML, shown(), *cpe.headers())).status == 400
        kept = await acs.database.fetch("select entry from transcript_entry")
        everything = json.dumps([row["entry"] for row in kept], ensure_ascii=False)
        found = await acs.parts.transcripts.find(wanted, ADMIN)
        everything += as_text(found.entries)
        assert len(found.entries) > 20
        for text in (everything, "".join(capsys.readouterr())):
            for secret in (url, url.removeprefix(BASE_URL), BASE_URL, *passwords, BOOTSTRAP.password, *cookies):
                assert secret not in text
            assert "digest " not in text.lower()
            assert "response=" not in text
            assert "cookie" not in text.lower()

    async def test_has_what_was_refused(self, acs: Acs) -> None:
        await acs.gateway().session()
        await acs.database.execute("update gateway set takes_bootstrap = true")
        wanted = await record(acs)
        async with connected(acs.port) as wire:
            cpe = Cpe()
            await cpe.open(wire, await login(acs.port))
            refused = await wire.post(cpe.inform()[:-40], XML, *cpe.headers())
            assert (refused.status, refused.message) == (200, Fault(8003, "Invalid arguments"))
            coded = ("Content-Encoding", "gzip")
            assert (await wire.post(packed(cpe.inform())[:40], XML, coded, *cpe.headers())).status == 400
        async with connected(acs.port) as wire:
            assert (await wire.post(b"<nonsense>", XML, (await login(acs.port))(), *cpe.headers())).status == 400
        said = await entries(acs, wanted)
        notes = [each for each in said if (each["note"] or "").startswith("refused: ")]
        assert len(notes) == 3
        assert "    FaultCode: 8003" in [line[-19:] for line in said[3]["body"]]
        assert [each["status"] for each in said if each["status"]] == [200, 200, 400, 400]
        assert notes[-1]["body"] == ["‹10 bytes that are no XML›"]

    async def test_ends_with_its_time(self, acs: Acs, clock: Any) -> None:
        gateway = acs.gateway()
        await gateway.session()
        wanted = await record(acs, sessions=5)
        clock.advance(hours=1)
        await gateway.session()
        found = await acs.parts.transcripts.find(wanted, ADMIN)
        assert (found.is_running, found.entries) == (False, [])

    async def test_is_of_one_gateway_at_a_time(self, acs: Acs, clock: Any) -> None:
        gateway, other = acs.gateway("S1"), acs.gateway("S2")
        await gateway.session()
        await other.session()
        wanted = await record(acs)
        with pytest.raises(Conflict, match=rf"gateway {wanted} \(00005E SimGW S1\) are being recorded until"):
            await record(acs, "S2")
        await gateway.session()
        await record(acs, "S2")  # the first one is over
        assert len(await entries(acs, wanted)) > 1

    async def test_has_so_many_bytes(self, acs: Acs, monkeypatch: pytest.MonkeyPatch) -> None:
        gateway = acs.gateway()
        await gateway.session()
        monkeypatch.setattr(transcripts, "LARGEST", 4000)
        wanted = await record(acs, sessions=100)
        for _ in range(4):
            await gateway.session()
        found = await acs.parts.transcripts.find(wanted, ADMIN)
        assert found.row.is_full
        assert 1000 < found.row.size <= 4000

    async def test_that_is_deleted_records_nothing_more(self, acs: Acs) -> None:
        gateway = acs.gateway()
        await gateway.session()
        wanted = await record(acs, sessions=5)
        await gateway.session()
        await acs.parts.transcripts.delete(wanted, ADMIN)
        await gateway.session()
        with pytest.raises(NotFound):
            await acs.parts.transcripts.find(wanted, ADMIN)
        assert await acs.database.fetchval("select count(*) from transcript_entry") == 0

    async def test_is_taken_away_when_its_time_is_over(self, acs: Acs, clock: Any) -> None:
        gateway = acs.gateway()
        await gateway.session()
        wanted = await record(acs)
        await gateway.session()
        clock.advance(days=7)
        await acs.parts.cleaning.clean()
        assert len(await entries(acs, wanted)) > 1
        clock.advance(hours=2)
        await acs.parts.cleaning.clean()
        assert await acs.database.fetchval("select count(*) from transcript_entry") == 0

    async def test_counts_a_session_once_that_sets_something_going(self, acs: Acs) -> None:
        """0 BOOTSTRAP has its Inform taken twice."""
        await acs.provision()
        gateway = acs.gateway()
        for _ in range(2):
            await gateway.session()
        wanted = await record(acs, sessions=2)
        await acs.database.execute("update gateway set takes_bootstrap = true")
        gateway.factory_reset()
        await gateway.session()
        await gateway.session()
        assert len({each["session"] for each in await entries(acs, wanted)}) == 2

    async def test_costs_its_session_nothing_but_time_when_it_cannot_be_kept(
        self, acs: Acs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await acs.provision()
        gateway = acs.gateway()
        await record(acs)
        await acs.database.execute("delete from transcript")  # as when the row is gone in the middle
        report = await gateway.session()
        assert report.completed
        assert SET in report.served


class TestTwoWorkers:
    async def test_record_one_session_in_one_transcript(self, workers: Workers) -> None:
        acs = workers.acs
        await acs.provision()
        wanted = await record(acs)
        async with workers.wires() as (first, second):
            cpe = Cpe()
            await cpe.open(first, workers.authorize)
            asked = await cpe.empty(second)
            await cpe.obey(first, asked)
        said = await entries(acs, wanted)
        assert told(said)[:6] == [
            *("Inform", "InformResponse", "EmptyPost", SET, "SetParameterValuesResponse", "GetParameterValues"),
        ]
