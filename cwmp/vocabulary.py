"""Which names the XML parser is given to remember.

libxml2 keeps every name of an element, an attribute, a prefix or a namespace that it has ever seen for as long as the
thread lives. Gateways use a few hundred of them; somebody who makes up new ones in each message would make the daemon
grow without end. A message with names beyond a bounded vocabulary is therefore called strange, and is parsed in a
thread of its own, with which its names are forgotten. Nothing is refused here.

Looking costs half as much as parsing. A message is therefore looked at with a chance that grows with its size, and
each one for a while once a strange one was among them; a large one counts as strange without a look.
"""

import re
from collections.abc import Callable

_LARGE = 32 * 1024  # also what is remembered, in the mean, before a stream of strange messages is noticed
_WATCHFUL = 100_000  # messages that are looked at after a strange one
_MOST_ADMITTED = 4096
_LONGEST_NAME = 128
_MOST_VETTED = 4096

# Tags of every kind, and references, which have names as well.
_TAG = re.compile(rb"<[^!>][^<>]*|&[^;<\s]*")
_VALUE = re.compile(rb"""=\s*(?:"[^"]*"|'[^']*')""")
_NAME = re.compile(rb"""["'][^"']*["']|[^\s<>/?=:&"']+""")

# What the standard and the reader know. It is there from the beginning, so that nobody can crowd it out.
_WELL_KNOWN = frozenset(
    b"""
    xml version encoding standalone amp lt gt quot apos xmlns xsi xsd cwmp
    soap-env SOAP-ENV soapenv soap_env soap SOAP s e env soap-enc SOAP-ENC soapenc soap_enc enc ns1 ns2 ns3
    Envelope Header Body Fault faultcode faultstring faultactor detail mustUnderstand encodingStyle arrayType type
    ID HoldRequests SessionTimeout SupportedCWMPVersions UseCWMPVersion NoMoreRequests string
    Inform InformResponse DeviceId Manufacturer OUI ProductClass SerialNumber Event EventStruct EventCode CommandKey
    MaxEnvelopes CurrentTime RetryCount ParameterList ParameterValueStruct ParameterInfoStruct Name Value Writable
    GetRPCMethods GetRPCMethodsResponse MethodList SetParameterValues SetParameterValuesResponse ParameterKey Status
    GetParameterValues GetParameterValuesResponse ParameterNames GetParameterNames GetParameterNamesResponse
    ParameterPath NextLevel AddObject AddObjectResponse DeleteObject DeleteObjectResponse ObjectName InstanceNumber
    TransferComplete TransferCompleteResponse AutonomousTransferComplete AutonomousTransferCompleteResponse
    FaultStruct FaultCode FaultString SetParameterValuesFault ParameterName StartTime CompleteTime AnnounceURL
    TransferURL IsDownload FileType FileSize TargetFileName Kicked KickedResponse Command Referer Arg Next NextURL
    RequestDownload RequestDownloadResponse FileTypeArg ArgStruct DUStateChangeComplete DUStateChangeCompleteResponse
    AutonomousDUStateChangeComplete AutonomousDUStateChangeCompleteResponse Results UUID DeploymentUnitRef Version
    CurrentState Resolved ExecutionUnitRefList OperationPerformed
    """.split()
) | frozenset(
    b'"%b"' % uri
    for uri in (
        b"http://schemas.xmlsoap.org/soap/envelope/",
        b"http://schemas.xmlsoap.org/soap/encoding/",
        b"http://www.w3.org/2001/XMLSchema",
        b"http://www.w3.org/2001/XMLSchema-instance",
        b"urn:dslforum-org:cwmp-1-0",
        b"urn:dslforum-org:cwmp-1-1",
        b"urn:dslforum-org:cwmp-1-2",
        b"urn:dslforum-org:cwmp-1-3",
        b"urn:dslforum-org:cwmp-1-4",
    )
)


class Vocabulary:
    """The names of one process: the well-known ones, and as many others as there is room for."""

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._admitted: set[bytes] = set()
        self._vetted: set[bytes] = set()
        self._watchful = 0

    def is_strange(self, body: bytes) -> bool:
        """Tell whether the parser had better forget the names of this message."""
        if len(body) > _LARGE:
            return True
        if self._watchful:
            self._watchful -= 1
        elif self._random() * _LARGE >= len(body):
            return False
        if all(map(self._knows, set(_TAG.findall(body)) - self._vetted)):
            return False
        self._watchful = _WATCHFUL
        return True

    def _knows(self, tag: bytes) -> bool:
        """Take in the names of a tag while there is room. Values are no names, but the parser keeps those of xmlns."""
        names = _NAME.findall(tag if b"xmlns" in tag else _VALUE.sub(b" ", tag))
        if not all(map(self._admits, names)):
            return False
        if len(self._vetted) >= _MOST_VETTED:
            self._vetted.clear()  # only a shortcut: arrays of many lengths fill it up
        self._vetted.add(tag)
        return True

    def _admits(self, name: bytes) -> bool:
        if name in _WELL_KNOWN or name in self._admitted:
            return True
        if len(name) > _LONGEST_NAME or len(self._admitted) >= _MOST_ADMITTED:
            return False
        self._admitted.add(name)
        return True
