"""Two regions with one real relay each (agent and coturn), and a real monitor that watches them from a snapshot, without an
operator."""

import ctypes
import datetime
import json
import os
import pathlib
import secrets
import signal
import subprocess
import time
import urllib.request

from testbed.certificates import Authority
from testbed.relay import free_port

CLUSTER = "media/prod"
ROTATE_EVERY = datetime.timedelta(days=90)
_libc = ctypes.CDLL(None)


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def wait_for(what, condition, seconds, interval=0.1):
    """The first true value of condition(); fails with `what` and the last value when time is up."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"waited {seconds} s for {what}; last seen: {value!r}"
        time.sleep(interval)


class Program:
    """One of the product's programs; it does not outlive this process."""

    def __init__(self, name, *arguments, log):
        self.log = log
        with open(log, "wb") as out:
            self._process = subprocess.Popen(
                [pathlib.Path(os.environ["TURNKEEPER_BIN"]) / name, *map(str, arguments)], stdin=subprocess.DEVNULL,
                stdout=out, stderr=out, preexec_fn=lambda: _libc.prctl(1, signal.SIGKILL))  # PR_SET_PDEATHSIG

    def check(self):
        assert self._process.poll() is None, self.log.read_text()[-3000:]

    def kill(self):
        self._process.kill()
        self._process.wait()


class Relay:
    def __init__(self, name, address, keys, directory):
        self.name = name
        # An address of its own: other tests' relays may use the same ports on 127.0.0.1.
        self.address = address
        self.port = 3478
        self.agent = f"{address}:{free_port(address)}"
        state = directory / name
        state.mkdir()
        config = state / "relay.json"
        config.write_text(json.dumps({"realm": "turn.example.org",
                                      "ports": {"turn": self.port, "relayMin": 20000, "relayMax": 20999}}))
        self._program = Program("turnkeeper-agent", "run", f"--config={config}", f"--keys={keys}", f"--state={state}",
                                f"--address={address}", f"--listen={self.agent}",
                                "--count-bytes",  # this machine's stand for the relay's
                                log=directory / f"{name}.log")

    def kill(self):
        """The agent, and with it coturn."""
        self._program.kill()


class Fleet:
    def __init__(self, directory):
        self._directory = directory
        now = datetime.datetime.now(datetime.timezone.utc)
        born = now - ROTATE_EVERY - datetime.timedelta(days=1)  # overdue
        self._key = {"id": "k1", "secret": secrets.token_hex(32), "created": born.strftime("%Y-%m-%dT%H:%M:%SZ")}
        keys = directory / "keys.json"
        keys.write_text(json.dumps([{**self._key, "phase": "Issuing"}]))
        self.relays = {region: Relay(f"{region}-0", f"127.78.{os.getpid() % 250}.{host}", keys, directory)
                       for host, region in enumerate(("eu", "us"), 1)}
        self.address = f"127.0.0.1:{free_port('127.0.0.1')}"
        self._monitor = self._start_monitor()

    def _snapshot(self):
        return {"clusters": [{
            "cluster": CLUSTER,
            "realm": "turn.example.org",
            "signingKeys": [{**self._key, "phase": "ISSUING"}],
            "regions": [{"name": region, "relays": [
                {"name": relay.name, "uris": [f"turn:{relay.address}:{relay.port}?transport=udp"], "agent": relay.agent}]}
                for region, relay in self.relays.items()],
            "credentialTtl": "86400s",
            "rotateEvery": f"{ROTATE_EVERY.total_seconds():.0f}s",
            "probing": {"canary": "0.100s", "misses": 3, "full": "1s"},
        }]}

    def _start_monitor(self):
        snapshot = self._directory / "targets.json"
        snapshot.write_text(json.dumps(self._snapshot()))
        authority = Authority(self._directory / "tls")
        certificate, key = authority.issue("monitor", "turnkeeper-monitor")
        return Program("turnkeeper-monitor", f"--operator=127.0.0.1:{free_port('127.0.0.1')}", f"--snapshot={snapshot}",
                       f"--tls-cert={certificate}", f"--tls-key={key}", f"--tls-ca={authority.path('ca.crt')}",
                       f"--listen={self.address}", "--vantage=here", log=self._directory / "monitor.log")

    def seen(self):
        """{relay: what the monitor says of it}; empty while it does not answer."""
        self._monitor.check()
        try:
            clusters = get(f"http://{self.address}/api/relays")["clusters"]
        except OSError:
            return {}
        return {relay["name"]: relay for cluster in clusters for region in cluster["regions"] for relay in region["relays"]}

    def tell(self, calls, **how):
        """As clients in eu do at the end of that many calls."""
        report = {"cluster": CLUSTER, "region": "eu", "connected": True, "lost": False, "connectMs": 9000, "durationMs": 60000,
                  "localCandidate": "relay", "rttMs": {"mean": 31, "max": 48}, "restarts": 1, "gapsMs": [312], **how}
        for _ in range(calls):
            urllib.request.urlopen(urllib.request.Request(f"http://{self.address}/v1/reports", json.dumps(report).encode()),
                                   timeout=10).close()

    def kill_monitor(self):
        self._monitor.kill()

    def close(self):
        self.kill_monitor()
        for relay in self.relays.values():
            relay.kill()
