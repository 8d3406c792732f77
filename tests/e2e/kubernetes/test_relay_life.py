"""Changes of a relay fleet under live calls: what a caller must not notice. The tests build on each other, in order."""

import json
import signal
import time

import pytest
from calls import Calls, Newcomers
from conftest import wait_for
from events import get_json

DRAIN = 10


def cluster_of(name, relay, regions):
    return {"apiVersion": "turnkeeper.io/v1alpha1", "kind": "TurnCluster", "metadata": {"name": name},
            "spec": {"realm": "turn.example.org", "relay": {"drainTimeout": f"{DRAIN}s", **relay}, "regions": regions}}


# Two regions with one relay each on their nodes' own network, for callers from outside.
LIFE = cluster_of("life", {"replicas": 1, "image": "docker.io/coturn/coturn:4.6.1"}, [
    {"name": "eu-west", "backups": ["us-east"], "relay": {"nodeSelector": {"topology.kubernetes.io/region": "eu-west"}}},
    {"name": "us-east", "backups": ["eu-west"], "relay": {"nodeSelector": {"topology.kubernetes.io/region": "us-east"}}}])
# One region whose relays can run on any node.
MOVE = cluster_of("move", {"replicas": 2, "exposure": "ClusterIP"}, [{"name": "home"}])


class Fleet:
    def __init__(self, cluster):
        self.cluster = cluster
        self.url, self.key = cluster.monitor()

    def config(self, region):
        return get_json(f"{self.url}/v1/ice?cluster=default/life&region={region}&user=alice", self.key)

    def server(self, region):
        return next(s for s in self.config(region)["iceServers"] if "credential" in s)

    def status(self, name):
        return self.cluster.get("tc", name)["status"]

    def relays(self, name):
        return {r["name"]: r for r in self.status(name)["relays"]}

    def condition(self, name, kind):
        return next(c for c in self.status(name)["conditions"] if c["type"] == kind)

    def events(self, name):
        return {e["reason"]: e["message"] for e in self.cluster.get("events", "--field-selector", f"involvedObject.name={name}")["items"]}

    def pod(self, name):
        return next((p for p in self.cluster.get("pods", "-l", "turnkeeper.io/cluster")["items"] if p["metadata"]["name"] == name), None)

    def change_image(self, image):
        self.cluster.kubectl("patch", "tc", "life", "--type=merge", "-p", json.dumps({"spec": {"relay": {"image": image}}}))

    def wait_until_all_work(self, name, seconds):
        wait_for(f"all relays of {name} to be Healthy and nothing to be left to do", lambda: (
            all(r["verdict"] == "Healthy" for r in self.relays(name).values())
            and self.condition(name, "Reconciling")["status"] == "False"), seconds)


@pytest.fixture(scope="module")
def fleet(cluster):
    cluster.install()
    for manifest in (LIFE, MOVE):
        cluster.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))
    for name in ("life", "move"):
        cluster.kubectl("wait", "--for=condition=RelaysHealthy", f"tc/{name}", "--timeout=120s")
    fleet = Fleet(cluster)
    yield fleet
    cluster.kubectl("delete", "tc", "life", "move", "--timeout=60s")
    wait_for("the relays to go", lambda: not cluster.get("pods", "-l", "turnkeeper.io/cluster")["items"], 60)
    cluster.helm("uninstall", "turnkeeper", "--namespace", "turnkeeper", "--wait")


def test_a_pod_is_ready_when_an_allocation_succeeded_on_its_relay(fleet):
    gate = next(c for c in fleet.pod("life-eu-west-0")["status"]["conditions"] if c["type"] == "turnkeeper.io/proven")
    assert (gate["status"], gate["reason"]) == ("True", "Proven")


def test_relays_leave_a_cordoned_node_ahead(fleet):
    node = fleet.pod("move-home-1")["spec"]["nodeName"]
    other = fleet.pod("move-home-0")["spec"]["nodeName"]
    assert node != other, "the relays of a region are spread over the nodes"
    fleet.cluster.kubectl("cordon", node)
    try:
        wait_for("the relay to be on the other node", lambda: (fleet.pod("move-home-1") or {"spec": {}})["spec"].get("nodeName") == other, 60)
        fleet.wait_until_all_work("move", 30)
        stays = fleet.condition("life", "Reconciling")
        assert stays["reason"] == "OnCordonedNode" and node in stays["message"], stays
    finally:
        fleet.cluster.kubectl("uncordon", node)
    assert "cordoned" in fleet.events("move")["RelayDraining"]


