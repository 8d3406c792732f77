"""examples/robot/call.py by itself: both ends in this process, on real aiortc and real coturns."""

import asyncio
import json
import sys

from programs import EXAMPLES, KEY

sys.path.insert(0, str(EXAMPLES / "robot"))

from call import Call  # noqa: E402

NO_RELAYS = {"iceServers": [{"urls": ["stun:192.0.2.1:3478"]}]}


class Lists:
    """In place of a monitor that pushes: what the test says."""

    def __init__(self, config):
        self.config, self.pushed = config, asyncio.Queue()

    async def newest(self):
        return self.config

    async def changes(self):
        while True:
            yield await self.pushed.get()


class Ends:
    """The first one offers, and counts up to the second one fifty times a second as soon as it can."""

    def __init__(self, config):
        self.lists = [Lists(config), Lists(config)]
        self.moves = [[], []]
        self.sent, self.heard, self.unsent = 0, [], 0
        take = [lambda _message: None, lambda message: self.heard.append(int(message))]
        self.calls = [Call(self.lists[end], lambda message, other=1 - end: self.calls[other].receive(message), end == 0,
                           take[end], self.moves[end].append) for end in (0, 1)]

    async def count(self):
        while not self.calls[0].send("0"):
            await asyncio.sleep(0.02)
        while True:
            if self.calls[0].send(str(self.sent + 1)):
                self.sent += 1
            else:
                self.unsent += 1
            await asyncio.sleep(0.02)

    async def hears(self, more):
        wanted = len(self.heard) + more
        await self.until(lambda: len(self.heard) >= wanted)

    async def until(self, condition):
        async with asyncio.timeout(15):
            while not condition():
                await asyncio.sleep(0.01)


def test_a_call_gets_new_credentials_before_its_own_expire_and_loses_nothing_by_it(monitor, relays):
    status, body = monitor.get("/v1/ice?user=robot&region=eu&policy=relay", {"Authorization": f"Bearer {KEY}"})
    assert status == 200, body
    config = json.loads(body)

    async def scenario():
        ends = Ends(config)
        tasks = [asyncio.create_task(work) for work in (ends.calls[0].follow(), ends.calls[1].follow(), ends.count())]
        # A list without a relay is no end of the call: a better one may come.
        ends.lists[0].config = NO_RELAYS
        await ends.calls[0].renew()
        await asyncio.sleep(0.3)
        ends.lists[0].config = config
        await ends.hears(50)

        # A list that keeps the relay moves nobody.
        ends.lists[0].pushed.put_nowait({**config, "reason": "recovery"})
        # One that comes since the credentials run out brings new allocations, whichever end has it.
        for end in (0, 1):
            ends.lists[end].pushed.put_nowait({**config, "reason": "expiry"})
            await ends.until(lambda: [len(moves) for moves in ends.moves] == [end + 2] * 2)
            await ends.hears(100)
        tasks.pop().cancel()
        await ends.until(lambda: len(ends.heard) == ends.sent + 1)
        assert ends.unsent == 0 and sorted(ends.heard) == list(range(ends.sent + 1))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*(call.close() for call in ends.calls))

    asyncio.run(scenario())
