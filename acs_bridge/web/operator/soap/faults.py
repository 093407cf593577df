"""Errors as SOAP faults: what `/v1` says as a problem stands in the detail, under names that the schema has.

Made without spyne: the first thing that a caller is told may be that it has no token.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from aiohttp import web
from lxml import etree
from multidict import CIMultiDict

from acs_bridge.errors import AcsBridgeError, InvalidInput, Unauthenticated
from acs_bridge.web.operator import problems
from acs_bridge.web.operator.problems import Answers, Problem
from acs_bridge.web.operator.soap.refusals import MessageRefused
from acs_bridge.web.operator.soap.vocabulary import ENVELOPE, FAULT, MEDIA_TYPE, NAMESPACE, element_name

CHALLENGES: Final = ('Bearer realm="acs-bridge"', 'Basic realm="acs-bridge", charset="UTF-8"')
SERVER_ERROR: Final = "ServerError"
_CODES: Final = {
    HTTPStatus.BAD_REQUEST: "InvalidMessage",
    HTTPStatus.UNAUTHORIZED: "Unauthenticated",
    HTTPStatus.FORBIDDEN: "Forbidden",
    HTTPStatus.NOT_FOUND: "NotFound",
    HTTPStatus.METHOD_NOT_ALLOWED: "InvalidMessage",
    HTTPStatus.CONFLICT: "Conflict",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "TooLarge",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "InvalidMessage",
    HTTPStatus.UNPROCESSABLE_ENTITY: "InvalidInput",
    HTTPStatus.TOO_MANY_REQUESTS: "Busy",
    HTTPStatus.SERVICE_UNAVAILABLE: "Busy",
}
CODES: Final = tuple(
    dict.fromkeys([*_CODES.values(), "MustUnderstand", "UnknownOperation", "VersionMismatch", SERVER_ERROR])
)
"""Every Code that a fault may have."""

_SAID_BY_HTTP: Final = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)
"""What is wrong with the call and not with what it asks for; every other fault travels with 500 (R1126)."""

_WORDS: Final = {
    '"replace"': "ReplaceExisting",
    "product_class": "ProductClass",
    "line_of_service": "LineOfService",
    "subscriber_code": "SubscriberCode",
}
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def of_error(error: AcsBridgeError) -> web.Response:
    """Answer with an error that was foreseen."""
    if isinstance(error, MessageRefused):
        problem = Problem(error.status, error.title, str(error))
        return _response(problem, error.code, error.faultcode)
    fields = error.errors if isinstance(error, InvalidInput) else ()
    problem = Problem(error.status, error.title, str(error), fields)
    headers = CIMultiDict(problems.headers_of(error))
    if isinstance(error, Unauthenticated):
        headers.popall("WWW-Authenticate", None)
        for challenge in CHALLENGES:
            headers.add("WWW-Authenticate", challenge)
    return _response(problem, _code(problem.status), headers=headers)


def of_http(error: web.HTTPException) -> web.Response:
    """Answer with an error that the HTTP server found."""
    problem, headers = problems.found_by_http(error)
    return _response(problem, _code(problem.status), headers=headers)


def of_bug() -> web.Response:
    """Answer with an error that nobody foresaw; what it is stands in the log."""
    return _response(problems.BUG, SERVER_ERROR)


FAULTS: Final = Answers(of_error, of_http, of_bug)


def _code(status: int) -> str:
    return _CODES.get(HTTPStatus(status), SERVER_ERROR)


def _response(
    problem: Problem, code: str, faultcode: str | None = None, headers: Mapping[str, str] | None = None
) -> web.Response:
    ours = code in {"Busy", SERVER_ERROR}
    envelope = _envelope(problem, code, faultcode or ("Server" if ours else "Client"))
    status = problem.status if problem.status in _SAID_BY_HTTP else HTTPStatus.INTERNAL_SERVER_ERROR
    return web.Response(body=envelope, status=status, content_type=MEDIA_TYPE, charset="utf-8", headers=headers)


def _envelope(problem: Problem, code: str, faultcode: str) -> bytes:
    envelope = etree.Element(f"{{{ENVELOPE}}}Envelope", nsmap={"soap": ENVELOPE})
    fault = etree.SubElement(etree.SubElement(envelope, f"{{{ENVELOPE}}}Body"), f"{{{ENVELOPE}}}Fault")
    etree.SubElement(fault, "faultcode").text = f"soap:{faultcode}"
    detail = _ours(problem.detail)
    etree.SubElement(fault, "faultstring").text = detail
    ours = etree.SubElement(etree.SubElement(fault, "detail"), f"{{{NAMESPACE}}}{FAULT}", nsmap={None: NAMESPACE})
    _add(ours, Code=code, Title=_ours(problem.title), Detail=detail)
    for error in problem.errors:
        _add(_add(ours, Field=None), Name=element_name(error.field), Message=_ours(error.message))
    return etree.tostring(envelope, xml_declaration=True, encoding="utf-8")


def _add(parent: etree._Element, **texts: str | None) -> etree._Element:
    """Add an element for each text; gives the last."""
    for name, text in texts.items():
        element = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
        element.text = text
    return element


def _ours(text: str) -> str:
    """Say a text of `/v1` with the names that the schema has, in characters that XML can carry."""
    for name, ours in _WORDS.items():
        text = text.replace(name, ours)
    return _NOT_XML.sub("\ufffd", text)
