"""The list of relays as a Turnkeeper monitor keeps it: asked for when needed, and followed as it changes."""

import asyncio
import json
import random
import time

import aiohttp


def turn_urls(config):
    return [url for server in config["iceServers"] for url in server["urls"] if url.startswith("turn")]


class Relays:
    """
    `async for config in relays.changes()` gives the list at once and again whenever it changes or its credentials are to
    be renewed, as long as any of the monitors is there. One that does not answer is left for the next.
    """

    def __init__(self, http: aiohttp.ClientSession, monitors, user, session, region="", token=""):
        self._http = http
        self._monitors = list(monitors)
        # Only relays: no STUN servers, which this call has no use for.
        self._query = {"user": user, "session": session, "policy": "relay", **({"region": region} if region else {})}
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._last_event = ""
        self._config, self._received = None, 0.0

    async def newest(self, at_most=2.0):
        """The list, not older than `at_most` seconds when a monitor answers soon. Fails only when there never was one."""
        if self._config and time.monotonic() - self._received <= at_most:
            return self._config
        try:
            async with asyncio.timeout(0.3 if self._config else 10):
                async with self._get("/v1/ice") as answer:
                    return self._take(await answer.json())
        except (aiohttp.ClientError, TimeoutError) as error:
            self._try_the_next()
            if not self._config:
                raise ConnectionError("no monitor answers") from error
            return self._config

    async def changes(self):
        failures = 0
        while True:
            try:
                # Heartbeats come every 15 s: a stream that says nothing for longer is dead.
                async with self._get("/v1/events", aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=40)) as answer:
                    async for event in self._events(answer.content):
                        failures = 0
                        yield self._take(json.loads(event))
            except (aiohttp.ClientError, TimeoutError):
                self._try_the_next()
            # Later and later, and never all robots at once: a monitor that comes back is asked by everybody.
            await asyncio.sleep(min(30, 0.5 * 2**failures) * random.uniform(1, 2))
            failures += 1

    def _get(self, path, timeout=None):
        headers = self._headers | ({"Last-Event-ID": self._last_event} if self._last_event and path == "/v1/events" else {})
        return self._http.get(self._monitors[0] + path, params=self._query, headers=headers, raise_for_status=True,
                              **({"timeout": timeout} if timeout else {}))

    async def _events(self, lines):
        name, data = "", ""
        async for line in lines:
            field, _, value = line.decode().rstrip("\r\n").partition(":")
            value = value.removeprefix(" ")
            if field == "event":
                name = value
            elif field == "data":
                data += value
            elif field == "id":
                self._last_event = value
            elif not field and not value:
                if name == "config":
                    yield data
                name, data = "", ""

    def _take(self, config):
        self._config, self._received = config, time.monotonic()
        return config

    def _try_the_next(self):
        self._monitors.append(self._monitors.pop(0))
