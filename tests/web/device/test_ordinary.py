"""A connection of a gateway, as long as its requests are ordinary and afterwards; see tests/web/test_ordinary.py."""

import pytest
from aiohttp.web_protocol import RequestHandler

from cwmp.messages import InformResponse, SetParameterValues
from tests.web.device.conftest import Acs
from tests.web.device.wire import XML, Cpe, connected, login
from tests.web.device.wire import request as http


class TestAConnection:
    async def test_needs_nothing_of_aiohttp_while_all_is_ordinary(
        self, acs: Acs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await acs.provision()
        cpe = Cpe()
        async with connected(acs.port) as wire:
            with monkeypatch.context() as without:
                without.delattr(RequestHandler, "data_received")
                await cpe.open(wire)
                assert (await cpe.empty(wire)).status == 200

    async def test_goes_on_with_aiohttp_once_something_is_odd(self, acs: Acs) -> None:
        await acs.provision()
        cpe = Cpe()
        async with connected(acs.port) as wire:
            await cpe.open(wire)
            assert (await wire.post(b"", *cpe.headers(), ("Expect", "nothing"))).status == 200
            assert (await cpe.empty(wire)).status == 200

    async def test_serves_what_came_too_early_when_its_turn_comes(self, acs: Acs) -> None:
        await acs.provision()
        cpe, authorize = Cpe(), await login(acs.port)
        async with connected(acs.port) as wire:
            await wire.send(http(cpe.inform(), XML, authorize()))
            await wire.send(http(b"", *cpe.headers()))
            opened, asked = await wire.answer(), await wire.answer()
            assert isinstance(opened.message, InformResponse)
            assert isinstance(asked.message, SetParameterValues)
