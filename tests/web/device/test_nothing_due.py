"""A session that was opened without work is asked nothing, whatever its gateway says."""

from uuid import uuid4

import pytest

from acs_bridge.domain.ids import tag
from acs_bridge.settings import Settings
from cwmp.messages import Fault, GetParameterValuesResponse, Message, SetParameterValuesResponse
from tests.web.device.conftest import Acs, settings
from tests.web.device.wire import Cpe, connected, login

ANSWERS = [SetParameterValuesResponse(0), GetParameterValuesResponse(()), Fault(9002)]


async def unasked(acs: Acs, answer: Message, *, elsewhere: bool) -> int:
    """What an answer gets that a gateway sends although nothing was asked, with an ID that is shaped like ours."""
    cpe, authorize = Cpe(), await login(acs.port)
    async with connected(acs.port) as first, connected(acs.port) as second:
        await cpe.open(first, authorize)
        await second.post(b"", authorize())
        wire = second if elsewhere else first
        return (await cpe.say(wire, answer, tag(uuid4(), 1))).status


@pytest.mark.parametrize("elsewhere", [False, True], ids=["same connection", "another connection"])
@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: type(answer).__name__)
class TestAnAnswerToNothing:
    class TestFromAGatewayThatNobodyApproved:
        @pytest.fixture
        def configured(self) -> Settings:
            return settings(cpe_auth={"bootstrap": "approve"})

        async def test_does_not_get_it_the_url_of_the_line(self, acs: Acs, answer: Message, elsewhere: bool) -> None:
            write_id = await acs.provision()
            assert await unasked(acs, answer, elsewhere=elsewhere) == 400
            assert await acs.history(write_id) == ["created"]

    async def test_does_not_get_a_write_past_the_rate(self, acs: Acs, clock, answer: Message, elsewhere: bool) -> None:
        write_id = await acs.provision()
        await acs.database.execute("update queue_rate set writes_per_minute = 1, refilled_at = $1", clock())
        assert await unasked(acs, answer, elsewhere=elsewhere) == 400
        assert await acs.history(write_id) == ["created"]
