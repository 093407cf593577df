"""The interface that spyne makes of the operations: its WSDL and schema, requests read by it and answers written.

Everything here is made once, and works on one message at a time in any thread: what spyne keeps of a message is in its
context. A validator of libxml2 keeps the errors of the last document, so that every thread has one of its own.
"""

import threading
from copy import deepcopy
from typing import Any, Final

from lxml import etree

from acs_bridge.domain.actor import Actor, Role
from acs_bridge.web.operator.application import Services
from acs_bridge.web.operator.problems import WrongRole
from acs_bridge.web.operator.soap import message
from acs_bridge.web.operator.soap.library import Application, MethodContext, ServerBase, Soap11
from acs_bridge.web.operator.soap.operations import Asked, Provisioning
from acs_bridge.web.operator.soap.refusals import UnknownOperation
from acs_bridge.web.operator.soap.violations import violations
from acs_bridge.web.operator.soap.vocabulary import NAMESPACE

_NAME: Final = "Provisioning"
_WSDL: Final = "http://schemas.xmlsoap.org/wsdl/"
_WSDL_SOAP: Final = "http://schemas.xmlsoap.org/wsdl/soap/"
_SCHEMA: Final = "http://www.w3.org/2001/XMLSchema"
_PREFIXES: Final = ("tns", "xs")
_ORDER: Final = ("simpleType", "complexType", "element")


class _Transport(ServerBase):
    """What carries messages; all that spyne needs to know of it is its name."""

    transport = "http://schemas.xmlsoap.org/soap/http"


class Interface:
    """`/soap/provisioning`, without HTTP."""

    def __init__(self) -> None:
        application = Application([Provisioning], NAMESPACE, _NAME, in_protocol=Soap11(), out_protocol=Soap11())
        self._application = application
        self._transport = _Transport(application)
        documents = application.interface.docs.wsdl11
        documents.build_interface_document("")
        self._wsdl = _tidy(etree.fromstring(documents.get_interface_document()))
        self._threads = threading.local()

    def wsdl(self, address: str) -> bytes:
        """Describe the service that is reached at an address."""
        root = deepcopy(self._wsdl)
        for place in root.iter(f"{{{_WSDL_SOAP}}}address"):
            place.set("location", address)
        return _written(root)

    def schema(self) -> bytes:
        """Describe its messages alone."""
        inner = deepcopy(_schema_of(self._wsdl))
        schema = etree.Element(inner.tag, inner.attrib, nsmap={"xs": _SCHEMA, "tns": NAMESPACE})
        schema.extend(inner)
        return _written(schema)

    def read(self, body: bytes, charset: str | None, role: Role) -> Any:  # noqa: ANN401 -- a context of spyne
        """Give a request that may be answered; everything that is wrong with it is raised."""
        envelope = message.read(body, charset)
        asked = message.asked(envelope)
        protocol = self._application.in_protocol
        context = MethodContext(self._transport, MethodContext.SERVER)
        context.in_document = (envelope, {})  # without ids: nothing refers to anything
        context.method_request_string = asked.tag
        if etree.QName(asked).namespace != NAMESPACE or not protocol.get_call_handles(context):
            raise UnknownOperation(f"{etree.QName(asked).localname} in this namespace is no operation: see ?wsdl")
        protocol.decompose_incoming_envelope(context)
        (context,) = protocol.generate_method_contexts(context)
        roles: frozenset[Role] = context.descriptor.udd.roles
        if role not in roles:
            raise WrongRole(roles, role)
        refused = violations(self._validator(), asked)
        if refused is not None:
            raise refused
        protocol.deserialize(context, protocol.REQUEST)
        return context

    async def answer(self, context: Any, services: Services, actor: Actor) -> bytes:  # noqa: ANN401
        """Do what a request asks for, and write what it gets."""
        context.udc = Asked(services, actor)
        self._application.process_request(context)
        if context.out_error is not None:
            raise RuntimeError("spyne could not call an operation")
        promised = context.out_object  # in a list where the answer has one part
        context.out_object = await (promised[0] if isinstance(promised, list) else promised)
        protocol = self._application.out_protocol
        protocol.serialize(context, protocol.RESPONSE)
        protocol.create_out_string(context)
        return b"".join(context.out_string)

    def _validator(self) -> etree.XMLSchema:
        validator: etree.XMLSchema | None = getattr(self._threads, "validator", None)
        if validator is None:
            validator = self._threads.validator = etree.XMLSchema(etree.fromstring(self.schema()))
        return validator


def _tidy(root: etree._Element) -> etree._Element:
    """Put what spyne gives in the same order every time, and leave out what nobody refers to."""
    for element in root.iter(f"{{{_WSDL}}}operation"):
        element.attrib.pop("parameterOrder", None)  # says nothing where a message has one part
    for element in root.iter(f"{{{_WSDL}}}documentation"):
        element.text = " ".join((element.text or "").split())
    root.extend(root.findall(f"{{{_WSDL}}}service"))  # to the end
    messages = {part.get("element", "").partition(":")[2] for part in root.iter(f"{{{_WSDL}}}part")}
    schema = _schema_of(root)
    schema[:] = sorted(
        (each for each in schema if each.tag != f"{{{_SCHEMA}}}element" or each.get("name") in messages),
        key=lambda each: (_ORDER.index(etree.QName(each).localname), each.get("name")),
    )
    etree.cleanup_namespaces(root, keep_ns_prefixes=_PREFIXES)
    etree.indent(root)
    return root


def _schema_of(root: etree._Element) -> etree._Element:
    schema = root.find(f".//{{{_SCHEMA}}}schema")
    if schema is None:
        raise RuntimeError("a WSDL has a schema")
    return schema


def _written(root: etree._Element) -> bytes:
    etree.cleanup_namespaces(root, keep_ns_prefixes=_PREFIXES)
    etree.indent(root)
    return etree.tostring(root, xml_declaration=True, encoding="utf-8").rstrip() + b"\n"
