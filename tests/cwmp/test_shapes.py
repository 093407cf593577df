"""Messages of a shape that is known mean what they mean to the parser, whatever their texts are."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwmp import envelope as envelopes
from cwmp.envelope import read, write
from cwmp.errors import RemoteProtocolError
from cwmp.limits import DEFAULT, Limits
from cwmp.messages import GetParameterValuesResponse, ParameterValueStruct, SetParameterValuesResponse
from cwmp.shapes import Shapes
from tests.cwmp.samples import INFORM, MESSAGES, NAMESPACE, envelope, inform_bytes, inform_with
from tests.cwmp.strategies import INFORMS, PARAMETERS, tuples

# Other limits of the same size: nothing is remembered for them, so that each message is parsed.
ANEW = Limits()
TEXTS = re.compile(rb">([^<]*)<")
SHAPED = (
    inform_bytes(),
    inform_bytes(session_timeout=30, supported_versions=("1.0", "1.4"), hold_requests=False),
    inform_with("<OUI>a</OUI><OUI>00005E</OUI><serialNumber>S</serialNumber><X><OUI>y</OUI></X>"),
    inform_with(
        rest="<Event><EventCode>1 BOOT</EventCode><EventStruct/><EventStruct><EventCode/></EventStruct></Event>"
    ),
    inform_with(
        rest="<ParameterList><A><Name>n</Name></A><A><Value>v</Value></A><A>t<Name>m</Name>u</A></ParameterList>"
    ),
    inform_with(
        rest="<MaxEnvelopes>2<a/>3</MaxEnvelopes>", header="<c:ID>4</c:ID><c:NoMoreRequests>0</c:NoMoreRequests>"
    ),
    write(SetParameterValuesResponse(1), namespace=NAMESPACE, id="x"),
    write(GetParameterValuesResponse((ParameterValueStruct("a", "b"),)), namespace=NAMESPACE, id="x"),
    *(path.read_bytes() for path in sorted(MESSAGES.glob("*.xml"))),
)


def meaning(body, charset, limits):
    try:
        return read(body, charset=charset, limits=limits)
    except RemoteProtocolError as error:
        return str(error), error.fault, error.request_id, error.namespace


def parsed(body, charset=None):
    return meaning(body, charset, ANEW)


def shaped(body, charset=None):
    """As whoever has seen the shape often enough reads it."""
    for _ in range(2):
        meaning(body, charset, DEFAULT)
    return meaning(body, charset, DEFAULT)


def is_known(body):
    shaped(body)
    return envelopes._shapes.read(body, None, []) is not None


@pytest.mark.parametrize("body", SHAPED)
def test_a_message_means_the_same_however_often_its_shape_came(body):
    assert shaped(body) == parsed(body)


@given(st.sampled_from(SHAPED), st.data())
def test_other_texts_mean_what_they_mean_to_the_parser(body, data):
    shaped(body)
    texts = st.sampled_from(["", " ", "0", "1", "17", " 3\n", "a>b", "]]>", "&amp;", "&#49;", "é", "\r\n", "\x01"])
    chosen = data.draw(st.lists(texts | st.text(max_size=8), min_size=1, max_size=40))
    drawn = iter(chosen * 40)

    def other(found):
        return b">" + next(drawn).replace("<", "").encode("utf-8", "replace") + b"<" if found[1].strip() else found[0]

    changed = TEXTS.sub(other, body)
    assert shaped(changed) == parsed(changed)


@given(INFORMS)
def test_an_inform_is_read_as_it_was_written(message):
    body = write(message, namespace=NAMESPACE, id="1")
    assert shaped(body) == parsed(body)


@given(tuples(PARAMETERS))
def test_values_are_read_as_they_were_written(parameters):
    body = write(GetParameterValuesResponse(parameters), namespace=NAMESPACE, id="1")
    assert shaped(body) == parsed(body)


def test_what_gateways_say_every_day_is_not_parsed_again():
    assert is_known(inform_bytes())
    assert is_known(write(SetParameterValuesResponse(0), namespace=NAMESPACE, id="1"))
    assert is_known(inform_bytes().replace(b"<s", b"\n  <s").replace(b"</s", b"\n</s"))
    assert is_known(b'<?xml version="1.0" encoding="UTF-8"?>\n' + inform_bytes())


@pytest.mark.parametrize(
    "body",
    [
        inform_with(rest="<!-- >a< -->"),
        inform_with(rest="<X><![CDATA[>a<]]></X>"),
        inform_with(rest="<?x >a<?>"),
        inform_with("<OUI>00005E</OUI><SerialNumber>&#49;</SerialNumber>"),
        inform_with("<OUI>00005E</OUI><SerialNumber></SerialNumber>"),
        inform_with("<OUI>00005E</OUI><SerialNumber>a>b</SerialNumber>"),
        inform_with("<OUI>00005E</OUI><SerialNumber x='>'>b</SerialNumber>"),
        envelope("<c:Kicked><Command>x</Command></c:Kicked>"),
        inform_bytes()[:-1],
        b'<!DOCTYPE x [<!ENTITY a "b">]>' + inform_bytes(),
    ],
)
def test_what_is_not_ordinary_is_always_parsed(body):
    assert not is_known(body)
    assert shaped(body) == parsed(body)


def test_another_charset_is_another_message():
    body = inform_bytes()
    shaped(body)
    assert shaped(body, "utf-16") == parsed(body, "utf-16")
    assert shaped(body, "no-such") == parsed(body, "no-such")


def test_what_is_remembered_is_bounded():  # SEC-02
    shapes = Shapes(envelopes._find)
    for number in range(1100):
        body = inform_with(rest=f"<x{number}/>")
        assert shapes.read(body, None, []) is None
        shapes.read(body, None, [])
        assert shapes.size <= 1024
    assert shapes.read(inform_bytes(), None, []) is None
    shapes.read(inform_bytes(), None, [])
    found = shapes.read(inform_bytes(), None, [])
    assert found is not None
    assert found[2] == INFORM


def test_a_long_message_is_parsed():
    assert not is_known(inform_with(rest=f"<X>{'x' * 20_000}</X>"))
    assert DEFAULT.body > 20_000
