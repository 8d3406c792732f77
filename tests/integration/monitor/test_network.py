"""What the monitor makes of a broken network, and of a server that is a relay only in name."""

import json
import socket
import struct
import threading
import time

import pytest
from running import SECRET, Monitor, wait_for
from test_monitor import tell, write_config
from testbed.client import Part
from testbed.relay import Relay


class Located:
    """A relay in a region of the emulated network, as write_config() wants it."""

    def __init__(self, region):
        self._relay = Relay("4.18.0", region["address"], port=3478, realm="test", enter=region["enter"],
                            options=["use-auth-secret", f"static-auth-secret={SECRET}"])
        self.address = region["address"]
        self.url = f"turn:{self.address}:3478?transport=udp"
        self.close = self._relay.close


@pytest.fixture
def network():
    with Part("regions", "--regions", "eu,us") as part:
        yield part


@pytest.fixture
def monitor(tmp_path, network):
    relays = [Located(region) for region in network.info["regions"]]
    monitor = Monitor(tmp_path, "--config", write_config(tmp_path, relays))
    try:
        wait_for("a verdict", monitor.is_ready)
        yield monitor
    finally:
        monitor.kill()
        for relay in relays:
            relay.close()


@pytest.mark.parametrize("broken,mended", [
    ({"cmd": "blackhole", "region": "eu", "on": True}, {"cmd": "blackhole", "region": "eu", "on": False}),
    ({"cmd": "link", "region": "eu", "up": False}, {"cmd": "link", "region": "eu", "up": True})], ids=["black-hole", "link-down"])
def test_a_lost_region_moves_its_clients_until_it_is_back(network, monitor, capsys, broken, mended):
    eu, us = (region["address"] for region in network.info["regions"])
    pushed = monitor.follow("eu")
    assert next(pushed)[1][0] == eu
    lost = time.monotonic()
    network.command(broken)
    told, hosts = next(pushed)
    tell(capsys, f"{broken['cmd']}: clients told after {(told - lost) * 1000:.0f} ms")
    assert hosts[0] == us
    assert told - lost < 5
    relay = monitor.relays()["eu-0"]
    assert relay["verdict"] == "Unhealthy"
    assert relay["cause"] in ("connect-timeout", "unreachable")
    assert relay["advice"]

    network.command(mended)
    assert next(pushed)[1][0] == eu
    assert monitor.relays()["eu-0"]["verdict"] == "Healthy"


class BindingOnly:
    """Answers Binding requests, as RFC 8489 has it, and nothing else."""

    def __init__(self):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1"
        self.url = f"turn:127.0.0.1:{self._socket.getsockname()[1]}?transport=udp"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                request, (host, port) = self._socket.recvfrom(2048)
            except OSError:
                return
            if request[:2] != b"\x00\x01":
                continue
            cookie = request[4:8]
            address = bytes(a ^ b for a, b in zip(socket.inet_aton(host), cookie))
            attribute = struct.pack("!HHBBH", 0x0020, 8, 0, 1, port ^ 0x2112) + address
            self._socket.sendto(struct.pack("!HH", 0x0101, len(attribute)) + request[4:20] + attribute, (host, port))

    def close(self):
        self._socket.close()


def test_a_server_that_answers_binding_only_is_no_relay(tmp_path):
    server = BindingOnly()
    monitor = Monitor(tmp_path, "--config", write_config(tmp_path, [server]))
    try:
        wait_for("a verdict", monitor.is_ready)
        relay = monitor.relays()["eu-0"]
        assert (relay["verdict"], relay["cause"]) == ("Unhealthy", "allocate-timeout"), json.dumps(relay)
    finally:
        monitor.kill()
        server.close()
