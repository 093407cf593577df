"""Where the socket lies."""

import os

import pytest

from acs_bridge.store.embedded import EmbeddedPostgres
from acs_bridge.store.embedded.place import LONGEST_SOCKET_PATH
from tests.store.embedded.servers import ask, copy, on_linux, place_of

pytestmark = on_linux


@pytest.mark.parametrize("over", [-1, 0, 1, 100])
async def test_a_socket_whose_path_would_be_too_long_lies_elsewhere(open_folder, made_folder, start, over):
    room = LONGEST_SOCKET_PATH - len(os.fsencode(open_folder / "" / "postgres" / "run" / ".s.PGSQL.5432"))
    long = open_folder / ("x" * (room - 1 + over))
    long.mkdir()
    folder = copy(made_folder, long)
    server = await start(folder)
    attached = await EmbeddedPostgres.attach(folder)
    assert await ask(attached.runtime_url) == 1
    fits = len(os.fsencode(folder / "run" / ".s.PGSQL.5432")) <= LONGEST_SOCKET_PATH
    assert (place_of(folder) == folder) == fits
    await server.stop()


async def test_a_path_may_hold_what_urls_and_shells_mind(open_folder, made_folder, start):
    odd = open_folder / "a b?c=d&e#f%25'ü"
    odd.mkdir()
    server = await start(copy(made_folder, odd))
    assert await ask(server.runtime_url) == 1
