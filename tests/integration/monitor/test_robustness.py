"""What the monitor does when this machine lets it down: no descriptors, no route, an interface that goes away."""

import http.client
import json
import os
import re
import resource
import subprocess
import time

import pytest
from running import BIN, SECRET, Coturn, Monitor, _dies_with_us, wait_for
from test_monitor import write_config


@pytest.fixture
def relay(tmp_path):
    relay = Coturn(tmp_path, 0)
    yield relay
    relay.kill()


def relays(connection):
    connection.request("GET", "/api/relays")
    clusters = json.loads(connection.getresponse().read())["clusters"]
    return {relay["name"]: relay for relay in clusters[0]["regions"][0]["relays"]}


def test_without_descriptors_it_blames_itself_and_goes_on_when_there_are_some(tmp_path, relay):
    monitor = Monitor(tmp_path, "--config", write_config(tmp_path, [relay], probing={"full": "1s", "checks": False}))
    try:
        wait_for("a verdict", monitor.is_ready)
        kept = http.client.HTTPConnection(monitor.address, timeout=10)  # one connection, since there will be no other
        assert relays(kept)["eu-0"]["verdict"] == "Healthy"
        pid = monitor.process.pid
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, before[1]))
        wait_for("a probe without a socket", lambda: relays(kept)["eu-0"]["probe"]["cause"] == "internal")
        time.sleep(2)
        assert relays(kept)["eu-0"]["verdict"] != "Unhealthy", "a relay was blamed for the monitor's own want"
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        wait_for("a good probe", lambda: relays(kept)["eu-0"]["probe"]["ok"])
        wait_for("a verdict", lambda: relays(kept)["eu-0"]["verdict"] == "Healthy")
        assert monitor.terminate() == 0
    finally:
        monitor.kill()


def test_a_network_that_cannot_be_reached_is_called_so(tmp_path):
    (tmp_path / "turn.secret").write_text(SECRET)
    path = tmp_path / "monitor.yaml"
    path.write_text(json.dumps({"servers": [
        {"name": f"eu-{number}", "region": "eu", "url": url, "secretFile": "turn.secret"} for number, url in enumerate(
            ["turn:192.0.2.1:3478?transport=udp", "turn:192.0.2.1:3478?transport=tcp"])]}))
    out = subprocess.run(["unshare", "-n", BIN / "turnkeeper-monitor", "--config", path, "--once", "--json"],
                         capture_output=True, text=True, timeout=40)
    assert out.returncode == 1
    assert {row["cause"] for row in json.loads(out.stdout)} == {"unreachable"}, out.stdout


class Island:
    """A monitor in a network namespace with one interface, at whose other end there is a relay."""

    def __init__(self, folder):
        number = os.getpid() % 16384
        subnet = f"10.{192 + (number >> 8)}.{number & 255}"
        self.here, self.there = f"{subnet}.1", f"{subnet}.2"
        self.holder = subprocess.Popen(["unshare", "-n", "sleep", "600"], preexec_fn=_dies_with_us)
        wait_for("a namespace of its own", lambda: os.readlink(f"/proc/{self.holder.pid}/ns/net")
                 != os.readlink("/proc/self/ns/net"))
        self.link = f"tk{number}"
        self._run("ip", "link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", str(self.holder.pid))
        self._run("ip", "addr", "add", f"{self.here}/24", "dev", self.link)
        self._run("ip", "link", "set", self.link, "up")
        for command in ("link set lo up", f"addr add {self.there}/24 dev eth0", "link set eth0 up"):
            self.inside("ip", *command.split())

    @staticmethod
    def _run(*command):
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=20).stdout

    def inside(self, *command):
        return self._run("nsenter", "-t", str(self.holder.pid), "-n", *map(str, command))

    def close(self):
        subprocess.run(["ip", "link", "del", self.link], check=False, capture_output=True)
        self.holder.kill()
        self.holder.wait()


def test_an_interface_that_goes_away_and_comes_back_costs_no_more_than_the_time_between(tmp_path):
    island = Island(tmp_path)
    processes = []
    try:
        processes.append(subprocess.Popen(
            ["turnserver", "-n", "--no-cli", "--no-tls", "--no-dtls", f"--listening-ip={island.here}",
             f"--relay-ip={island.here}", f"--allowed-peer-ip={island.here}", "--min-port=50000", "--max-port=50099",
             "--realm=test", "--use-auth-secret", f"--static-auth-secret={SECRET}", "--log-file=stdout",
             f"--pidfile={tmp_path}/coturn.pid", f"--userdb={tmp_path}/turndb"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=_dies_with_us))
        (tmp_path / "turn.secret").write_text(SECRET)
        path = tmp_path / "monitor.yaml"
        path.write_text(json.dumps({"probing": {"full": "1s", "checks": False}, "servers": [
            {"name": "eu-0", "region": "eu", "url": f"turn:{island.here}:3478?transport=udp",
             "secretFile": "turn.secret"}]}))
        log = tmp_path / "monitor.log"
        with open(log, "wb") as stderr:
            processes.append(subprocess.Popen(
                ["nsenter", "-t", str(island.holder.pid), "-n", BIN / "turnkeeper-monitor", "--config", path,
                 "--listen=127.0.0.1:8480"], stderr=stderr, preexec_fn=_dies_with_us))

        def verdict():
            found = re.findall(r'msg="verdict changed".* verdict=(\w+)', log.read_text())
            return found[-1] if found else None
        wait_for("a verdict", lambda: verdict() == "Healthy")
        island.inside("ip", "link", "set", "eth0", "down")
        wait_for("silence", lambda: "sees nothing at all" in log.read_text() or verdict() == "Unhealthy")
        island.inside("ip", "link", "set", "eth0", "up")

        def is_well():
            status = json.loads(island.inside("curl", "-s", "http://127.0.0.1:8480/api/relays"))
            return not status["blind"] and status["clusters"][0]["regions"][0]["relays"][0]["verdict"] == "Healthy"
        wait_for("the relay again", is_well)
        processes[1].terminate()
        assert processes[1].wait(timeout=10) == 0
    finally:
        for process in processes:
            process.kill()
            process.wait()
        island.close()
