"""`/v1/gateways/{id}/transcript`: for Admins, because it tells what a gateway is and does."""

from http import HTTPStatus

from acs_bridge.services.session.transcripts import Transcripts
from acs_bridge.web.operator.models.base import NoBody, NoQuery
from acs_bridge.web.operator.models.transcripts import NewTranscript, TranscriptAnswer, in_words
from acs_bridge.web.operator.registry import ADMINS, Answer, AnyRoute, Call, Route
from acs_bridge.web.operator.routes.places import number_in, place

_WHAT = "gateway"


class TranscriptRoutes:
    """Transcripts over HTTP."""

    def __init__(self, transcripts: Transcripts) -> None:
        self._transcripts = transcripts

    def table(self) -> tuple[AnyRoute, ...]:
        """Say what is served."""
        path, unknown = "/v1/gateways/{id}/transcript", (HTTPStatus.NOT_FOUND,)
        return (
            Route(
                "POST",
                path,
                self.start_transcript,
                "Record the next sessions of a gateway, without secrets; of one gateway at a time",
                ADMINS,
                {HTTPStatus.CREATED: TranscriptAnswer},
                body=NewTranscript,
                body_optional=True,
                refusals=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
            ),
            Route(
                "GET",
                path,
                self.show_transcript,
                "Show what was recorded",
                ADMINS,
                {HTTPStatus.OK: TranscriptAnswer},
                refusals=unknown,
                in_text=True,
            ),
            Route(
                "DELETE",
                path,
                self.delete_transcript,
                "Stop recording, and forget what was recorded",
                ADMINS,
                {HTTPStatus.NO_CONTENT: None},
                refusals=unknown,
            ),
        )

    async def start_transcript(self, call: Call[NoQuery, NewTranscript]) -> Answer:
        """Begin one."""
        gateway_id = number_in(call.path["id"], _WHAT)
        found = await self._transcripts.start(gateway_id, call.body.sessions, call.body.lasting, call.actor)
        location = f"{place('gateways', gateway_id)}/transcript"
        return Answer(TranscriptAnswer.of(found), HTTPStatus.CREATED, location)

    async def show_transcript(self, call: Call[NoQuery, NoBody]) -> Answer:
        """Show it."""
        found = await self._transcripts.find(number_in(call.path["id"], _WHAT), call.actor)
        return Answer(TranscriptAnswer.of(found), text=in_words(found))

    async def delete_transcript(self, call: Call[NoQuery, NoBody]) -> Answer:
        """Take it away."""
        await self._transcripts.delete(number_in(call.path["id"], _WHAT), call.actor)
        return Answer(status=HTTPStatus.NO_CONTENT)
