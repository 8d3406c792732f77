"""Regions eu and us on an emulated wide-area network: a relay in each, and monitors. The browser is on this machine, outside."""

import base64
import hmac
import json
import os
import pathlib
import re
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "monitor"))
os.environ.setdefault("TURNKEEPER_BIN", str(pathlib.Path(__file__).resolve().parents[3] / "build/release/bin"))

from running import BIN, SECRET, Monitor, _dies_with_us, wait_for  # noqa: E402
from testbed.certificates import Authority  # noqa: E402
from testbed.client import Part  # noqa: E402


class Relay:
    """coturn in its region: UDP and TCP on 3478, TLS on 443; its secrets in a database, as ours keep them."""

    def __init__(self, folder, region, certificate):
        self.name, self.address, self.enter = region["name"], region["address"], region["enter"]
        self.database = folder / f"{self.name}.db"
        self.admin("-s", SECRET)
        with open(folder / f"{self.name}.log", "wb") as log:
            self.process = subprocess.Popen(
                [*self.enter, "turnserver", "-n", "--no-cli", "--no-dtls", "--no-multicast-peers", f"--listening-ip={self.address}",
                 f"--relay-ip={self.address}", "--tls-listening-port=443", f"--cert={certificate[0]}", f"--pkey={certificate[1]}",
                 "--realm=test", "--use-auth-secret", f"--userdb={self.database}", f"--pidfile={folder}/{self.name}.pid",
                 "--log-file=stdout"], stdout=log, stderr=log, preexec_fn=_dies_with_us)

    def admin(self, *arguments):
        subprocess.run(["turnadmin", *arguments, "-r", "test", "-b", self.database], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def urls(self):
        return [f"turn:{self.address}:3478?transport=udp", f"turn:{self.address}:3478?transport=tcp",
                f"turns:{self.address}:443?transport=tcp"]

    def close(self):
        self.process.kill()
        self.process.wait()


class Regions:
    """
    with Regions(folder) as regions:
        Origin(regions.url)
        regions.network.command({"cmd": "blackhole", "region": "eu", "on": True})
    """

    def __init__(self, folder):
        self.folder = folder
        self.network = Part("regions", "--regions", "eu,us")
        self.monitors, self.relays, self.generation = [], {}, 0
        self.authority = Authority(folder / "ca")
        self.addresses = {region["name"]: region["address"] for region in self.network.info["regions"]}
        self.regions = {region["name"]: region for region in self.network.info["regions"]}
        self.secret = folder / "turn.secret"
        self.secret.write_text(SECRET)
        certificate = self.authority.issue("relay", "relay", addresses=self.addresses.values())
        try:
            for name, region in self.regions.items():
                self.relays[name] = Relay(folder, region, certificate)
            self.watch()
        except BaseException:
            self.close()
            raise

    def watch(self):
        """Monitors that remember nothing: one on this machine, and one in each region that goes down with it."""
        for monitor in self.monitors:
            monitor.kill()
        self.generation += 1
        config = self.folder / "monitor.yaml"
        config.write_text(json.dumps({
            "probing": {"canary": "100ms", "misses": 3, "full": "5s", "checks": False}, "tls": {"caFile": str(self.authority.path("ca.crt"))},
            "servers": [{"name": f"{relay.name}-0", "region": relay.name, "urls": relay.urls(), "secretFile": self.secret.name}
                        for relay in self.relays.values()]}))
        port = 7000 + self.generation % 1000
        there = {name: f"{address}:{port}" for name, address in self.addresses.items()}
        peers = [f"--exchange-peer={address}" for address in there.values()]
        common = ["--config", config, "--insecure-grpc"]
        self.monitors = [
            Inside(self.folder, self.regions["eu"], *common, "--vantage=eu", f"--exchange-listen={there['eu']}"),
            Inside(self.folder, self.regions["us"], *common, "--vantage=us", f"--exchange-listen={there['us']}", peers[0]),
            Monitor(self.folder, *common, "--vantage=here", "--exchange-listen=127.0.0.1:0", *peers)]
        self.url = f"http://{self.monitors[-1].address}"
        self.url_in_us = f"http://{self.monitors[1].address}"
        wait_for("the first verdicts", self.monitors[-1].is_ready, 60)
        wait_for("all transports to be proven", lambda: len(self.urls("eu")) == 4 or None, 30)

    def urls(self, region):
        config = json.loads(self.monitors[-1].get(f"/v1/ice?user=x&region={region}")[1])
        return [url for server in config["iceServers"] for url in server["urls"]]

    @staticmethod
    def signs_with(monitor, secret):
        server = json.loads(monitor.get("/v1/ice?user=x")[1])["iceServers"][0]
        digest = hmac.digest(secret.encode(), server["username"].encode(), "sha1")
        return server["credential"] == base64.b64encode(digest).decode()

    def rotate(self, new="south"):
        """The relays take both secrets, then credentials are made with the new one, then the old one goes."""
        for relay in self.relays.values():
            relay.admin("-s", new)
        self.secret.write_text(new)
        # Each: one that still probes with the old secret would take the relays for dead once that has gone.
        for monitor in self.monitors:
            wait_for("credentials of the new secret", lambda: self.signs_with(monitor, new), 30)
        for relay in self.relays.values():
            relay.admin("-X", SECRET)

    def renew_certificate(self):
        self.authority.issue("relay", "relay", addresses=self.addresses.values())
        for relay in self.relays.values():
            relay.process.send_signal(signal.SIGUSR2)

    def close(self):
        for part in [*self.monitors, *self.relays.values()]:
            (part.kill if hasattr(part, "kill") else part.close)()
        self.network.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Inside(Monitor):
    """A monitor in a region."""

    def __init__(self, folder, region, *flags):
        self.region = region
        super().__init__(folder, *flags)

    def start(self):
        log = self.folder / f"monitor-{self.region['name']}.log"
        with open(log, "wb") as stderr:
            self.process = subprocess.Popen([*self.region["enter"], BIN / "turnkeeper-monitor", f"--listen={self.region['address']}:0", "--allow-anonymous", "--allow-origin=*",
                                              *self.flags],
                                            stderr=stderr, preexec_fn=_dies_with_us)
        self.address = wait_for("the monitor listens", lambda: re.search(r'msg="listening" address=(\S+)', log.read_text())).group(1)
