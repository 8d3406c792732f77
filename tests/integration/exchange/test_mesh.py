"""Three turnkeeper-monitors on real relays that tell each other what they see."""

import contextlib
import json
import random
import re
import signal
import socket
import sys
import threading
import time
import pathlib

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "monitor"))

from running import SECRET, Coturn, Monitor, wait_for  # noqa: E402

VANTAGES = ("a", "b", "c")


def free_ports(count):
    """Below those that outgoing connections get, so that none takes them before a monitor listens."""
    ports = []
    while len(ports) < count:
        port = random.randrange(20000, 32000)
        if port in ports:
            continue
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            ports.append(port)
    return ports


class Way:
    """A TCP way to a monitor that can be cut: what is sent into it then goes nowhere."""

    def __init__(self, port):
        self._to = port
        self._open = threading.Event()
        self._open.set()
        self._sockets = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self._sockets.append(near)
            if not self._open.is_set():
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self._to), 5)
            except OSError:
                near.close()
                continue
            self._sockets.append(far)
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source, sink):
        try:
            while data := source.recv(65536):
                if not self._open.is_set():
                    return
                sink.sendall(data)
        except OSError:
            pass
        if self._open.is_set():
            for s in (source, sink):
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def cut(self):
        self._open.clear()

    def heal(self):
        for s in self._sockets:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self._sockets.clear()
        self._open.set()

    def close(self):
        self._listener.close()
        self.heal()


class Mesh:
    """Three monitors; `b` and `c` dial `a`, `c` dials `b`, each over a way that can be cut."""

    def __init__(self, folder, relays):
        self.folder, self.relays = folder, relays
        self.ports = dict(zip(VANTAGES, free_ports(3)))
        self.ways = {pair: Way(self.ports[pair[1]]) for pair in (("b", "a"), ("c", "a"), ("c", "b"))}
        self.monitors = {}
        for vantage in VANTAGES:
            self.start(vantage)

    def start(self, vantage, secret=SECRET):
        folder = self.folder / vantage
        folder.mkdir(exist_ok=True)
        (folder / "turn.secret").write_text(secret + "\n")
        config = {"vantage": vantage, "probing": {"canary": "100ms", "misses": 3, "full": "1s"},
                  "servers": [{"name": f"{region}-0", "region": region, "url": relay.url, "secretFile": "turn.secret"}
                              for region, relay in zip(("eu", "us"), self.relays)]}
        (folder / "monitor.yaml").write_text(json.dumps(config))
        peers = [f"--exchange-peer=127.0.0.1:{way.port}" for (near, _), way in self.ways.items() if near == vantage]
        self.monitors[vantage] = Monitor(folder, "--config", folder / "monitor.yaml", "--insecure-grpc",
                                         f"--exchange-listen=127.0.0.1:{self.ports[vantage]}", *peers)
        return self.monitors[vantage]

    def __getitem__(self, vantage):
        return self.monitors[vantage]

    def log(self, vantage):
        return "".join(path.read_text() for path in sorted((self.folder / vantage).glob("monitor-*.log")))

    def connections(self, vantage):
        """Those that it is connected to, by its log."""
        present = set()
        for line in self.log(vantage).splitlines():
            if found := re.search(r'msg="connected to another monitor" vantage=(\w)', line):
                present.add(found.group(1))
            if found := re.search(r'msg="another monitor is gone" vantage=(\w)', line):
                present.discard(found.group(1))
        return present

    def is_whole(self):
        return all(self.connections(v) == set(VANTAGES) - {v} for v in VANTAGES)

    def verdict(self, vantage, relay="eu-0"):
        return self[vantage].relays()[relay]["verdict"]

    def changes(self, vantage):
        """The verdicts of eu-0 that its log tells of, in order."""
        return re.findall(r'msg="verdict changed".* relay=eu-0 verdict=(\w+)', self.log(vantage))

    def close(self):
        for monitor in self.monitors.values():
            monitor.process.send_signal(signal.SIGCONT)
            monitor.kill()
        for way in self.ways.values():
            way.close()


@pytest.fixture
def relays(tmp_path):
    relays = [Coturn(tmp_path, number) for number in range(2)]
    yield relays
    for relay in relays:
        relay.kill(signal.SIGCONT)
        relay.kill()


@pytest.fixture
def mesh(tmp_path, relays):
    mesh = Mesh(tmp_path, relays)
    try:
        for vantage in VANTAGES:
            wait_for(f"{vantage}'s first verdicts", mesh[vantage].is_ready)
        wait_for("the mesh", mesh.is_whole)
        yield mesh
    finally:
        mesh.close()


