"""A real coturn and a real turnkeeper-monitor, each ended by its own pid."""

import ctypes
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

BIN = pathlib.Path(os.environ["TURNKEEPER_BIN"])
SECRET = "north"
RELAY_PORTS = (50000, 50999)
_libc = ctypes.CDLL(None)


def _dies_with_us():
    _libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def wait_for(what, condition, seconds=20.0):
    """Until `condition` gives something true, which is returned."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {seconds} s")


class Coturn:
    """A relay on a loopback address of its own, so that no port can be taken."""

    def __init__(self, folder, number, secret=SECRET):
        pid = os.getpid()
        self.address = f"127.{64 + (pid >> 14 & 63)}.{pid >> 6 & 255}.{((pid & 63) << 2 | number) % 254 + 1}"
        self.folder, self.number, self.secret = folder, number, secret
        self.process = None
        self.start()

    @property
    def url(self):
        return f"turn:{self.address}:3478?transport=udp"

    def start(self):
        log = open(self.folder / f"coturn-{self.number}.log", "ab")
        self.process = subprocess.Popen(
            ["turnserver", "-n", "--no-cli", "--no-tls", "--no-dtls", "--no-multicast-peers", "--allow-loopback-peers",
             f"--listening-ip={self.address}", f"--relay-ip={self.address}", "--listening-port=3478",
             f"--min-port={RELAY_PORTS[0]}", f"--max-port={RELAY_PORTS[1]}", "--realm=test", "--log-file=stdout",
             "--use-auth-secret", f"--static-auth-secret={self.secret}",
             f"--pidfile={self.folder}/coturn-{self.number}.pid", f"--userdb={self.folder}/turndb-{self.number}"],
            stdout=log, stderr=log, preexec_fn=_dies_with_us)
        log.close()
        wait_for("coturn listens", lambda: self.bound_ports(lambda port: port == 3478))

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        if number == signal.SIGKILL:
            self.process.wait()

    def bound_ports(self, wanted):
        """UDP ports of this relay's address that somebody is bound to."""
        prefix = socket.inet_aton(self.address)[::-1].hex().upper() + ":"
        lines = pathlib.Path("/proc/net/udp").read_text().splitlines()[1:]
        ports = {int(local[len(prefix):], 16) for line in lines if (local := line.split()[1]).startswith(prefix)}
        return {port for port in ports if wanted(port)}

    def allocations(self):
        return self.bound_ports(lambda port: RELAY_PORTS[0] <= port <= RELAY_PORTS[1])


class Monitor:
    def __init__(self, folder, *flags, listen="127.0.0.1:0"):
        self.folder, self.flags, self.listen = folder, flags, listen
        self.process = None
        self.start()

    def start(self):
        log = self.folder / f"monitor-{time.monotonic_ns()}.log"
        with open(log, "wb") as stderr:
            self.process = subprocess.Popen([BIN / "turnkeeper-monitor", f"--listen={self.listen}", *self.flags], stderr=stderr,
                                            preexec_fn=_dies_with_us)
        self.address = wait_for("the monitor listens",
                                lambda: re.search(r'msg="listening" address=(\S+)', log.read_text())).group(1)

    def get(self, path, headers=None):
        """(status, body)"""
        request = urllib.request.Request(f"http://{self.address}{path}", headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def hosts(self, region):
        """The relays that a client of `region` is told to use, best first."""
        status, body = self.get(f"/v1/ice?user=alice&region={region}")
        assert status == 200, body
        return [re.match(r"turn:([\d.]+):", server["urls"][0]).group(1) for server in json.loads(body)["iceServers"]]

    def relays(self):
        clusters = json.loads(self.get("/api/relays")[1])["clusters"]
        return {relay["name"]: relay for cluster in clusters for region in cluster["regions"]
                for relay in region["relays"]}

    def is_ready(self):
        return self.get("/readyz")[0] == 200

    def follow(self, region):
        """Yields the relays of each config pushed to a client, with the time at which it came. Its session is one of
        those that go back early to a relay that has returned: within 2 s of the minute over which all do."""
        host, port = self.address.split(":")
        connection = socket.create_connection((host, int(port)), timeout=30)
        connection.sendall(f"GET /v1/events?user=alice&session=soon&region={region} HTTP/1.1\r\nHost: {self.address}\r\n\r\n".encode())
        with connection, connection.makefile("r") as lines:
            for line in lines:
                if line.startswith("data: "):
                    servers = json.loads(line[6:])["iceServers"]
                    yield time.monotonic(), [re.match(r"turn:([\d.]+):", s["urls"][0]).group(1) for s in servers]

    def kill(self):
        self.process.kill()
        self.process.wait()

    def terminate(self):
        self.process.terminate()
        return self.process.wait(timeout=10)
