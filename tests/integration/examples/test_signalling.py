"""The signalling servers of the examples, in Node and in Python, between a real monitor and two ends."""

import asyncio
import time

import aiohttp

from running import wait_for


class End:
    def __init__(self, socket):
        self.socket = socket
        self._kept = []

    async def hears(self, kind):
        """The next message of that kind; others are kept for later."""
        async with asyncio.timeout(20):
            while not (found := [message for message in self._kept if message["type"] == kind]):
                self._kept.append(await self.socket.receive_json())
        self._kept.remove(found[0])
        return found[0]


async def join(http, url, user, session="call-42"):
    return End(await http.ws_connect(url, params={"session": session, "user": user, "region": "eu"}))


def urls(message):
    return [url for server in message["config"]["iceServers"] for url in server["urls"]]


def test_the_ends_get_their_lists_their_messages_and_every_change(signalling, monitor, relays):
    async def scenario():
        async with aiohttp.ClientSession() as http:
            robot, app = await join(http, signalling, "robot"), await join(http, signalling, "app")
            ours, theirs = await robot.hears("start"), await app.hears("start")
            # The same relay first, with credentials of each one's own.
            assert urls(ours) == urls(theirs) and set(urls(ours)) == set(relays)
            assert [m["config"]["iceServers"][0]["username"].split(":")[1] for m in (ours, theirs)] == ["robot", "app"]

            await robot.socket.send_json({"type": "offer", "sdp": "v=0"})
            assert await app.hears("offer") == {"type": "offer", "sdp": "v=0"}
            await app.socket.send_json({"type": "answer", "sdp": "v=0"})
            assert (await robot.hears("answer"))["sdp"] == "v=0"

            # A third one has no place in a call of two.
            try:
                third = await join(http, signalling, "eve")
                assert (await third.socket.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
            except aiohttp.WSServerHandshakeError as refused:
                assert refused.status == 409

            # The list that each stream begins with is the same as before.
            for end in (robot, app):
                assert urls(await end.hears("config")) == urls(ours)
            dead = urls(ours)[0]
            relays[dead].kill()
            try:
                killed = time.monotonic()
                for end in (robot, app):
                    while dead in urls(await end.hears("config")):
                        pass
                # Both have it; monitors see a death within half a second.
                assert time.monotonic() - killed < 3
            finally:
                relays[dead].start()
            for end in (robot, app):
                await end.socket.close()

    asyncio.run(scenario())
    wait_for("both relays to be Healthy again",
             lambda: {relay["verdict"] for relay in monitor.relays().values()} == {"Healthy"}, 30)
