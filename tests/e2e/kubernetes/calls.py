"""Calls through relays: allocations over UDP or TLS that send data all the time and hear it back, as a client outside
makes them. Each binds a channel to its own relayed address, so that what it sends passes the relay's whole data path."""

import hashlib
import hmac
import os
import select
import selectors
import struct
import threading
import time

from wires import wire_to

COOKIE = 0x2112A442
ALLOCATE, REFRESH, CHANNEL_BIND = 0x003, 0x004, 0x009
USERNAME, INTEGRITY, ERROR, CHANNEL, LIFETIME, PEER, REALM, NONCE, RELAYED, TRANSPORT = (
    0x06, 0x08, 0x09, 0x0C, 0x0D, 0x12, 0x14, 0x15, 0x16, 0x19)
INTERVAL = 0.1


class Refused(Exception):
    """The relay answered with an error, or not at all."""


def _attribute(kind, value):
    return struct.pack("!HH", kind, len(value)) + value + b"\0" * (-len(value) % 4)


def _parse(message):
    attributes, at = {}, 20
    while at + 4 <= len(message):
        kind, length = struct.unpack_from("!HH", message, at)
        attributes.setdefault(kind, message[at + 4:at + 4 + length])
        at += 4 + length + -length % 4
    return struct.unpack_from("!H", message)[0], attributes


class Call:
    """Stands when the constructor returns; raises Refused else. With `trust`, an SSL context, it goes over TLS."""

    def __init__(self, server, patience=3.0, trust=None):
        url = next(u for u in server["urls"] if u.startswith("turns:" if trust else "turn:"))
        self._user, self._password = server["username"].encode(), server["credential"].encode()
        self._realm = self._nonce = b""
        self._patience = patience
        try:
            self.wire = wire_to(url, trust, patience)
        except OSError as error:
            raise Refused(f"{url}: {error}") from error
        self.relay = self.wire.host
        transport = _attribute(TRANSPORT, b"\x11\0\0\0")
        try:
            code, answer = self._ask(ALLOCATE, transport)
            if code == 401:
                self._realm, self._nonce = answer[REALM], answer[NONCE]
                code, answer = self._ask(ALLOCATE, transport)
            if code:
                raise Refused(f"{url}: Allocate: {code}")
            code, _ = self._ask(CHANNEL_BIND, _attribute(CHANNEL, b"\x40\0\0\0") + _attribute(PEER, answer[RELAYED]))
            if code:
                raise Refused(f"{url}: ChannelBind: {code}")
        except OSError as error:
            self.wire.close()
            raise Refused(f"{url}: {error}") from error
        except Refused:
            self.wire.close()
            raise
        self.echoes = 0
        self.longest_gap = 0.0
        self.last_echo = time.monotonic()

    def _ask(self, method, attributes):
        """(error code or 0, attributes of the answer)"""
        identity = os.urandom(12)
        if self._realm:
            attributes += b"".join(_attribute(*a) for a in ((USERNAME, self._user), (REALM, self._realm), (NONCE, self._nonce)))
            head = struct.pack("!HHI", method, len(attributes) + 24, COOKIE) + identity
            key = hashlib.md5(b":".join((self._user, self._realm, self._password))).digest()
            attributes += _attribute(INTEGRITY, hmac.new(key, head + attributes, hashlib.sha1).digest())
        message = struct.pack("!HHI", method, len(attributes), COOKIE) + identity + attributes
        end = time.monotonic() + self._patience
        while time.monotonic() < end:
            self.wire.send(message)
            while select.select([self.wire], [], [], 0.5)[0]:
                for answer in self.wire.arrived():
                    if answer[8:20] == identity:
                        _, found = _parse(answer)
                        error = found.get(ERROR)
                        return (error[2] * 100 + error[3] if error else 0), found
        raise Refused(f"{self.relay}: no answer")

    def send(self, size=100):
        try:
            self.wire.send(struct.pack("!HH", 0x4000, size) + os.urandom(size))
        except OSError:
            pass  # the port is closed: seen as echoes that do not come

    def hear(self):
        try:
            for data in self.wire.arrived():
                if data[:2] == b"\x40\0":
                    now = time.monotonic()
                    self.longest_gap = max(self.longest_gap, now - self.last_echo)
                    self.last_echo = now
                    self.echoes += 1
        except OSError:
            pass

    def hang_up(self):
        try:
            self._ask(REFRESH, _attribute(LIFETIME, b"\0\0\0\0"))
        except (OSError, Refused):
            pass
        self.wire.close()


class Calls:
    """Keeps calls talking, on a thread of its own, until each is hung up."""

    def __init__(self):
        self._calls = selectors.DefaultSelector()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._talk, daemon=True)
        self._thread.start()

    def place(self, server, trust=None):
        call = Call(server, trust=trust)
        with self._lock:
            self._calls.register(call.wire, selectors.EVENT_READ, call)
        return call

    def end(self, call):
        with self._lock:
            self._calls.unregister(call.wire)
        call.hang_up()

    def close(self):
        self._ended.set()
        self._thread.join()
        for key in list(self._calls.get_map().values()):
            self.end(key.data)

    def _talk(self):
        due = time.monotonic()
        while not self._ended.is_set():
            with self._lock:
                ready = self._calls.select(0) if self._calls.get_map() else []
                for key, _ in ready:
                    key.data.hear()
                if time.monotonic() >= due:
                    due += INTERVAL
                    for key in self._calls.get_map().values():
                        key.data.send()
            self._ended.wait(0.01)


class Newcomers:
    """Somebody new calls every half second, as a client would: with the newest ICE config, by the first server of it
    that works. `failures` are those whom no server let in."""

    def __init__(self, config):
        self.placed, self.second_choice, self.failures = 0, 0, []
        self._config = config
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._call, daemon=True)
        self._thread.start()

    def _call(self):
        while not self._ended.wait(0.5):
            refusals = []
            try:
                for server in (s for s in self._config()["iceServers"] if "credential" in s):
                    try:
                        Call(server, patience=1.0).hang_up()
                        break
                    except Refused as refused:
                        refusals.append(str(refused))
                else:
                    self.failures.append(refusals)
                    continue
            except (OSError, ValueError) as error:
                self.failures.append([f"no ICE config: {error}"])
                continue
            self.placed += 1
            self.second_choice += 1 if refusals else 0

    def close(self):
        self._ended.set()
        self._thread.join()
