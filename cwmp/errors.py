"""What can go wrong between two sides of CWMP, and who erred.

An error carries what the driver needs to answer it, and never a value that the other side sent.
"""

# The newest namespace that every CPE of CWMP 1.2 and later knows; answers go out in it when the CPE's own is unusable.
NEWEST_NAMESPACE = "urn:dslforum-org:cwmp-1-2"

# TR-069 A.5.2, as far as this package itself raises them.
INVALID_ARGUMENTS = 8003
RESOURCES_EXCEEDED = 8004
INCOMPATIBLE_VERSION = 8006


class ProtocolError(Exception):
    """Something that CWMP does not allow."""


class LocalProtocolError(ProtocolError):
    """We were about to say something that CWMP does not allow here."""


class RemoteProtocolError(ProtocolError):
    """The other side said something that CWMP does not allow here.

    Where `answerable`, a request was recognised: answer Fault `fault` with `request_id` in `namespace`, with HTTP 200.
    Otherwise there is nothing that a Fault could answer (responses, faults and noise): HTTP 400.
    """

    def __init__(
        self,
        reason: str,
        *,
        fault: int = INVALID_ARGUMENTS,
        method: str | None = None,
        request_id: str | None = None,
        namespace: str = NEWEST_NAMESPACE,
    ) -> None:
        super().__init__(reason)
        self.fault = fault
        self.method = method
        self.request_id = request_id
        self.namespace = namespace

    @property
    def answerable(self) -> bool:
        """Whether a Fault may answer it: only a request is ever answered with one."""
        return self.method is not None and self.method != "Fault" and not self.method.endswith("Response")


class MalformedMessage(RemoteProtocolError):
    """The bytes are no message of CWMP."""


class TooLarge(MalformedMessage):
    """The message is larger than we are prepared to take in: in bytes, elements or attributes."""
