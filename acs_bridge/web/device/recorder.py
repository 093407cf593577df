"""Records the messages of a session that somebody looks at: request and response, without their secrets."""

from aiohttp import web

from acs_bridge.domain import transcript
from acs_bridge.domain.clock import Clock
from acs_bridge.domain.transcript import Direction, Entry
from acs_bridge.services.session.transcripts import Transcripts
from acs_bridge.web.device import body
from acs_bridge.web.device.answer import Answer
from acs_bridge.web.device.fields import Fields
from acs_bridge.web.device.ticket import Ticket


class Recorder:
    """Adds one exchange after the other to a transcript."""

    def __init__(self, transcripts: Transcripts, clock: Clock) -> None:
        self._transcripts = transcripts
        self._clock = clock

    async def exchange(
        self,
        session: Ticket,
        fields: Fields,
        content: bytes,
        answer: Answer,
        refusal: str | None,
    ) -> None:
        """Take down a request, of which `content` is the body, and its answer; `refusal` is why, in our words."""
        at = transcript.moment(self._clock())
        charset = body.charset(fields.content_type)
        message = transcript.shown(_inflated(content, fields.coding), charset)
        notes = (
            f"mended: {', '.join(message.repairs)}" if message.repairs else "",
            f"refused: {refusal}" if refusal else "",
        )
        received = Entry(
            at,
            session.session_number,
            Direction.RECEIVED,
            None,
            len(content),
            transcript.headers(fields.headers.items()),
            message.name,
            "; ".join(filter(None, notes)) or None,
            message.lines,
        )
        said = answer.content
        shown = transcript.shown(said) if said[:1] == b"<" else transcript.NOTHING  # else words of ours, for people
        sent = Entry(
            at,
            session.session_number,
            Direction.SENT,
            answer.status,
            len(said),
            transcript.headers(answer.fields()),
            shown.name,
            None,
            shown.lines,
        )
        await self._transcripts.keep(session.gateway_id, (received, sent))


def _inflated(content: bytes, coding: str) -> bytes:
    """What cannot be inflated is shown as what it is: bytes that are no XML."""
    try:
        return body.inflated(content, coding)
    except web.HTTPException:
        return content
