"""A BSS that speaks SOAP: zeep, which knows nothing of us but the WSDL, with a daemon that serves."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import zeep
from zeep.transports import Transport

from acs_bridge.simulator.models import TR181
from tests.acceptance.programs import ROOT
from tests.acceptance.site import BASE_URL, OUI, PHAN_URL, PRODUCT_CLASS, Caller, Daemon

NAMESPACE = "{urn:acs-bridge:provisioning:1}"
SECONDS = 20


def wsdl(daemon: Daemon) -> str:
    return f"http://127.0.0.1:{daemon.operator_port}/soap/provisioning?wsdl"


@contextmanager
def client(daemon: Daemon, token: str = "", *, user: str | None = None) -> Iterator[Any]:
    """A strict client; with a user the token is its password, else a bearer."""
    with requests.Session() as session:
        if user is not None:
            session.auth = (user, token)
        elif token:
            session.headers["Authorization"] = f"Bearer {token}"
        transport = Transport(session=session, timeout=SECONDS, operation_timeout=SECONDS)
        yield zeep.Client(wsdl(daemon), transport=transport, settings=zeep.Settings(strict=True)).service


def box(serial: str) -> dict[str, str]:
    return {"Oui": OUI, "ProductClass": PRODUCT_CLASS, "SerialNumber": serial}


def fault(service: Any, operation: str, **asked: Any) -> tuple[str, str, str, list[str]]:
    """What a call is refused with: SOAP's code, ours, the words, and the fields."""
    with pytest.raises(zeep.exceptions.Fault) as refused:
        getattr(service, operation)(**asked)
    (detail,) = refused.value.detail
    fields = [str(each.findtext(f"{NAMESPACE}Name")) for each in detail.iterfind(f"{NAMESPACE}Field")]
    return (
        str(refused.value.code),
        str(detail.findtext(f"{NAMESPACE}Code")),
        str(detail.findtext(f"{NAMESPACE}Detail")),
        fields,
    )


@pytest.mark.timeout(240)  # commands are processes, which take long where many tests run
class TestZeep:
    async def test_does_every_operation(self, daemon: Daemon, bss: Caller) -> None:
        with client(daemon, bss.token) as service:
            made = service.CreateSubscriber(Name="Ann Ö", Code="C-SOAP-1")
            assert (made.Name, made.Lines, made.CreatedAt.tzinfo is not None) == ("Ann Ö", 0, True)
            device = service.CreateDevice(LineOfService="LOS-SOAP-1")
            assert (device.Associated, device.Gateway, device.Warnings) == (False, None, [])
            first, again = [service.Associate(SubscriberCode="C-SOAP-1", LineOfService="LOS-SOAP-1") for _ in range(2)]
            assert (first.Created, again.Created, first.Association.Id) == (True, False, again.Association.Id)
            swapped = service.SwapGateway(LineOfService="LOS-SOAP-1", Gateway=box("SOAP1"))
            assert (swapped.Gateway.SerialNumber, swapped.AssociationId) == ("SOAP1", first.Association.Id)
            ended = service.EndAssociation(AssociationId=first.Association.Id)
            assert (ended.State, ended.EndedBy) == ("ended", "token:bss")
            request = {
                "Subscriber": {"Name": "Ann Ö", "Code": "C-SOAP-1"},
                "LineOfService": "LOS-SOAP-1",
                "Gateway": box("SOAP1"),
            }
            asked, repeated = [service.Provision(**request) for _ in range(2)]
            assert (asked.Created, repeated.Created, asked.Request.Id) == (True, False, repeated.Request.Id)
            gateway = daemon.gateway("SOAP1", schema=TR181)
            assert (await gateway.session()).completed
            status = service.GetProvisioningStatus(RequestId=asked.Request.Id)
            assert (status.Write.State, status.Association.State) == ("verified", "active")
            assert gateway.value(PHAN_URL).startswith(BASE_URL)
            assert BASE_URL not in str(status)

    def test_is_told_in_faults_what_stands_in_the_way(self, daemon: Daemon, bss: Caller) -> None:
        with client(daemon, bss.token) as service:
            for number in (1, 2):
                service.CreateSubscriber(Name=f"S{number}", Code=f"C-FAULT-{number}")
            service.CreateDevice(LineOfService="LOS-FAULT")
            service.Associate(SubscriberCode="C-FAULT-1", LineOfService="LOS-FAULT")
            code, ours, words, _ = fault(service, "CreateSubscriber", Name="x", Code="c-fault-1")
            assert (code, ours) == ("soap:Client", "Conflict")
            code, ours, words, _ = fault(
                service, "Provision", Subscriber={"Name": "S2", "Code": "C-FAULT-2"}, LineOfService="LOS-FAULT"
            )
            assert (ours, "C-FAULT-1" in words, "ReplaceExisting" in words) == ("Conflict", True, True)
            moved = service.Provision(
                Subscriber={"Name": "S2", "Code": "C-FAULT-2"}, LineOfService="LOS-FAULT", ReplaceExisting=True
            )
            assert moved.Created
            assert fault(service, "EndAssociation", LineOfService="LOS-NONE")[1] == "NotFound"
            assert fault(service, "CreateSubscriber", Name="x", Code="x" * 65)[1::2] == ("InvalidInput", ["Code"])
            refused = fault(service, "CreateSubscriber", Name="\u2028", Code="\u202e")
            assert refused[1::2] == ("InvalidInput", ["Name"])

    def test_may_only_ask_for_a_state_as_a_csr(self, daemon: Daemon, admin: Caller, bss: Caller) -> None:
        token = daemon.site.token("soap-csr", "csr")
        with client(daemon, bss.token) as service:
            service.Provision(Subscriber={"Name": "C", "Code": "C-CSR"}, LineOfService="LOS-CSR")
        with client(daemon, token, user="anybody") as service:
            assert service.GetProvisioningStatus(LineOfService="LOS-CSR").Write.State == "queued"
            assert fault(service, "EndAssociation", LineOfService="LOS-CSR")[1] == "Forbidden"
        assert daemon.site.run("tokens", "revoke", "soap-csr").code == 0
        with client(daemon, token) as service:
            assert fault(service, "GetProvisioningStatus", LineOfService="LOS-CSR")[:2] == (
                "soap:Client",
                "Unauthenticated",
            )


def test_the_wsdl_says_the_public_url_of_the_settings(site: Any) -> None:
    settings = {"operator_listener.public_url": "https://bss.example.net/acs"}
    with site.serving(settings=settings) as daemon:
        answer = daemon.caller().call("GET", "/soap/provisioning?wsdl")
        assert (answer.status, 'location="https://bss.example.net/acs/soap/provisioning"' in answer.body) == (200, True)


def test_the_example_of_the_readme_works(daemon: Daemon, bss: Caller, tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    (section,) = re.findall(r"^## SOAP\n(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    example = "\n".join(line[4:] for line in section.splitlines() if line.startswith("    "))
    said: list[object] = []
    code = example.replace("http://127.0.0.1:8080", f"http://127.0.0.1:{daemon.operator_port}")
    assert code != example
    exec(compile(code, "README.md", "exec"), {"TOKEN": bss.token, "print": lambda *words: said.extend(words)})  # noqa: S102
    assert said[0] == "queued", said
    assert "C-2001" in str(said[-1])
