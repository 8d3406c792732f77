#!/usr/bin/python3
"""One end of a call between a robot and its operator, over relays only. It sends a count fifty times a second and tells how
long the other end's was silent whenever the call has moved to another relay."""

import argparse
import asyncio
import contextlib
import os
import pathlib
import signal
import time

import aiohttp

from call import Call
from relays import Relays
from signalling import HandedOut, Signalling

INTERVAL = 0.02


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signalling", required=True, metavar="URL", help="examples/signalling: ws://HOST:PORT")
    parser.add_argument("--monitor", action="append", default=[], metavar="URL",
                        help="where the list of relays is; again for another one. Left out: the signalling server hands it out")
    parser.add_argument("--token-file", type=pathlib.Path, metavar="FILE", help="API key or token for the monitor")
    parser.add_argument("--session", required=True, help="the call's name, the same at both ends")
    parser.add_argument("--user", default="robot")
    parser.add_argument("--region", default="", help="where this end is")
    parser.add_argument("--answer", action="store_true", help="be the other end")
    return parser.parse_args()


class Silence:
    """The longest one since it was last asked for."""

    def __init__(self):
        self._heard, self._longest = None, 0.0

    def heard(self, _message):
        now = time.monotonic()
        if self._heard is None:
            print("hears the other end", flush=True)
        else:
            self._longest = max(self._longest, now - self._heard)
        self._heard = now

    def take(self):
        longest, self._longest = self._longest, 0.0
        return longest


async def run(options):
    silence = Silence()
    token = options.token_file.read_text().strip() if options.token_file else ""

    async def tell(relay):
        await asyncio.sleep(1)  # until data flows again and the old connection is gone
        print(f"moved to {relay}, silent for {silence.take() * 1000:.0f} ms", flush=True)

    tells = set()  # asyncio forgets tasks that nobody holds

    def moved(relay):
        tells.add(task := asyncio.create_task(tell(relay)))
        task.add_done_callback(tells.discard)

    async with aiohttp.ClientSession() as http:
        signalling = Signalling(http, options.signalling, options.session, options.user, options.region)
        handed_out = HandedOut()
        relays = Relays(http, options.monitor, options.user, options.session, options.region, token) \
            if options.monitor else handed_out
        call = Call(relays, signalling.send, not options.answer, silence.heard, moved)

        async def signals():
            async for message in signalling.messages():
                if message["type"] in ("start", "config"):
                    handed_out.take(message["config"])
                if message["type"] == "start":
                    if not options.answer:
                        await call.renew()
                elif message["type"] != "config":
                    await call.receive(message)

        async def sends():
            count = 0
            while True:
                count += call.send(str(count))
                await asyncio.sleep(INTERVAL)

        try:
            async with asyncio.TaskGroup() as tasks:
                for work in (signals(), sends(), call.follow()):
                    tasks.create_task(work)
        finally:
            await call.close()


async def until_told():
    task = asyncio.create_task(run(options()))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


if __name__ == "__main__":
    asyncio.run(until_told())
    # aiortc's threads and goodbyes to dead relays are not worth waiting for.
    os._exit(0)
