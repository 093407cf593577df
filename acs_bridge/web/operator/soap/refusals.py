"""What is wrong with a message before any service is asked, each with its fault code (SOAP 1.1, 4.4.1)."""

from typing import ClassVar

from acs_bridge.errors import AcsBridgeError


class MessageRefused(AcsBridgeError):
    """A message that no operation will see; as a fault, HTTP says 500 (WS-I Basic Profile 1.1, R1126)."""

    status = 500
    title = "The message is no request of this service"
    faultcode: ClassVar[str] = "Client"
    code: ClassVar[str] = "InvalidMessage"


class UnreadableMessage(MessageRefused):
    """A body that is no XML which may be looked at."""

    status = 400
    title = "The message cannot be read"


class NotThatVersion(MessageRefused):
    """An envelope of another SOAP than 1.1."""

    title = "This service speaks SOAP 1.1"
    faultcode = "VersionMismatch"
    code = "VersionMismatch"


class HeaderNotUnderstood(MessageRefused):
    """A header that must be understood, and is not."""

    title = "The message has a header that must be understood, and is not"
    faultcode = "MustUnderstand"
    code = "MustUnderstand"


class UnknownOperation(MessageRefused):
    """A body that asks for something that the WSDL does not have."""

    title = "There is no such operation"
    code = "UnknownOperation"