def test_one_that_sees_wrong_is_outvoted_and_a_dead_relay_is_not(mesh, relays):
    """A monitor with an old secret fails on relays that serve everybody else."""
    eu, us = (relay.address for relay in relays)
    mesh["c"].kill()
    wait_for("the others to forget it", lambda: "c" not in mesh.connections("a"))
    mesh.start("c", secret="old")
    wait_for("the mesh", mesh.is_whole)
    wait_for("its own view", lambda: mesh.verdict("c") != "Unknown")
    for vantage in VANTAGES:
        assert mesh.verdict(vantage) in ("Healthy", "Degraded")
        assert mesh[vantage].hosts("eu")[0] == eu
    assert "Unhealthy" not in mesh.changes("a")
    relays[0].kill()
    for vantage in VANTAGES:
        wait_for(f"{vantage} to see the death", lambda: mesh.verdict(vantage) == "Unhealthy")
        assert mesh[vantage].hosts("eu")[0] == us


def test_a_restarted_monitor_does_not_forget_that_a_relay_flaps(mesh, relays):
    """Each fall doubles the quiet time before the relay is used again; who starts anew is told of the falls."""
    for _ in range(2):
        relays[0].kill()
        wait_for("the fall", lambda: mesh.verdict("c") == "Unhealthy")
        relays[0].start()
        wait_for("the return", lambda: mesh.verdict("c") in ("Healthy", "Degraded"), 40)
    mesh["c"].kill()
    mesh.start("c")
    wait_for("the mesh", mesh.is_whole)
    wait_for("the first verdict", lambda: mesh.verdict("c") in ("Healthy", "Degraded"), 40)
    relays[0].kill()
    wait_for("the fall", lambda: mesh.verdict("c") == "Unhealthy")
    relays[0].start()
    began = time.monotonic()
    wait_for("the return", lambda: mesh.verdict("c") in ("Healthy", "Degraded"), 40)
    assert time.monotonic() - began > 3, "a fresh monitor waits one second only"


def test_halves_go_on_and_heal_without_flapping(mesh, relays):
    for pair in (("c", "a"), ("c", "b")):
        mesh.ways[pair].cut()
    wait_for("the split", lambda: mesh.connections("c") == set() and mesh.connections("a") == {"b"})
    relays[0].kill()
    for vantage in VANTAGES:
        wait_for(f"{vantage} to act alone", lambda: mesh.verdict(vantage) == "Unhealthy")
    before = {vantage: mesh.changes(vantage) for vantage in VANTAGES}
    for pair in (("c", "a"), ("c", "b")):
        mesh.ways[pair].heal()
    wait_for("the mesh", mesh.is_whole)
    relays[0].start()
    for vantage in VANTAGES:
        wait_for(f"{vantage} to take it back", lambda: mesh.verdict(vantage) in ("Healthy", "Degraded"), 30)
        after = mesh.changes(vantage)[len(before[vantage]):]
        assert after.count("Unhealthy") == 0 and len(after) <= 2, after


def test_a_frozen_monitor_loses_its_vote(mesh, relays):
    """Its process stands still with an opinion that was right once; the others decide without it."""
    mesh["b"].process.send_signal(signal.SIGSTOP)
    for vantage in ("a", "c"):
        wait_for(f"{vantage} to forget it", lambda: "b" not in mesh.connections(vantage))
    mesh["c"].process.send_signal(signal.SIGSTOP)
    wait_for("a to be alone", lambda: mesh.connections("a") == set())
    relays[0].kill()
    wait_for("the verdict", lambda: mesh.verdict("a") == "Unhealthy")
    for vantage in ("b", "c"):
        mesh[vantage].process.send_signal(signal.SIGCONT)
    wait_for("the mesh", mesh.is_whole)
    for vantage in VANTAGES:
        wait_for(f"{vantage} to agree", lambda: mesh.verdict(vantage) == "Unhealthy")


def test_a_monitor_that_stops_takes_its_leave(mesh):
    assert mesh["c"].terminate() == 0
    wait_for("the others to forget it", lambda: mesh.connections("a") == {"b"} and mesh.connections("b") == {"a"})
    assert 'vantage=c reason="it has stopped"' in mesh.log("a"), "its last opinion counts on"


def test_two_of_one_name_are_told(mesh, tmp_path):
    config = json.loads((tmp_path / "a" / "monitor.yaml").read_text())
    (tmp_path / "twin").mkdir()
    (tmp_path / "twin" / "turn.secret").write_text("wrong\n")
    (tmp_path / "twin" / "monitor.yaml").write_text(json.dumps(config))
    twin = Monitor(tmp_path / "twin", "--config", tmp_path / "twin" / "monitor.yaml", "--insecure-grpc",
                   "--exchange-listen=127.0.0.1:0", f"--exchange-peer=127.0.0.1:{mesh.ports['a']}")
    try:
        wait_for("a line that says so", lambda: "two monitors have the vantage name a" in mesh.log("twin"))
        wait_for("the other to say it too", lambda: "two monitors have the vantage name a" in mesh.log("a"))
    finally:
        twin.kill()
    assert mesh.is_whole()
