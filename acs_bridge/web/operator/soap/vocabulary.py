"""Names of SOAP's side: namespaces, and how the names of `/v1` are spelled in XML."""

import re
from typing import Final

NAMESPACE: Final = "urn:acs-bridge:provisioning:1"
ENVELOPE: Final = "http://schemas.xmlsoap.org/soap/envelope/"
ENVELOPE_12: Final = "http://www.w3.org/2003/05/soap-envelope"
INSTANCE: Final = "http://www.w3.org/2001/XMLSchema-instance"
NEXT_ACTOR: Final = "http://schemas.xmlsoap.org/soap/actor/next"
MEDIA_TYPE: Final = "text/xml"
MEDIA_TYPE_12: Final = "application/soap+xml"
PATH: Final = "/soap/provisioning"
FAULT: Final = "ProvisioningFault"

_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


def element_name(name: str) -> str:
    """Give `line_of_service` as `LineOfService`, and `subscriber.code` as `Subscriber.Code`."""
    return ".".join("".join(word[:1].upper() + word[1:] for word in part.split("_")) for part in name.split("."))


def field_name(name: str) -> str:
    """Give `LineOfService` as `line_of_service`."""
    return _CAPITAL.sub("_", name).lower()
