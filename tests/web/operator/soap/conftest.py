"""Callers of `/soap/provisioning` that send bytes, and read what comes back by its paths."""

from base64 import b64encode
from dataclasses import dataclass, field
from io import BytesIO

import pytest
from lxml import etree

from acs_bridge.domain.actor import Role
from acs_bridge.web.operator.soap.vocabulary import ENVELOPE, NAMESPACE, PATH
from tests.web.operator.conftest import Operator, Reply

SOAP = {"s": ENVELOPE, "a": NAMESPACE}


def envelope(body: str, *, header: str = "", namespace: str = ENVELOPE) -> str:
    """A message; `a` is our namespace in it."""
    return f'<s:Envelope xmlns:s="{namespace}" xmlns:a="{NAMESPACE}">{header}<s:Body>{body}</s:Body></s:Envelope>'


def basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


@dataclass
class Answer:
    """What came back, as XML."""

    reply: Reply
    root: etree._Element

    @property
    def status(self) -> int:
        return self.reply.status

    def text(self, path: str) -> str:
        """The text of the element at a path, from the Body on; empty where there is none."""
        return str(self.root.findtext(f"s:Body/{path}", "", namespaces=SOAP))

    @property
    def faultcode(self) -> str:
        return self.text("s:Fault/faultcode")

    @property
    def code(self) -> str:
        return self.text("s:Fault/detail/a:ProvisioningFault/a:Code")

    @property
    def detail(self) -> str:
        return self.text("s:Fault/detail/a:ProvisioningFault/a:Detail")

    @property
    def fields(self) -> dict[str, str]:
        found = self.root.iterfind(".//a:Field", SOAP)
        return {str(each.findtext("a:Name", "", SOAP)): str(each.findtext("a:Message", "", SOAP)) for each in found}


@dataclass
class SoapApi:
    """A caller that sends what it likes."""

    operator: Operator
    token: str | None = field(repr=False)

    async def send(self, body: bytes | str | BytesIO, **headers: str) -> Answer:
        """Post a body; headers are given with _ for -."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'} | named
        if self.token is not None:
            named = {"Authorization": f"Bearer {self.token}"} | named
        content = body.encode() if isinstance(body, str) else body
        async with self.operator.session.post(self.operator.base + PATH, data=content, headers=named) as response:
            reply = Reply(response.status, response.headers, await response.text())
        assert reply.headers["Content-Type"] == "text/xml; charset=utf-8", reply.text
        return Answer(reply, etree.fromstring(reply.text.encode()))

    async def ask(self, body: str) -> Answer:
        """Ask for an operation."""
        return await self.send(envelope(body))


@dataclass
class SoapOperator:
    """The listener, for those who speak SOAP."""

    operator: Operator

    def as_(self, role: Role | None) -> SoapApi:
        return SoapApi(self.operator, None if role is None else self.operator.tokens[role])


@pytest.fixture
def soap(operator: Operator) -> SoapOperator:
    return SoapOperator(operator)


@pytest.fixture
def bss(soap: SoapOperator) -> SoapApi:
    return soap.as_(Role.INTAKE)
