"""The queue at a glance: writes by state, now and in the last hour, what holds them back, and each of them."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from pydantic import ValidationError

from acs_bridge.domain.write import CANCELLABLE, RETRYABLE, WriteState
from acs_bridge.errors import InvalidInput
from acs_bridge.services.pages import Page as Turned
from acs_bridge.services.queue.history import History
from acs_bridge.services.queue.queue import Queue
from acs_bridge.services.queue.writes import SeenWrite, Writes
from acs_bridge.web.operator.console.registry import Entry, Outcome, Page, Redirect, View, Visit
from acs_bridge.web.operator.models.queue import WriteQuery
from acs_bridge.web.operator.problems import invalid_query
from cwmp.faults import fault_code

PATH: Final = "/queue"
FIELDS: Final = ("state", "line_of_service", "subscriber_code", "serial_number", "profile", "fault", "batch", "cursor")


class QueuePage:
    """What the queue is doing, and why any line is not provisioned yet."""

    def __init__(self, queue: Queue, writes: Writes, history: History) -> None:
        self._queue = queue
        self._writes = writes
        self._history = history

    def table(self) -> tuple[Page, ...]:
        """Say what there is."""
        return (
            Page("/", "queue.title", self.begin),
            Page(PATH, "queue.title", self.show, entry=Entry("navigation.queue")),
        )

    async def begin(self, _: Visit) -> Outcome:
        """Begin here."""
        return Redirect(PATH)

    async def show(self, visit: Visit) -> Outcome:
        """Show it, with the writes that are asked for."""
        asked = {name: text for name in FIELDS if (text := visit.query.get(name, "").strip())}
        errors: dict[str, str] = {}
        page: Turned[SeenWrite] = Turned([], None)
        try:
            query = _read(asked)
            page = await self._writes.page(query.ask, query.question)
        except InvalidInput as error:
            errors = {each.field: each.message for each in error.errors}
        shown = {
            "overview": await self._queue.overview(),
            "hour": await self._history.hour(),
            "faults": await self._history.faults(),
            "fault_code": fault_code,
            "asked": asked,
            "errors": errors,
            "writes": page.items,
            "next": None if page.next is None else _address({**asked, "cursor": page.next}),
            "newest": _address({name: text for name, text in asked.items() if name != "cursor"}),
            "states": list(WriteState),
            "retryable": RETRYABLE,
            "cancellable": CANCELLABLE,
        }
        return View("queue.html", shown)


def _read(asked: Mapping[str, str]) -> WriteQuery:
    try:
        return WriteQuery.model_validate(asked)
    except ValidationError as error:
        raise invalid_query(error, FIELDS) from None


def _address(asked: Mapping[str, str]) -> str:
    return f"{PATH}?{urlencode(asked)}" if asked else PATH
