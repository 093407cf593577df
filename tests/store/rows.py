"""Rows that several tests begin with."""

from acs_bridge.store.sessions import InformRow

INFORM = InformRow(
    serial_number="S1",
    oui="00005E",
    product_class="GW",
    manufacturer="Example",
    hardware_version="h",
    software_version="1.0",
    root="Device.",
    provisioning_code="",
    parameter_key="",
    connection_request_url="http://192.0.2.1/",
    cwmp_namespace="urn:dslforum-org:cwmp-1-2",
    profile="plain",
    address="192.0.2.1",
    events=("2 PERIODIC",),
    booted=False,
    periodic=True,
    believed=True,
)
