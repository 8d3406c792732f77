"""Many TurnClusters on a real API server: turnkeeper-operator and, in its place, one written with controller-runtime that
makes the same objects and says so by the same status and Event (peers/operator). Each gets a control plane of its own and nothing but it."""

import concurrent.futures
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import time

from testbed.api import Api
from testbed.client import Part
from testbed.programs import bench_operator

ROOT = pathlib.Path(__file__).resolve().parents[2]
TICKS = os.sysconf("SC_CLK_TCK")
WRITES = {"create", "update", "patch", "delete", "deletecollection"}
CLUSTERS = "/apis/turnkeeper.io/v1alpha1/namespaces/bench/turnclusters"


def _cluster(number):
    return {"apiVersion": "turnkeeper.io/v1alpha1", "kind": "TurnCluster", "metadata": {"name": f"calls-{number}"},
            "spec": {"realm": "turn.example.org", "regions": [{"name": "eu"}]}}


class Plane:
    """A control plane with the TurnClusters in it, and nobody that makes them real."""

    def __init__(self, part, count):
        self.part, self.count = part, count
        subprocess.run([part.info["kubectl"], "--kubeconfig", part.info["kubeconfig"], "apply", "--server-side", "-f",
                        str(ROOT / "crds" / "turnclusters.yaml")], check=True, stdout=subprocess.DEVNULL)
        pki = pathlib.Path(part.info["ca"]).parent
        self.api = Api(part.info["server"], part.info["ca"], str(pki / "admin.crt"), str(pki / "admin.key"))
        self.api.create("/api/v1/namespaces", {"metadata": {"name": "bench"}})
        deadline = time.monotonic() + 30
        while self.api.request("GET", CLUSTERS)[0] != 200 and time.monotonic() < deadline:
            time.sleep(0.1)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: self.api.create(CLUSTERS, _cluster(n)), range(count)))

    def add_strangers(self, count):
        """Secrets that are none of the operator's business, 4 KiB each."""
        secret = lambda n: {"metadata": {"name": f"stranger-{n}"}, "stringData": {"data": "x" * 4096}}  # noqa: E731
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: self.api.create("/api/v1/namespaces/bench/secrets", secret(n)), range(count)))

    def converged(self, stateful_sets=True):
        if stateful_sets:
            sets = self.api.get("/apis/apps/v1/namespaces/bench/statefulsets?limit=1")
            if len(sets["items"]) + sets["metadata"].get("remainingItemCount", 0) < self.count:
                return False
        clusters = self.api.get(CLUSTERS)["items"]
        return all(c.get("status", {}).get("observedGeneration") == c["metadata"]["generation"] for c in clusters)

    def writes(self, agent):
        """How many requests that change something came from a program that calls itself so."""
        found = 0
        with open(self.part.info["audit_log"]) as log:
            for line in log:
                with contextlib.suppress(ValueError):
                    entry = json.loads(line)
                    found += entry["verb"] in WRITES and entry.get("userAgent", "").startswith(agent)
        return found


class Usage:
    def __init__(self, pid):
        fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
        self.cpu = (int(fields[11]) + int(fields[12])) / TICKS
        status = dict(line.split(":", 1) for line in open(f"/proc/{pid}/status") if ":" in line)
        self.rss = int(status["VmRSS"].split()[0]) / 1024
        self.peak = int(status["VmHWM"].split()[0]) / 1024


class Outcome:
    """What one operator needed."""

    def __init__(self, running, command, agent, count, idle_seconds, strangers=0):
        with Part("control-plane") as part:
            plane = Plane(part, count)
            plane.add_strangers(strangers)
            started = time.monotonic()
            with running(command(part.info), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
                while not plane.converged():
                    if process.poll() is not None or time.monotonic() - started > 300:
                        sys.exit(f"bench: {agent} does not get there")
                    time.sleep(0.2)
                self.seconds = time.monotonic() - started
                time.sleep(7)  # what it still has to say
                self.busy = Usage(process.pid)
                self.needed = plane.writes(agent)
                time.sleep(idle_seconds)
                self.idle = plane.writes(agent) - self.needed
                self.after = Usage(process.pid)


def compare(running, binaries, folder, row, quick):
    """The rows of the table."""
    count, idle = (50, 5) if quick else (1000, 60)
    objects = folder / "objects.json"
    with open(objects, "w") as out:
        subprocess.run([str(binaries / "bench" / "child_objects")], check=True, stdout=out)
    each = len(json.loads(objects.read_text())) - 1  # the last is the status
    peer_program = bench_operator()

    def ours(info):
        return [binaries / "bin" / "turnkeeper-operator", "--agent-image=turnkeeper:bench", "--insecure-grpc",
                "--grpc-listen=127.0.0.1:0", "--metrics-listen=127.0.0.1:0", "--log-level=warn",
                f"--kubeconfig={info['kubeconfig']}"]

    def peer(info):
        return [peer_program, f"--kubeconfig-file={info['kubeconfig']}", f"--objects={objects}"]

    told = subprocess.run([str(binaries / "bench" / "requests"), "1000" if quick else "20000"], check=True,
                          capture_output=True, text=True).stdout.splitlines()
    transport, library = (float(line.split()[1]) for line in told)
    yield row("one PATCH over TLS, 3 KB there and 6 KB back: CPU", f"{transport:.1f} us", "", None,
              f"cpprestsdk {library:.1f} us ({transport / library:.2f})")
    theirs = Outcome(running, peer, "operator/", count, idle)
    here = Outcome(running, ours, "turnkeeper", count, idle)
    yield row(f"{count} TurnClusters, {each} objects each: all there and said in their status", f"{here.seconds:.1f} s",
              "not slower", here.seconds <= theirs.seconds, f"controller-runtime {theirs.seconds:.1f} s")
    yield row("its CPU", f"{here.busy.cpu:.2f} s", "<= 1/2", here.busy.cpu <= theirs.busy.cpu / 2,
              f"controller-runtime {theirs.busy.cpu:.2f} s ({here.busy.cpu / theirs.busy.cpu:.2f})")
    yield row("its memory (RSS)", f"{here.busy.rss:.1f} MiB", "<= 1/3", here.busy.rss <= theirs.busy.rss / 3,
              f"controller-runtime {theirs.busy.rss:.1f} MiB ({here.busy.rss / theirs.busy.rss:.2f});"
              f" peak {here.busy.peak:.1f} and {theirs.busy.peak:.1f} MiB")
    # Each object, one status, one Event.
    yield row("its writes", f"{here.needed}", f"{count * (each + 2)}", here.needed <= count * (each + 2),
              f"controller-runtime {theirs.needed}")
    yield row(f"its writes in the next {idle} s", f"{here.idle}", "0", here.idle == 0,
              f"controller-runtime {theirs.idle}")
    strangers = 200 if quick else 10000
    crowded = Outcome(running, ours, "turnkeeper", 1, 1, strangers)
    yield row(f"memory (RSS) beside {strangers} Secrets of others, 4 KiB each", f"{crowded.after.rss:.1f} MiB", "", None,
              f"peak {crowded.after.peak:.1f} MiB")
