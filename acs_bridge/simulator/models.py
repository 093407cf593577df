"""The two data models that the simulated gateways have: TR-181 (`Device.`) and TR-098 (`InternetGatewayDevice.`).

Only what provisioning meets: identity, the management server, bulk data and the parameter of the packaged plain
profiles. Types, lengths and defaults follow the data models; where TR-098 has no HTTP bulk data, neither has ours.
"""

from collections.abc import Iterator
from typing import Final

from acs_bridge.simulator.schema import (
    BOOLEAN,
    DATE_TIME,
    INT,
    STRING,
    UNSIGNED,
    ParameterSpec,
    Schema,
    TableSpec,
)

DEVICE_ROOT: Final = "Device."
IGD_ROOT: Final = "InternetGatewayDevice."
PLAIN_PARAMETER: Final = "X_ACSBRIDGE_HomeAnalytics.URL"
"""The parameter of the packaged plain profiles, below either root."""

PERIODIC_INFORM_SECONDS: Final = "86400"
UNKNOWN_TIME: Final = "0001-01-01T00:00:00Z"

_SHORT = 64
_LONG = 256
_PROFILE_NAME = 255
_URL = 1024  # BulkData HTTP.URL of Device:2.10 to 2.13
_MAX_PROFILES = 4
_MAX_REFERENCES = 64
_MAX_UINT16 = 65535
_MIN_MULTIPLIER = 1000
_DAY = "86400"


def _read(path: str, default: str = "", type: str = STRING) -> ParameterSpec:
    return ParameterSpec(path, type, default=default)


def _text(path: str, max_length: int, default: str = "", *, hidden: bool = False) -> ParameterSpec:
    return ParameterSpec(path, STRING, writable=True, default=default, max_length=max_length, hidden=hidden)


def _switch(path: str, default: str = "0") -> ParameterSpec:
    return ParameterSpec(path, BOOLEAN, writable=True, default=default)


def _count(path: str, default: str, minimum: int = 0, maximum: int | None = None) -> ParameterSpec:
    return ParameterSpec(path, UNSIGNED, writable=True, default=default, minimum=minimum, maximum=maximum)


def _one_of(path: str, *allowed: str) -> ParameterSpec:
    """Take the first of `allowed` as the default."""
    return ParameterSpec(path, STRING, writable=True, default=allowed[0], allowed=allowed)


def _device_info(root: str) -> Iterator[ParameterSpec]:
    info = root + "DeviceInfo."
    yield _read(info + "Manufacturer")
    yield _read(info + "ManufacturerOUI")
    yield _read(info + "ModelName", "Simulated Gateway")
    yield _read(info + "ProductClass")
    yield _read(info + "SerialNumber")
    yield _read(info + "HardwareVersion", "rev-A")
    yield _read(info + "SoftwareVersion", "1.0.0")
    yield _text(info + "ProvisioningCode", _SHORT)
    yield _read(info + "UpTime", "0", UNSIGNED)


def _management_server(root: str) -> Iterator[ParameterSpec]:
    server = root + "ManagementServer."
    yield _text(server + "URL", _LONG)
    yield _text(server + "Username", _LONG)
    yield _text(server + "Password", _LONG, hidden=True)
    yield _switch(server + "PeriodicInformEnable", "1")
    yield _count(server + "PeriodicInformInterval", PERIODIC_INFORM_SECONDS, minimum=1)
    yield ParameterSpec(server + "PeriodicInformTime", DATE_TIME, writable=True, default=UNKNOWN_TIME)
    yield _read(server + "ParameterKey")
    yield _read(server + "ConnectionRequestURL")
    yield _text(server + "ConnectionRequestUsername", _LONG)
    yield _text(server + "ConnectionRequestPassword", _LONG, hidden=True)
    yield _switch(server + "UpgradesManaged")
    yield _count(server + "CWMPRetryMinimumWaitInterval", "5", minimum=1, maximum=_MAX_UINT16)
    yield _count(server + "CWMPRetryIntervalMultiplier", "2000", minimum=_MIN_MULTIPLIER, maximum=_MAX_UINT16)
    yield _read(server + "AliasBasedAddressing", "0", BOOLEAN)


def _bulk_data() -> Iterator[ParameterSpec]:
    bulk = "Device.BulkData."
    yield _switch(bulk + "Enable")
    yield ParameterSpec(bulk + "Status", enabled_by=bulk + "Enable")
    yield _read(bulk + "MinReportingInterval", "0", UNSIGNED)
    yield _read(bulk + "Protocols", "HTTP")
    yield _read(bulk + "EncodingTypes", "JSON,CSV")
    yield _read(bulk + "ParameterWildCardSupported", "1", BOOLEAN)
    yield _read(bulk + "MaxNumberOfProfiles", str(_MAX_PROFILES), INT)
    yield _read(bulk + "MaxNumberOfParameterReferences", str(_MAX_REFERENCES), INT)
    yield _read(bulk + "ProfileNumberOfEntries", "0", UNSIGNED)
    yield from _bulk_profile(bulk + "Profile.{i}.")


