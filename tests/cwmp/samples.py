"""Messages and their bytes, as the tests of the reader need them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from cwmp import envelope as _envelope
from cwmp.envelope import write
from cwmp.messages import DeviceId, EventStruct, Inform, ParameterValueStruct

read: Callable[..., Any] = _envelope.read
"""The reader, for tests that know which message they will get."""

MESSAGES = Path(__file__).parent / "messages"

NAMESPACE = "urn:dslforum-org:cwmp-1-2"
INFORM = Inform(
    DeviceId("Example", "00005E", "GW-1", "S-0001"),
    (EventStruct("0 BOOTSTRAP"), EventStruct("M Download", "firmware-7")),
    tuple(ParameterValueStruct(f"Device.DeviceInfo.Thing{number}", f"value {number}") for number in range(10)),
    1,
    "2026-03-01T10:00:00Z",
    0,
)


def inform_bytes(**headers) -> bytes:
    return write(INFORM, namespace=NAMESPACE, **({"id": "1"} | headers))


def envelope(content: str, header: str = "", namespace: str = NAMESPACE) -> bytes:
    """An envelope written by hand around what a test is about."""
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        f' xmlns:c="{namespace}">{header and f"<s:Header>{header}</s:Header>"}<s:Body>{content}</s:Body></s:Envelope>'
    ).encode()


def inform_with(
    device: str = "<OUI>00005E</OUI><SerialNumber>S</SerialNumber>", rest: str = "", header: str = ""
) -> bytes:
    return envelope(f"<c:Inform><DeviceId>{device}</DeviceId>{rest}</c:Inform>", header)
