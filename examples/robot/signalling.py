"""The robot's side of examples/signalling: one WebSocket, opened again whenever it breaks. The call goes on meanwhile."""

import asyncio
import random

import aiohttp


class Signalling:
    def __init__(self, http: aiohttp.ClientSession, url, session, user, region=""):
        self._http, self._url = http, url
        self._query = {"session": session, "user": user, **({"region": region} if region else {})}
        self._socket = None

    async def send(self, message):
        if not self._socket or self._socket.closed:
            raise ConnectionError("the signalling server is away")
        await self._socket.send_json(message)

    async def messages(self):
        while True:
            try:
                async with self._http.ws_connect(self._url, params=self._query, heartbeat=15) as self._socket:
                    async for message in self._socket:
                        yield message.json()
            except (aiohttp.ClientError, TimeoutError, ConnectionError):
                pass
            await asyncio.sleep(random.uniform(0.5, 1.5))


class HandedOut:
    """In place of Relays, for a robot that talks to no monitor: the list as the signalling server hands it out."""

    def __init__(self):
        self._config = None
        self._changed = asyncio.Event()

    def take(self, config):
        self._config = config
        self._changed.set()

    async def newest(self):
        while not self._config:
            await self._changed.wait()
        return self._config

    async def changes(self):
        while True:
            await self._changed.wait()
            self._changed.clear()
            yield self._config
