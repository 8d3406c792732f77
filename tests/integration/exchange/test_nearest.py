"""Two turnkeeper-monitors, in eu and in asia, and relays in three regions: backups that nobody has put in order are the nearest first, as the monitor
that stands in the region measures it. Real coturn and monitors; the distances are those of a proxy that holds packets back."""

import heapq
import json
import pathlib
import re
import selectors
import signal
import socket
import sys
import threading
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "monitor"))

from running import SECRET, Coturn, Monitor, wait_for  # noqa: E402
from test_mesh import free_ports  # noqa: E402

REGIONS = ("eu", "asia", "us")  # as listed
ROUND_TRIPS = {"eu": {"eu": 0, "asia": 0.120, "us": 0.040}, "asia": {"eu": 0.120, "asia": 0, "us": 0.050}}


class Distance:
    """UDP to `relay` and back, each way taking half of `round_trip`."""

    def __init__(self, relay, round_trip):
        self.delay, self.relay = round_trip / 2, (relay.address, 3478)
        self.near = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.near.bind(("127.0.0.1", 0))
        self.url = f"turn:127.0.0.1:{self.near.getsockname()[1]}?transport=udp"
        self.far = {}  # by the client's address
        self.stopping = False
        self.thread = threading.Thread(target=self._carry, daemon=True)
        self.thread.start()

    def _carry(self):
        under_way, order = [], 0
        with selectors.DefaultSelector() as ready:
            ready.register(self.near, selectors.EVENT_READ, None)
            while not self.stopping:
                wait = under_way[0][0] - time.monotonic() if under_way else 0.1
                for key, _ in ready.select(min(max(wait, 0), 0.1)):
                    try:
                        packet, client = key.fileobj.recvfrom(65536)
                    except OSError:  # the relay is dead
                        continue
                    if key.data is None and client not in self.far:
                        self.far[client] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                        self.far[client].connect(self.relay)
                        ready.register(self.far[client], selectors.EVENT_READ, client)
                    out = (self.far[client], None) if key.data is None else (self.near, key.data)
                    order += 1
                    heapq.heappush(under_way, (time.monotonic() + self.delay, order, packet, *out))
                while under_way and under_way[0][0] <= time.monotonic():
                    _, _, packet, socket_, to = heapq.heappop(under_way)
                    try:
                        socket_.sendto(packet, to) if to else socket_.send(packet)
                    except OSError:
                        pass

    def close(self):
        self.stopping = True
        self.thread.join()
        for one in (self.near, *self.far.values()):
            one.close()


class Fleet:
    def __init__(self, folder):
        self.relays = {region: Coturn(folder, number) for number, region in enumerate(REGIONS)}
        self.distances, self.monitors = [], {}
        meeting = free_ports(1)[0]
        for vantage, flag in (("eu", "--exchange-listen"), ("asia", "--exchange-peer")):
            place = folder / vantage
            place.mkdir()
            (place / "turn.secret").write_text(SECRET + "\n")
            ways = {region: Distance(self.relays[region], seconds) for region, seconds in ROUND_TRIPS[vantage].items()}
            self.distances += ways.values()
            (place / "monitor.yaml").write_text(json.dumps({
                "vantage": vantage, "probing": {"canary": "100ms", "misses": 3, "full": "5s", "checks": False},
                "servers": [{"name": f"{region}-0", "region": region, "url": ways[region].url, "secretFile": "turn.secret"}
                            for region in REGIONS]}))
            listen = [] if flag == "--exchange-listen" else ["--exchange-listen=127.0.0.1:0"]
            self.monitors[vantage] = Monitor(place, "--config", place / "monitor.yaml", "--insecure-grpc",
                                             f"{flag}=127.0.0.1:{meeting}", *listen)

    def order(self, vantage, region):
        """The regions of a client's list."""
        status, body = self.monitors[vantage].get(f"/v1/ice?user=alice&region={region}")
        urls = [server["urls"][0] for server in json.loads(body)["iceServers"]] if status == 200 else []
        config = json.loads((self.monitors[vantage].folder / "monitor.yaml").read_text())
        names = {server["url"]: server["region"] for server in config["servers"]}
        return [names[url] for url in urls]

    def close(self):
        for monitor in self.monitors.values():
            monitor.kill()
        for distance in self.distances:
            distance.close()
        for relay in self.relays.values():
            relay.kill()


@pytest.fixture
def fleet(tmp_path):
    fleet = Fleet(tmp_path)
    yield fleet
    fleet.close()


def test_the_nearest_region_takes_over_as_the_lost_ones_own_monitor_had_measured(fleet):
    eu = fleet.monitors["eu"]
    wait_for("eu's order, by its own measurement", lambda: fleet.order("eu", "eu") == ["eu", "us", "asia"])
    wait_for("asia's order, by the other's", lambda: fleet.order("eu", "asia") == ["asia", "us", "eu"])
    assert fleet.order("eu", "us") == ["us", "eu", "asia"], "nobody stands in us: as listed"
    wait_for("the metric", lambda: re.search(r'turnkeeper_region_rtt_seconds\{[^}]*region="asia"[^}]*to="us"[^}]*\} 0\.05',
                                             eu.get("/metrics")[1]))
    fleet.monitors["asia"].process.send_signal(signal.SIGKILL)
    fleet.relays["asia"].kill()
    wait_for("a list without asia", lambda: fleet.order("eu", "asia")[:1] == ["us"])
    assert re.search(r'turnkeeper_failover_active\{[^}]*region="asia"[^}]*backup="us"', eu.get("/metrics")[1])
