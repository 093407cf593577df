"""The queue at a glance."""

from acs_bridge.services.queue import Queue
from acs_bridge.web.operator.console.registry import Entry, Outcome, Page, Redirect, View, Visit

PATH = "/queue"


class QueuePage:
    """What the queue is doing."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def table(self) -> tuple[Page, ...]:
        """Say what there is."""
        return (
            Page("/", "queue.title", self.begin),
            Page(PATH, "queue.title", self.show, entry=Entry("navigation.queue")),
        )

    async def begin(self, _: Visit) -> Outcome:
        """Begin here."""
        return Redirect(PATH)

    async def show(self, _: Visit) -> Outcome:
        """Show it."""
        return View("queue.html", {"overview": await self._queue.overview()})