def _bulk_profile(profile: str) -> Iterator[ParameterSpec]:
    yield _switch(profile + "Enable")
    yield _text(profile + "Alias", _SHORT)
    yield _text(profile + "Name", _PROFILE_NAME)
    yield ParameterSpec(profile + "NumberOfRetainedFailedReports", INT, writable=True, default="0", minimum=-1)
    yield _one_of(profile + "Protocol", "HTTP", "Streaming", "File")
    yield _one_of(profile + "EncodingType", "JSON", "CSV")
    yield _count(profile + "ReportingInterval", _DAY, minimum=1)
    yield ParameterSpec(profile + "TimeReference", DATE_TIME, writable=True, default=UNKNOWN_TIME)
    yield _read(profile + "ParameterNumberOfEntries", "0", UNSIGNED)
    yield _text(profile + "Parameter.{i}.Name", _SHORT)
    yield _text(profile + "Parameter.{i}.Reference", _LONG)
    yield _one_of(profile + "CSVEncoding.ReportFormat", "ParameterPerColumn", "ParameterPerRow")
    yield _one_of(profile + "CSVEncoding.RowTimestamp", "Unix-Epoch", "ISO-8601", "None")
    yield _one_of(profile + "JSONEncoding.ReportFormat", "ObjectHierarchy", "NameValuePair")
    yield _one_of(profile + "JSONEncoding.ReportTimestamp", "Unix-Epoch", "ISO-8601", "None")
    yield from _bulk_http(profile + "HTTP.")


def _bulk_http(http: str) -> Iterator[ParameterSpec]:
    yield _text(http + "URL", _URL)
    yield _text(http + "Username", _LONG)
    yield _text(http + "Password", _LONG, hidden=True)
    yield _read(http + "CompressionsSupported", "GZIP")
    yield _one_of(http + "Compression", "None", "GZIP")
    yield _read(http + "MethodsSupported", "POST,PUT")
    yield _one_of(http + "Method", "POST", "PUT")
    yield _switch(http + "UseDateHeader", "1")
    yield _switch(http + "RetryEnable")
    yield _count(http + "RetryMinimumWaitInterval", "5", minimum=1, maximum=_MAX_UINT16)
    yield _count(http + "RetryIntervalMultiplier", "2000", minimum=_MIN_MULTIPLIER, maximum=_MAX_UINT16)
    yield _read(http + "RequestURIParameterNumberOfEntries", "0", UNSIGNED)
    yield _text(http + "RequestURIParameter.{i}.Name", _SHORT)
    yield _text(http + "RequestURIParameter.{i}.Reference", _LONG)


def _home_analytics(root: str) -> ParameterSpec:
    return _text(root + PLAIN_PARAMETER, _LONG)


_IGD_ADDRESS = IGD_ROOT + "WANDevice.1.WANConnectionDevice.1.WANIPConnection.1.ExternalIPAddress"

TR181: Final = Schema.of(
    DEVICE_ROOT,
    [
        _read(DEVICE_ROOT + "RootDataModelVersion", "2.13"),
        *_device_info(DEVICE_ROOT),
        *_management_server(DEVICE_ROOT),
        *_bulk_data(),
        _home_analytics(DEVICE_ROOT),
    ],
    [
        TableSpec("Device.BulkData.Profile.", _MAX_PROFILES),
        TableSpec("Device.BulkData.Profile.{i}.Parameter.", _MAX_REFERENCES),
        TableSpec("Device.BulkData.Profile.{i}.HTTP.RequestURIParameter.", _MAX_REFERENCES),
    ],
    [
        "Device.RootDataModelVersion",
        "Device.DeviceInfo.HardwareVersion",
        "Device.DeviceInfo.SoftwareVersion",
        "Device.DeviceInfo.ProvisioningCode",
        "Device.ManagementServer.ParameterKey",
        "Device.ManagementServer.ConnectionRequestURL",
        "Device.ManagementServer.AliasBasedAddressing",
    ],
)

TR098: Final = Schema.of(
    IGD_ROOT,
    [
        _read(IGD_ROOT + "DeviceSummary", "InternetGatewayDevice:1.4[](Baseline:1)"),
        _read(IGD_ROOT + "DeviceInfo.SpecVersion", "1.0"),
        *_device_info(IGD_ROOT),
        *_management_server(IGD_ROOT),
        _read(_IGD_ADDRESS),
        _home_analytics(IGD_ROOT),
    ],
    [],
    [
        IGD_ROOT + "DeviceSummary",
        IGD_ROOT + "DeviceInfo.SpecVersion",
        IGD_ROOT + "DeviceInfo.HardwareVersion",
        IGD_ROOT + "DeviceInfo.SoftwareVersion",
        IGD_ROOT + "DeviceInfo.ProvisioningCode",
        IGD_ROOT + "ManagementServer.ParameterKey",
        IGD_ROOT + "ManagementServer.ConnectionRequestURL",
        _IGD_ADDRESS,
    ],
)

SCHEMAS: Final = {DEVICE_ROOT: TR181, IGD_ROOT: TR098}
