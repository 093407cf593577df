"""The reports of a gateway, by HTTP bulk data (TR-069 Annex N): to every enabled profile that has a URL.

A gateway whose URL came in one parameter of its own reports there. What it says of itself in the query is who it is.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

from acs_bridge.simulator.data_model import CpeFault, DataModel
from acs_bridge.simulator.line import Endpoint, Line, LineError
from acs_bridge.simulator.login import Login
from acs_bridge.simulator.models import PLAIN_PARAMETER
from acs_bridge.simulator.surroundings import Surroundings
from cwmp.bulkdata import Form, Record, Report, write
from cwmp.messages import DeviceId

PLAIN_SECONDS: Final = 900
"""How often a gateway reports that was told nothing but a URL."""

_PROFILES: Final = "Device.BulkData.Profile."
_CHALLENGED: Final = 401
_TRUE: Final = ("1", "true")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a gateway reports, how, and what it shows there."""

    url: str = field(repr=False)
    form: Form = Form.OBJECT_HIERARCHY
    seconds: int = PLAIN_SECONDS
    """Between two reports."""
    username: str = ""
    password: str = field(default="", repr=False)


def places(model: DataModel) -> tuple[Place, ...]:
    """Where it reports; nowhere, until it has a URL."""
    found = tuple(_profiles(model))
    if found:
        return found
    name = model.schema.root + PLAIN_PARAMETER
    url = model.value(name) if model.has(name) else ""
    return (Place(url, Form.NAME_VALUE_PAIR),) if url else ()


def _profiles(model: DataModel) -> Iterator[Place]:
    try:
        instances = model.get_names(_PROFILES, next_level=True)
    except CpeFault:  # it has no bulk data
        return
    for instance in (each.name for each in instances):
        if instance == _PROFILES or model.value(f"{instance}Enable") not in _TRUE:
            continue
        url, *pair = (model.value(f"{instance}HTTP.{name}") for name in ("URL", "Username", "Password"))
        if url:
            form = Form(model.value(f"{instance}JSONEncoding.ReportFormat"))
            yield Place(url, form, int(model.value(f"{instance}ReportingInterval")), *pair)


async def report(model: DataModel, identity: DeviceId, around: Surroundings) -> tuple[int, ...]:
    """Report once to each place; the status of each answer. Raises LineError, which shows no URL."""
    now = around.clock()
    names = ("DeviceInfo.SoftwareVersion", "DeviceInfo.SerialNumber")
    values = {model.schema.root + name: model.value(model.schema.root + name) for name in names}
    record = Record(now, values)
    return tuple([await _send(place, record, identity, around) for place in places(model)])


async def _send(place: Place, record: Record, identity: DeviceId, around: Surroundings) -> int:
    query = urlencode({"oui": identity.oui, "pc": identity.product_class, "sn": identity.serial_number})
    try:
        line = Line(Endpoint.of(f"{place.url}?{query}"), around.tls)
    except ValueError:
        raise LineError("it was told to report to what is no http or https URL") from None
    try:
        async with asyncio.timeout(around.answer_seconds):
            return await _post(line, place, record, around)
    except TimeoutError as error:
        raise LineError("no answer to a report") from error
    finally:
        line.close()


async def _post(line: Line, place: Place, record: Record, around: Surroundings) -> int:
    body, headers = write(Report(place.form, (record,), is_timed=True))
    login = Login(place.username, place.password, around.new_cnonce)
    response = await line.post(body, headers.items())
    if response.status == _CHALLENGED and login.challenged(response.every("www-authenticate"), encrypted=line.tls):
        shown = login.authorization(line.target, preemptive=False) or ""
        response = await line.post(body, [*headers.items(), ("Authorization", shown)])
    return response.status
