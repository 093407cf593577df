"""A client of server-sent events, as a browser's EventSource reads them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientResponse
from yarl import URL


@dataclass
class Message:
    """What a stream said; one without data only moved the last event id."""

    name: str
    data: Any
    id: str | None


class Stream:
    """An answer that goes on."""

    def __init__(self, response: ClientResponse) -> None:
        self.response = response
        self.last_event_id = ""
        self.comments: list[str] = []
        self.retry: int | None = None

    async def next(self) -> Message | None:
        """The next message with data; None at the end."""
        fields: dict[str, str] = {}
        async for raw in self.response.content:
            line = raw.decode().rstrip("\n")
            if line.startswith(":"):
                self.comments.append(line)
            elif line:
                name, _, value = line.partition(": ")
                fields[name] = value
            else:
                self.last_event_id = fields.get("id", self.last_event_id)
                self.retry = int(fields["retry"]) if "retry" in fields else self.retry
                if "data" in fields:
                    return Message(fields.get("event", "message"), json.loads(fields["data"]), fields.get("id"))
                fields = {}
        return None

    async def take(self, count: int) -> list[Message]:
        """So many messages."""
        async with asyncio.timeout(30):
            return [message for _ in range(count) if (message := await self.next()) is not None]

    async def ended(self) -> bool:
        """Whether it ends by itself."""
        async with asyncio.timeout(30):
            while await self.next() is not None:
                pass
        return True


@asynccontextmanager
async def following(api: Any, query: str = "", last_event_id: str | None = None) -> AsyncIterator[Stream]:
    """Follow the stream of events as the caller of `api`."""
    headers = {"Authorization": f"Bearer {api.token}"}
    if last_event_id is not None:
        headers["Last-Event-ID"] = last_event_id
    async with api.session.get(URL(f"{api.base}/v1/events{query}", encoded=True), headers=headers) as response:
        assert response.status == 200, await response.text()
        stream = Stream(response)
        first = await response.content.readuntil(b"\n\n")
        fields = dict(line.split(": ") for line in first.decode().strip().split("\n"))
        stream.retry, stream.last_event_id = int(fields["retry"]), fields["id"]
        yield stream