@pytest.fixture(scope="module")
def wedged(fleet):
    """A relay that was stopped: its pod runs, nothing is answered. Looked at again in a minute."""
    uid = fleet.pod("move-home-0")["metadata"]["uid"]
    fleet.cluster.kill("move-home-0", "default", "turnserver", signal.SIGSTOP)
    return uid


def test_an_upgrade_is_not_noticed_by_callers(fleet, wedged):
    calls = Calls()
    newcomers = [Newcomers(lambda region=region: fleet.config(region)) for region in ("eu-west", "us-east")]
    try:
        # Some end by themselves while their relay drains, some are still there when its time is up.
        short = [calls.place(fleet.server(region)) for region in ("eu-west", "us-east") for _ in range(5)]
        long = [calls.place(fleet.server(region)) for region in ("eu-west", "us-east") for _ in range(5)]
        pods = {fleet.relays("life")[relay]["address"]: f"life-{relay}" for relay in ("eu-west-0", "us-east-0")}
        drain_began = {}
        fleet.change_image("docker.io/coturn/coturn:4.18.0")

        def renewed():
            for address, pod in pods.items():
                found = fleet.pod(pod)
                if found and "deletionTimestamp" in found["metadata"] and address not in drain_began:
                    drain_began[address] = time.monotonic()
                    for call in [c for c in short if c.relay == address]:
                        calls.end(call)
                        short.remove(call)
                        assert call.longest_gap < 1, f"a call was interrupted for {call.longest_gap:.1f} s"
            seen = fleet.relays("life").values()
            return all(r.get("version") == "4.18.0" and r["verdict"] == "Healthy" for r in seen)

        wait_for("both relays to be renewed", renewed, 120, interval=0.1)
    finally:
        for newcomer in newcomers:
            newcomer.close()
        calls.close()
    assert sorted(drain_began) == sorted(pods) and not short
    for call in long:
        lasted = call.last_echo - drain_began[call.relay]
        assert lasted > DRAIN - 2, f"a call was cut {lasted:.1f} s after its relay began to drain"
        assert call.longest_gap < 1, f"a call was interrupted for {call.longest_gap:.1f} s"
    began = sorted(drain_began.values())
    assert began[1] - began[0] > DRAIN, "the second relay did not wait for the first"
    for newcomer in newcomers:
        assert not newcomer.failures, newcomer.failures
        assert newcomer.placed > 20
    print(f"\n{sum(n.placed for n in newcomers)} new calls, {sum(n.second_choice for n in newcomers)} of them by the second server; 10 calls ended by themselves, 10 were drained for {DRAIN} s")


def test_a_bad_image_halts_at_the_first_relay_and_is_undone(fleet):
    fleet.change_image("docker.io/coturn/COTURN:4.18.0")
    stalled = wait_for("the roll to halt", lambda: (lambda c: c["status"] == "True" and c)(fleet.condition("life", "Stalled")), 60)
    assert stalled["reason"] == "RollHalted"
    assert "InvalidImageName" in stalled["message"], stalled
    verdicts = [r["verdict"] for r in fleet.relays("life").values()]
    assert verdicts.count("Healthy") == 1, "only the first relay is away"
    calls = Calls()
    try:
        for region in ("eu-west", "us-east"):
            calls.place(fleet.server(region))
    finally:
        calls.close()
    fleet.change_image("docker.io/coturn/coturn:4.18.0")
    fleet.wait_until_all_work("life", 60)
    assert fleet.condition("life", "Stalled")["status"] == "False"


def test_a_wedged_relay_is_replaced(fleet, wedged):
    wait_for("another pod in the place of the stopped one", lambda: (
        fleet.pod("move-home-0") or {"metadata": {"uid": wedged}})["metadata"]["uid"] != wedged, 120)
    fleet.wait_until_all_work("move", 60)
    assert "connect-timeout" in fleet.events("move")["RelayReplaced"]
    assert "replaced" in fleet.status("move")["regions"][0]
