"""The floor: a bare aiohttp handler that answers every POST with the same bytes. Nothing on aiohttp can be cheaper.

Run as a process of its own: prints its port, and serves until it is ended.
"""

import asyncio
import contextlib
import sys

from aiohttp import web

ANSWER = b"x" * 620  # as long as an InformResponse
HEADERS = {"Content-Type": 'text/xml; charset="utf-8"'}


async def answer(request: web.BaseRequest) -> web.Response:
    await request.read()
    return web.Response(body=ANSWER, headers=HEADERS)


async def main() -> None:
    runner = web.ServerRunner(web.Server(answer, access_log=None))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=4096)
    await site.start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    import uvloop

    with contextlib.suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner_:
        runner_.run(main())
