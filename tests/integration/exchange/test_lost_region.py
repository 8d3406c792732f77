"""Two vantages, one in a region that is lost: the other alone moves the clients. Real coturn and monitors on an emulated wide-area network."""

import json
import pathlib
import signal
import sys
import time

import pytest

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "client")]

from regions import Inside, Regions  # noqa: E402
from running import Monitor, wait_for  # noqa: E402


class TwoVantages(Regions):
    def watch(self):
        """One monitor in eu, and one on this machine, outside of both regions. They remember nothing."""
        for monitor in self.monitors:
            monitor.kill()
        config = self.folder / "monitor.yaml"
        config.write_text(json.dumps({
            "probing": {"canary": "100ms", "misses": 3, "full": "5s", "checks": False},
            "servers": [{"name": f"{relay.name}-0", "region": relay.name, "url": relay.urls()[0], "secretFile": self.secret.name}
                        for relay in self.relays.values()]}))
        there = f"{self.addresses['eu']}:7000"
        common = ["--config", config, "--insecure-grpc"]
        self.monitors = [Inside(self.folder, self.regions["eu"], *common, "--vantage=eu", f"--exchange-listen={there}"),
                         Monitor(self.folder, *common, "--vantage=here", "--exchange-listen=127.0.0.1:0", f"--exchange-peer={there}")]
        self.here = self.monitors[1]
        wait_for("both votes on both relays", self.agree, 60)

    def agree(self):
        relays = self.here.relays().values()
        return all(relay["verdict"] == "Healthy" and len(relay["votes"]) == 2 for relay in relays)

    def link(self, up):
        self.network.command({"cmd": "link", "region": "eu", "up": up})

    def log(self):
        return "".join(path.read_text() for path in sorted(self.folder.glob("monitor-*.log")) if path.name != "monitor-eu.log")


@pytest.fixture
def regions(tmp_path):
    with TwoVantages(tmp_path) as regions:
        yield regions


def test_the_vantage_that_is_left_moves_the_clients_in_time(regions):
    took = []
    for _ in range(3):
        pushed = regions.here.follow("eu")
        assert next(pushed)[1][0] == regions.addresses["eu"]
        regions.link(False)
        lost = time.monotonic()
        took.append(next(at for at, relays in pushed if relays[0] == regions.addresses["us"]) - lost)
        regions.link(True)
        regions.watch()  # a relay that falls again would wait longer for its clients
    print("\nmoved after", *(f"{1000 * seconds:.0f}" for seconds in took), "ms")
    assert max(took) < 1.5


def test_a_vantage_that_only_falls_silent_takes_nobody_along(regions):
    frozen = regions.monitors[0].process
    before = len(regions.log())
    frozen.send_signal(signal.SIGSTOP)
    try:
        wait_for("its word to be given up", lambda: 'msg="another monitor is gone" vantage=eu' in regions.log(), 10)
        assert regions.here.hosts("eu")[0] == regions.addresses["eu"]
    finally:
        frozen.send_signal(signal.SIGCONT)
    wait_for("it to be back", regions.agree)
    assert "verdict changed" not in regions.log()[before:]
