"""A data channel that outlives its relay, on aiortc.

aiortc has no ICE restart, uses one TURN server for a connection, and by itself takes half a minute to see that it is
gone. So each move to another relay is a new connection, made while the old one still carries what it can; a message
goes over whichever is open. The end that `offers` makes the connections, the other one asks for them.
"""

import asyncio
import contextlib
import itertools

from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCSessionDescription

from relays import turn_urls

ATTEMPT = 10  # seconds for a connection to come about
OVERLAP = 1  # seconds that the old connection stays, for what is still on its way


class Call:
    def __init__(self, relays, signal, offers, on_message, on_moved):
        self._relays = relays
        self._signal = signal  # async function: sends one message, a dict, to the other end
        self._offers = offers
        self._on_message, self._on_moved = on_message, on_moved
        self._leg = None  # the one that carries
        self._next = None  # the one that is being made
        self._offering = None
        self._numbers = itertools.count(1)
        self._ended = set()

    def send(self, message):
        """False while nothing is open."""
        return bool(self._leg) and self._leg.send(message)

    async def follow(self):
        """
        Moves the call as soon as its relay is no longer among those that work, and before its credentials expire: coturn
        would let a session go on without, others end it. Runs until cancelled.
        """
        async for config in self._relays.changes():
            leg = self._next or self._leg
            if leg and (leg.relay not in turn_urls(config) or config.get("reason") == "expiry"):
                await self.renew()

    async def renew(self):
        """Makes another connection over what works now. The one there is stays until that is open."""
        if not self._offers:
            # Without a signalling server there is no new connection; it starts the call anew when it is back.
            with contextlib.suppress(ConnectionError):
                await self._signal({"type": "renew"})
            return
        if self._offering and not self._offering.done():
            self._offering.cancel()
        self._offering = asyncio.create_task(self._offer())

    async def receive(self, message):
        """What the other end has signalled."""
        if message["type"] == "renew" and self._offers and (not self._offering or self._offering.done()):
            await self.renew()
        elif message["type"] == "offer" and not self._offers:
            await self._answer(message)
        elif message["type"] == "answer" and self._next and message["call"] == self._next.number:
            await self._next.connection.setRemoteDescription(RTCSessionDescription(message["sdp"], "answer"))

    async def close(self):
        if self._offering:
            self._offering.cancel()
        for leg in (self._leg, self._next):
            if leg:
                self._end(leg)
        self._leg = self._next = None
        if self._ended:
            await asyncio.wait(self._ended, timeout=2)

    async def _offer(self):
        for attempt in itertools.count():
            try:
                leg = Leg(await self._relays.newest(), next(self._numbers), self._on_message, attempt)
                self._replace_next(leg)
                async with asyncio.timeout(ATTEMPT):
                    leg.use(leg.connection.createDataChannel("robot", ordered=False, maxRetransmits=0))
                    await leg.connection.setLocalDescription(await leg.connection.createOffer())
                    await self._signal({"type": "offer", "call": leg.number, "attempt": attempt, "sdp": leg.description()})
                    await leg.opened
                return self._move_to(leg)
            except (ConnectionError, TimeoutError):
                await asyncio.sleep(min(5, 0.2 * 2**attempt))

    async def _answer(self, offer):
        with contextlib.suppress(ConnectionError):  # the other end will offer again
            # A list that is not asked for now may be the one from before: the other end was told first.
            leg = Leg(await self._relays.newest(), offer["call"], self._on_message, offer["attempt"])
            self._replace_next(leg)
            leg.connection.on("datachannel", leg.use)
            leg.opened.add_done_callback(lambda opened: opened.cancelled() or self._move_to(leg))
            await leg.connection.setRemoteDescription(RTCSessionDescription(offer["sdp"], "offer"))
            await leg.connection.setLocalDescription(await leg.connection.createAnswer())
            await self._signal({"type": "answer", "call": leg.number, "sdp": leg.description()})

    def _replace_next(self, leg):
        if self._next:
            self._end(self._next)
        self._next = leg

    def _move_to(self, leg):
        if leg is not self._next:
            return
        old, self._leg, self._next = self._leg, leg, None
        leg.connection.on("connectionstatechange", lambda: self._look_at(leg))
        if old:
            self._end(old, after=OVERLAP)
        self._on_moved(leg.relay)

    async def _look_at(self, leg):
        """For the failures that no monitor sees, such as this end's own network."""
        if leg is self._leg and leg.connection.connectionState in ("failed", "closed"):
            await self.renew()

    def _end(self, leg, after=0):
        # In the background: it says goodbye to a relay that may be dead, and waits half a minute for the answer.
        task = asyncio.create_task(leg.close(after))
        self._ended.add(task)
        task.add_done_callback(self._ended.discard)


class Leg:
    """One connection over one relay."""

    def __init__(self, config, number, on_message, attempt=0):
        # Each attempt takes another URL of the list: what does not work from here need not be dead.
        usable = [(server, url) for server in config["iceServers"] for url in server["urls"]
                  if url.startswith("turn:") or (url.startswith("turns:") and "transport=udp" not in url)]
        if not usable:
            raise ConnectionError("there is no relay to use")
        server, self.relay = usable[attempt % len(usable)]
        self.number = number
        self.connection = RTCPeerConnection(RTCConfiguration([RTCIceServer(
            urls=self.relay, username=server["username"], credential=server["credential"])]))
        self.opened = asyncio.get_running_loop().create_future()
        self._on_message = on_message
        self._channel = None

    def use(self, channel):
        self._channel = channel
        channel.on("message", self._on_message)
        channel.on("open", self._open)
        if channel.readyState == "open":
            self._open()

    def _open(self):
        if not self.opened.done():
            self.opened.set_result(None)

    def send(self, message):
        if self._channel.readyState != "open":
            return False
        self._channel.send(message)
        return True

    def description(self):
        """What the other end is told: of the ways to us only those over the relay (aiortc has no iceTransportPolicy)."""
        lines = self.connection.localDescription.sdp.splitlines(keepends=True)
        if not any(" typ relay " in line for line in lines):
            raise ConnectionError(f"{self.relay} gave no address")
        return "".join(line for line in lines if not line.startswith("a=candidate:") or " typ relay " in line)

    async def close(self, after=0):
        await asyncio.sleep(after)
        self.opened.cancel()
        await self.connection.close()
