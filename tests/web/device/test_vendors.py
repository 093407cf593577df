"""Gateways that we did not write: their bytes on a socket, and what becomes of their session and of the write in it."""

from datetime import timedelta
from typing import Any

import pytest

from cwmp.envelope import read, write
from cwmp.messages import (
    Fault,
    GetParameterValues,
    GetRPCMethodsResponse,
    Inform,
    InformResponse,
    ParameterFault,
    SetParameterValues,
    TransferCompleteResponse,
)
from tests.cwmp.samples import MESSAGES
from tests.web.device.conftest import Acs
from tests.web.device.wire import NAMESPACE, XML, Answer, Cpe, Wire, connected, login

ALL = {path.stem: path.read_bytes() for path in sorted(MESSAGES.rglob("*.xml"))}
INFORMS = sorted(name for name, body in ALL.items() if isinstance(read(body).message, Inform))


async def answered(wire: Wire, cpe: Cpe, name: str, asked: Answer) -> Answer:
    """Answer what was asked with the bytes of a vendor, to the ID that was asked with."""
    body = ALL[name]
    theirs = read(body).header.id
    if theirs is not None and asked.id is not None:
        body = body.replace(f">{theirs}<".encode(), f">{asked.id}<".encode())
    return await wire.post(body, XML, *cpe.headers())


