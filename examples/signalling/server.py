#!/usr/bin/python3
"""A signalling server for calls of two: it passes on what the ends say to each other, and gives each its list of relays when
the call starts and again whenever that changes. Its API key stays here; the ends need none."""

import argparse
import asyncio
import json
import os
import random

import aiohttp
from aiohttp import web


class Session:
    """One call: at most two ends, by user."""

    def __init__(self):
        self.ends = {}  # user -> (WebSocket, region)
        self.following = None


class Server:
    def __init__(self, http, monitor, key):
        self._http, self._monitor = http, monitor
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._sessions = {}

    async def connect(self, request):
        # An application asks here who this is, and whether that may take part.
        name, user = request.query["session"], request.query["user"]
        session = self._sessions.setdefault(name, Session())
        if len(session.ends) == 2 and user not in session.ends:
            raise web.HTTPConflict(text="this call has both of its ends\n")
        socket = web.WebSocketResponse(heartbeat=15)
        await socket.prepare(request)
        session.ends[user] = (socket, request.query.get("region", ""))
        try:
            if len(session.ends) == 2:
                await self._start(name, session)
            async for message in socket:
                for other, _ in [end for at, end in session.ends.items() if at != user]:
                    if not other.closed:
                        await other.send_str(message.data)
        finally:
            if session.ends.get(user, (None,))[0] is socket:
                del session.ends[user]
                if session.following:
                    session.following.cancel()
                if not session.ends:
                    del self._sessions[name]
        return socket

    async def _start(self, name, session):
        """Both ends are there: one request gets the lists of both, with the same relay first."""
        ends = [{"user": user, **({"region": region} if region else {})} for user, (_, region) in session.ends.items()]
        async with self._http.post(f"{self._monitor}/v1/sessions", json={"session": name, "ends": ends},
                                   headers=self._headers, raise_for_status=True) as answer:
            configs = (await answer.json())["ends"]
        for (socket, _), config in zip(session.ends.values(), configs):
            await socket.send_json({"type": "start", "config": config})
        if session.following:
            session.following.cancel()
        session.following = asyncio.gather(*(self._follow(name, user, *end) for user, end in session.ends.items()))

    async def _follow(self, name, user, socket, region):
        """Passes on each new list while the call lasts: a relay died or drains, or credentials are to be renewed."""
        query = {"session": name, "user": user, **({"region": region} if region else {})}
        while True:
            try:
                async with self._http.get(f"{self._monitor}/v1/events", params=query, headers=self._headers,
                                          timeout=aiohttp.ClientTimeout(sock_read=40), raise_for_status=True) as answer:
                    async for line in answer.content:
                        if line.startswith(b"data:"):
                            await socket.send_json({"type": "config", "config": json.loads(line[5:])})
            except ConnectionResetError:
                return  # this end has gone
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(random.uniform(0.5, 1.5))


async def serve(options):
    async with aiohttp.ClientSession() as http:
        server = Server(http, options.monitor.rstrip("/"), os.environ.get("TURNKEEPER_API_KEY"))
        application = web.Application()
        application.router.add_get("/", server.connect)
        runner = web.AppRunner(application)
        await runner.setup()
        host, port = options.listen.rsplit(":", 1)
        await web.TCPSite(runner, host, int(port)).start()
        print(f"Signalling at ws://{host}:{runner.addresses[0][1]}", flush=True)
        await asyncio.Event().wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, epilog="The monitor's API key is in TURNKEEPER_API_KEY.")
    parser.add_argument("--monitor", default="http://127.0.0.1:8480", metavar="URL")
    parser.add_argument("--listen", default="127.0.0.1:8491", metavar="HOST:PORT", help="port 0: any that is free")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
