"""One session's exchanges on the wire: POSTs, the challenge, the cookie, and which answer may follow what was said.

It ends by raising `SessionEnded` as soon as the session cannot go on; it never tries again, except where the ACS asks
for the same message once more (Fault 8005). What is said is up to the gateway.
"""

import asyncio
from itertools import count

from acs_bridge.simulator.behaviour import Behaviour
from acs_bridge.simulator.line import Endpoint, HttpResponse, Line, LineError
from acs_bridge.simulator.login import Login
from acs_bridge.simulator.report import Outcome
from acs_bridge.simulator.surroundings import Surroundings
from cwmp.envelope import read, write
from cwmp.errors import RemoteProtocolError
from cwmp.messages import CpeRequest, Fault, Inform, Message
from cwmp.session import Role, Session

OK = 200
NO_CONTENT = 204
UNAUTHORIZED = 401
RETRY_REQUEST = 8005
_MAX_RETRIES = 5  # as common CPE software has it
_XML = (("Content-Type", "text/xml; charset=utf-8"), ("SOAPAction", ""))


class SessionEnded(Exception):
    """The session cannot go on; the report says so in the same words."""

    def __init__(self, outcome: Outcome, error: str) -> None:
        """`error` is one of few texts, so that a fleet can count how often each one came."""
        super().__init__(f"{outcome}: {error}")
        self.outcome = outcome
        self.error = error


class Conversation:
    """What a gateway and an ACS say to each other in one session."""

    def __init__(self, url: str, login: Login, behaviour: Behaviour, surroundings: Surroundings, cookie: str) -> None:
        """`cookie` is what the gateway still has from before, if it is one that keeps it."""
        self.cookie = cookie
        self.exchanges = 0
        self._answers = 0  # to what was said: challenges do not count
        self._url = url
        self._login = login
        self._behaviour = behaviour
        self._surroundings = surroundings
        self._line: Line | None = None
        self._law = Session(role=Role.CPE)
        self._ids = count(1)
        self._asked_id: str | None = None

    async def inform(self, inform: Inform) -> None:
        """Open the session; return when the ACS has answered with an InformResponse."""
        if self._behaviour.probes_first:
            self._is_challenged(await self._post(b""))
        await self.ask(inform)

    async def ask(self, request: Inform | CpeRequest) -> None:
        """Say a request of the gateway's own, and take its response."""
        id = str(next(self._ids))
        answer = await self._exchange(request, id)
        for _ in range(_MAX_RETRIES):
            if not (isinstance(answer, Fault) and answer.code == RETRY_REQUEST):
                break
            answer = await self._exchange(request, id)  # the same message with the same ID (S-25)
        if isinstance(answer, Fault) and isinstance(request, Inform):
            raise SessionEnded(Outcome.ACS_FAULT, f"{answer.code} in answer to the Inform")

    async def say(self, message: Message) -> Message:
        """Say what gives the ACS its turn; return its next request, or an EmptyPost when it is done."""
        return await self._exchange(message, self._asked_id)

    def close(self) -> None:
        """End the connection."""
        if self._line is not None:
            self._line.close()

    async def _exchange(self, message: Message, id: str | None) -> Message:
        if isinstance(message, Inform):
            self._law = Session(role=Role.CPE)
        self._law.send(message, id)
        response = await self._authenticated(self._written(message, id))
        self._answers += 1
        if self._behaviour.drop_on_answer == self._answers:
            raise SessionEnded(Outcome.DROPPED, "on an answer")
        if isinstance(message, Inform):
            self._keep_cookie(response)
        return self._taken(response)

    def _written(self, message: Message, id: str | None) -> bytes:
        behaviour = self._behaviour
        if isinstance(message, Inform):  # the version headers travel with it alone (TR-069 3.7.4)
            return write(
                message,
                namespace=behaviour.namespace,
                id=id,
                session_timeout=behaviour.session_timeout,
                supported_versions=behaviour.supported_versions,
            )
        return write(message, namespace=behaviour.namespace, id=id)

    def _taken(self, response: HttpResponse) -> Message:
        """Read what the ACS said, if the law of the session allows it now."""
        try:
            envelope = read(response.body)
            self._law.receive(envelope.message, envelope.header.id)
        except RemoteProtocolError as error:
            raise SessionEnded(Outcome.PROTOCOL_ERROR, str(error)) from error
        self._asked_id = envelope.header.id
        return envelope.message

    def _keep_cookie(self, response: HttpResponse) -> None:
        """Keep what the InformResponse sets, and only that, as careful gateways do."""
        cookies = [each.partition(";")[0].strip() for each in response.every("set-cookie")]
        if cookies and self._behaviour.cookies:
            self.cookie = "; ".join(cookies)

    async def _authenticated(self, body: bytes) -> HttpResponse:
        """Post, and once more with the answer to a challenge."""
        response = await self._post(body)
        if self._is_challenged(response):
            response = await self._post(body)
        if response.status in (OK, NO_CONTENT):
            return response
        outcome = Outcome.UNAUTHORIZED if response.status == UNAUTHORIZED else Outcome.HTTP_ERROR
        raise SessionEnded(outcome, f"HTTP {response.status}")

    def _is_challenged(self, response: HttpResponse) -> bool:
        """Say whether there is a challenge that the gateway can answer."""
        challenges = response.every("www-authenticate")
        return response.status == UNAUTHORIZED and self._login.challenged(challenges, encrypted=self._connection().tls)

    async def _post(self, body: bytes) -> HttpResponse:
        try:
            line = self._connection()
            async with asyncio.timeout(self._surroundings.answer_seconds):
                response = await line.post(body, self._headers(body, line.target))
        except TimeoutError as error:
            raise SessionEnded(Outcome.TIMED_OUT, "no answer") from error
        except LineError as error:
            raise SessionEnded(Outcome.UNREACHABLE, str(error)) from error
        self.exchanges += 1
        return response

    def _connection(self) -> Line:
        if self._line is None:
            try:
                self._line = Line(Endpoint.of(self._url), self._surroundings.tls)
            except ValueError as error:
                raise SessionEnded(Outcome.UNREACHABLE, str(error)) from error
        elif self._behaviour.reconnects:
            self._line.close()
        return self._line

    def _headers(self, body: bytes, target: str) -> list[tuple[str, str]]:
        headers = list(_XML) if body else []  # an empty POST says nothing about its type (TR-069 3.4.1)
        if self.cookie:
            headers.append(("Cookie", self.cookie))
        authorization = self._login.authorization(target, preemptive=self._behaviour.preemptive)
        if authorization:
            headers.append(("Authorization", authorization))
        return headers