class TestAnInform:
    @pytest.mark.parametrize("name", INFORMS)
    async def test_of_any_vendor_opens_a_session_in_its_own_namespace(self, acs: Acs, name: str) -> None:
        """V-04, V-06, X-04, X-05, E-02, R-01, R-02, R-03."""
        sent = read(ALL[name])
        async with connected(acs.port) as wire:
            authorize = await login(acs.port)
            answer = await wire.post(ALL[name], XML, authorize())
            assert (answer.status, answer.message) == (200, InformResponse())
            assert (answer.id, answer.envelope.namespace) == (sent.header.id, sent.namespace)
            assert (b"UseCWMPVersion" in answer.body) is bool(sent.header.supported_versions)
            assert b"HoldRequests" not in answer.body
            assert answer.body.startswith(b"<soap-env:Envelope ")
            assert (await wire.post(b"", ("Cookie", answer.cookie))).status == 204
        (row,) = await acs.database.fetch("select * from gateway")
        device = sent.message.device_id
        assert (row["oui"], row["serial_number"], row["product_class"]) == (
            device.oui,
            device.serial_number,
            device.product_class,
        )
        assert list(row["events"]) == [event.code for event in sent.message.events]

    async def test_that_had_to_be_mended_says_so_once_in_its_session(
        self, acs: Acs, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """X-16"""
        inform = Cpe("S1").inform().replace(b"Example", b"A & B")
        async with connected(acs.port) as wire:
            authorize = await login(acs.port)
            answer = await wire.post(inform, XML, authorize())
            cookie = ("Cookie", answer.cookie)
            for _ in range(2):
                transfer = ALL["mangled-mark"].replace(b" k ", b" & ")
                assert (await wire.post(transfer, XML, cookie)).message == TransferCompleteResponse()
        told = [line for line in capfd.readouterr().out.splitlines() if "message_repaired" in line]
        assert ["bare ampersands" in line for line in told] == [True, False]
        assert ["text before the message" in line for line in told] == [False, True]
        gateway_id = await acs.database.fetchval("select id from gateway")
        assert all(f"gateway_id={gateway_id}" in line and "session_number=1" in line for line in told)


class TestAnAnswer:
    @pytest.mark.parametrize("name", ["c-buffer-with-nuls", "orange-agent-qualified", "spv-response-no-status"])
    async def test_of_any_vendor_leads_to_the_read_back(self, acs: Acs, name: str) -> None:
        write_id = await acs.provision("S1")
        cpe = Cpe("S1")
        async with connected(acs.port) as wire:
            await cpe.open(wire)
            asked = await cpe.empty(wire)
            cpe.carried_out(asked.message)
            asked = await answered(wire, cpe, name, asked)
            assert isinstance(asked.message, GetParameterValues)
            await cpe.finish(wire, asked)
        assert await acs.state(write_id) == "verified"

    async def test_with_status_1_is_success_and_is_not_sent_again(self, acs: Acs) -> None:  # R-10, S-31
        write_id = await acs.provision("S1")
        cpe = Cpe("S1")
        async with connected(acs.port) as wire:
            await cpe.open(wire)
            asked = await cpe.empty(wire)
            cpe.carried_out(asked.message)
            assert (await answered(wire, cpe, "easycwmp-status-1", asked)).status == 204
            assert await acs.state(write_id) == "staged"
            assert await cpe.session(wire) == ["GetParameterValues"]
        assert await acs.state(write_id) == "verified"

    @pytest.mark.parametrize(
        ("name", "state", "fault"),
        [
            (
                "netcwmp-detail-in-faultstring",
                "rejected",
                {"code": 9003, "text": "Invalid arguments", "names": ["InternetGatewayDevice.X"]},
            ),
            (
                "javascript-three-faults",
                "rejected",
                {"code": 9003, "text": "Invalid arguments", "names": ["Device.A", "Device.B", "Device.C"]},
            ),
            ("fault-in-odd-case", "rejected", {"code": 9003, "text": "Invalid Arguments", "names": ["Device.A."]}),
            ("undeclared-prefix", "queued", {"code": 9001, "text": "Request denied", "names": []}),
            ("fault-without-detail", "queued", {"code": 9002, "text": "Internal: out of <memory>", "names": []}),
            ("fault-that-is-no-soap-fault", "queued", {"code": 9002, "text": "Internal error", "names": []}),
        ],
    )
    async def test_that_is_a_fault_is_kept_with_all_of_its_parameters(
        self, acs: Acs, name: str, state: str, fault: dict[str, Any]
    ) -> None:
        """X-14, R-11, S-09"""
        write_id = await acs.provision("S1")
        cpe = Cpe("S1")
        async with connected(acs.port) as wire:
            await cpe.open(wire)
            asked = await cpe.empty(wire)
            assert (await answered(wire, cpe, name, asked)).status == 204
        row = await acs.write(write_id)
        kept = row["fault"]
        assert row["state"] == state
        assert {"code": kept["code"], "text": kept["text"], "names": [p["name"] for p in kept["parameters"]]} == fault

    async def test_is_taken_whatever_header_it_says_must_be_understood(self, acs: Acs) -> None:
        """X-13: what is no request is never answered with a fault."""
        write_id = await acs.provision("S1")
        cpe = Cpe("S1")
        async with connected(acs.port) as wire:
            await cpe.open(wire)
            asked = await cpe.empty(wire)
            body = write(cpe.carried_out(asked.message), namespace=NAMESPACE, id=asked.id)
            foreign = b'<v:Foo xmlns:v="urn:example" soap-env:mustUnderstand="1"/></soap-env:Header>'
            asked = await wire.post(body.replace(b"</soap-env:Header>", foreign), XML, *cpe.headers())
            await cpe.finish(wire, asked)
        assert await acs.state(write_id) == "verified"


class TestAFault:
    """How often what a gateway says is tried again, by the table of TR-069 A.5."""

    @pytest.mark.parametrize(
        ("fault", "state", "attempts"),
        [
            (Fault(9000), "rejected", 1),
            (Fault(9003, "", (ParameterFault("Device.X", 9008),)), "rejected", 1),
            (Fault(9003), "rejected", 2),
            (Fault(9001), "failed", 3),
            (Fault(9850), "failed", 3),
            (Fault(9033), "failed", 3),
            (Fault(9002), "queued", 4),
            (Fault(9004), "queued", 4),
        ],
        ids=lambda value: str(value.code) if isinstance(value, Fault) else None,
    )
    async def test_is_tried_again_as_often_as_it_is_worth(
        self, acs: Acs, clock: Any, fault: Fault, state: str, attempts: int
    ) -> None:
        """F-01"""
        write_id = await acs.provision("S1")
        cpe = Cpe("S1")
        for _ in range(4):
            async with connected(acs.port) as wire:
                await cpe.open(wire)
                asked = await cpe.empty(wire)
                if asked.status == 200:
                    assert isinstance(asked.message, SetParameterValues)
                    assert (await cpe.say(wire, fault, asked.id)).status == 204
            clock.advance(days=1)
        row = await acs.write(write_id)
        assert (row["state"], row["attempts"], row["fault"]["code"]) == (state, attempts, fault.code)

    @pytest.fixture
    def configured(self, configured: Any) -> Any:
        return configured.model_copy(update={"queue": configured.queue.model_copy(update={"max_attempts": 5})})


class TestASessionTimeout:
    @pytest.mark.parametrize(
        ("header", "lease"),
        [(None, 90), (5, 90), (30, 90), (120, 120), (600, 600), (4294967295, 600)],
    )
    async def test_is_how_long_an_answer_is_waited_for_on_any_connection(
        self, acs: Acs, clock: Any, header: int | None, lease: int
    ) -> None:
        """V-08, S-17: bounded, and never shorter than the operator's own lease."""
        write_id = await acs.provision("S1")
        cpe = Cpe("S1")
        async with connected(acs.port) as wire:
            body = cpe.inform(session_timeout=header) if header is not None else cpe.inform()  # type: ignore[arg-type]
            answer = await wire.post(body, XML, (await login(acs.port))())
            cpe.cookie = answer.cookie
        async with connected(acs.port) as wire:
            authorization = (await login(acs.port))()
            asked = await wire.post(b"", authorization, *cpe.headers())
            assert isinstance(asked.message, SetParameterValues)
            row = await acs.write(write_id)
            assert row["lease_until"] - clock() == timedelta(seconds=lease)
            clock.advance(seconds=lease - 1)
            await acs.parts.janitor.sweep()
            assert await acs.state(write_id) == "sent"
            clock.advance(seconds=2)
            await acs.parts.janitor.sweep()
            assert await acs.state(write_id) == "in_doubt"


class TestAVersion:
    @pytest.mark.parametrize(
        ("versions", "used"),
        [
            ("1.0,1.1,1.2,1.3,1.4", "1.4"),
            ("1.0, 1.1", "1.1"),
            ("1.10,1.2", "1.2"),
            ("2.0,1.0,x", "1.0"),
            ("x", None),
            ("", None),
        ],
    )
    async def test_is_the_highest_in_common_and_is_said_only_to_who_asks(
        self, acs: Acs, versions: str, used: str | None
    ) -> None:
        """V-05, V-06"""
        async with connected(acs.port) as wire:
            body = Cpe("S1").inform(supported_versions=(versions,))  # type: ignore[arg-type]
            answer = await wire.post(body, XML, (await login(acs.port))())
        assert answer.message == InformResponse()
        assert answer.envelope.header.use_version == used

    async def test_of_the_inform_holds_for_the_session_whatever_drifts(self, acs: Acs) -> None:
        """V-09"""
        write_id = await acs.provision("S1")
        cpe = Cpe("S1")
        drifting = "urn:dslforum-org:cwmp-1-0"
        async with connected(acs.port) as wire:
            await cpe.open(wire)
            asked = await cpe.empty(wire)
            while asked.status == 200:
                assert asked.envelope.namespace == NAMESPACE
                body = write(cpe.carried_out(asked.message), namespace=drifting, id=asked.id, session_timeout=7)
                asked = await wire.post(body, XML, *cpe.headers())
        assert await acs.state(write_id) == "verified"

    @pytest.mark.parametrize("headers", [{"use_version": "1.0"}, {"hold_requests": True}])
    async def test_and_other_words_of_the_acs_do_no_harm_from_a_gateway(
        self, acs: Acs, headers: dict[str, Any]
    ) -> None:
        """V-09"""
        async with connected(acs.port) as wire:
            answer = await wire.post(Cpe("S1").inform(**headers), XML, (await login(acs.port))())
            assert answer.message == InformResponse()
            methods = await wire.post(ALL["duplicated-header"], XML, ("Cookie", answer.cookie))
            assert isinstance(methods.message, GetRPCMethodsResponse)
