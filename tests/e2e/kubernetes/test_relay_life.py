"""Changes of a relay fleet under live calls: what a caller must not notice. The tests build on each other, in order."""

import json
import os
import re
import signal
import ssl
import subprocess
import time

import pytest
from calls import Call, Calls, Newcomers
from conftest import NAMESPACE, wait_for
from events import get_json, request
from testbed.certificates import Authority

DRAIN = 10


def cluster_of(name, relay, regions):
    return {"apiVersion": "turnkeeper.io/v1alpha1", "kind": "TurnCluster", "metadata": {"name": name},
            "spec": {"realm": "turn.example.org", "relay": {"drainTimeout": f"{DRAIN}s", **relay}, "regions": regions,
                     "probing": {"full": "3s"}}}


# Two regions with one relay each on their nodes' own network, for callers from outside.
LIFE = cluster_of("life", {"replicas": 1, "image": "docker.io/coturn/coturn:4.6.1", "transports": ["UDP", "TLS"]}, [
    {"name": "eu-west", "backups": ["us-east"], "relay": {"nodeSelector": {"topology.kubernetes.io/region": "eu-west"}}},
    {"name": "us-east", "backups": ["eu-west"], "relay": {"nodeSelector": {"topology.kubernetes.io/region": "us-east"}}}])
LIFE["spec"]["tls"] = {"secretName": "turn-tls"}
REGIONS = ["eu-west", "us-east"]
# One region whose relays can run on any node.
MOVE = cluster_of("move", {"replicas": 2, "exposure": "ClusterIP"}, [{"name": "home"}])


class Fleet:
    def __init__(self, cluster, authority):
        self.cluster = cluster
        self._authority = authority
        self.trust = ssl.create_default_context(cafile=authority.path("ca.crt"))
        self.url = self.key = None

    def config(self, region, name="life"):
        return get_json(f"{self.url}/v1/ice?cluster=default/{name}&region={region}&user=alice", self.key)

    def servers(self, region, name="life"):
        return [s for s in self.config(region, name)["iceServers"] if "credential" in s]

    def server(self, region):
        return self.servers(region)[0]

    def give_certificate(self, days):
        """A new one for both nodes, into the relays' Secret: its serial number, and when it ends."""
        nodes = self.cluster.get("nodes")["items"]
        addresses = [a["address"] for n in nodes for a in n["status"]["addresses"] if a["type"] != "Hostname"]
        certificate, key = self._authority.issue("relays", "relays", addresses=addresses, days=days)
        manifest = self.cluster.kubectl("create", "secret", "tls", "turn-tls", f"--cert={certificate}", f"--key={key}",
                                        "--dry-run=client", "-o", "json").stdout
        self.cluster.kubectl("apply", "--server-side", "-f", "-", stdin=manifest)
        lines = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-serial", "-enddate"], check=True,
                               capture_output=True, text=True).stdout.splitlines()
        serial, until = (line.split("=", 1)[1] for line in lines)
        return serial.lower(), ssl.cert_time_to_seconds(until)

    def status(self, name):
        return self.cluster.get("tc", name)["status"]

    def relays(self, name):
        return {r["name"]: r for r in self.status(name)["relays"]}

    def condition(self, name, kind):
        return next((c for c in self.status(name)["conditions"] if c["type"] == kind), {"status": None, "reason": None})

    def events(self, name):
        """Of each reason, one message."""
        return {e["reason"]: e["message"] for e in self._events(name)}

    def said(self, name, reason, words):
        """Whether an event of this reason says that."""
        return any(e["reason"] == reason and re.search(words, e["message"]) for e in self._events(name))

    def _events(self, name):
        return self.cluster.get("events", "--field-selector", f"involvedObject.name={name}")["items"]

    def pod(self, name):
        return next((p for p in self.cluster.get("pods", "-l", "turnkeeper.io/cluster")["items"] if p["metadata"]["name"] == name), None)

    def change(self, name, spec):
        self.cluster.kubectl("patch", "tc", name, "--type=merge", "-p", json.dumps({"spec": spec}))

    def change_image(self, image):
        self.change("life", {"relay": {"image": image}})

    def wait_until_all_work(self, name, seconds):
        wait_for(f"all relays of {name} to be Healthy and nothing to be left to do", lambda: (
            all(r["verdict"] == "Healthy" for r in self.relays(name).values())
            and self.condition(name, "Reconciling")["status"] == "False"), seconds)


@pytest.fixture(scope="module")
def fleet(cluster, tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp("authority"))
    cluster.kubectl("create", "namespace", NAMESPACE)
    cluster.kubectl("create", "configmap", "relays-ca", "-n", NAMESPACE, "--from-file=ca.crt=" + authority.path("ca.crt"))
    cluster.install("--set", "monitor.trustedAuthorities.configMap=relays-ca")
    fleet = Fleet(cluster, authority)
    fleet.url, fleet.key = cluster.monitor()
    fleet.give_certificate(days=10)
    for manifest in (LIFE, MOVE):
        cluster.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))
    for name in ("life", "move"):
        cluster.kubectl("wait", "--for=condition=RelaysHealthy", f"tc/{name}", "--timeout=120s")
    yield fleet
    cluster.kubectl("delete", "tc", "life", "move", "--timeout=60s")
    wait_for("the relays to go", lambda: not cluster.get("pods", "-l", "turnkeeper.io/cluster")["items"], 60)
    cluster.kubectl("delete", "secret", "turn-tls")
    cluster.helm("uninstall", "turnkeeper", "--namespace", NAMESPACE, "--wait")
    cluster.kubectl("delete", "namespace", NAMESPACE, "--timeout=60s")


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
    newcomers = [Newcomers(lambda region=region: fleet.config(region)) for region in REGIONS]
    try:
        # Some end by themselves while their relay drains, some are still there when its time is up.
        short = [calls.place(fleet.server(region)) for region in REGIONS for _ in range(5)]
        long = [calls.place(fleet.server(region)) for region in REGIONS for _ in range(5)]
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
        for region in REGIONS:
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


def samples(metrics, name, *labels):
    """The values of the lines that have all these labels."""
    lines = (line for line in metrics.splitlines() if line.startswith(name) and all(label in line for label in labels))
    return [float(line.rsplit(" ", 1)[1]) for line in lines]


def test_a_renewed_certificate_is_proven_on_each_relay_and_cuts_no_call_over_tls(fleet):
    assert fleet.condition("life", "CertificateValid")["reason"] == "ExpiresSoon"
    calls = Calls()
    try:
        standing = [calls.place(fleet.server(region), fleet.trust) for region in REGIONS for _ in range(5)]
        assert len({call.relay for call in standing}) == 2
        serial, until = fleet.give_certificate(days=60)
        began = time.monotonic()
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(until))
        wait_for("the new certificate to be proven on each relay", lambda: (lambda c: (
            c["reason"] == "ShownByAllRelays" and text in c["message"]))(fleet.condition("life", "CertificateValid")), 60)
        took = time.monotonic() - began
        later = [calls.place(fleet.server(region), fleet.trust) for region in REGIONS]
        assert {call.wire.serial for call in later} == {serial}
        assert serial not in {call.wire.serial for call in standing}
        time.sleep(1)
        for call in standing:
            assert time.monotonic() - call.last_echo < 1, "a call was cut"
            assert call.longest_gap < 1, f"a call was interrupted for {call.longest_gap:.1f} s"
    finally:
        calls.close()
    name = "turnkeeper_certificate_expiry_timestamp_seconds"
    assert samples(fleet.cluster.operator_metrics(), name, 'cluster="default/life"') == [until]
    with request(f"{fleet.url}/metrics", fleet.key) as reply:
        assert samples(reply.read().decode(), name, 'cluster="default/life"', 'transport="tls"') == [until, until]
    print(f"\nfrom the Secret's change to the new serial proven on both relays: {took:.1f} s; 10 calls over TLS went on")


def test_load_brings_a_relay_at_once_and_the_emptiest_is_drained(fleet):
    """With TURNKEEPER_SCALE_DOWN set, it goes because it was quiet for five minutes, else because of a smaller maximum."""
    calls = Calls()

    def place(relay, count):
        address = fleet.relays("move")[relay]["address"]
        server = next(s for s in fleet.servers("home", "move") if address in s["urls"][0])
        return [calls.place(server) for _ in range(count)]

    def sessions(relay):
        return fleet.relays("move")[relay].get("sessions", 0)

    try:
        fleet.change("move", {"relay": {"autoscaling": {"min": 2, "max": 3, "sessionsPerRelay": 10}}})
        crowd = [call for relay in ("home-0", "home-1") for call in place(relay, 12)]
        began = time.monotonic()
        wait_for("the third relay to be there", lambda: fleet.pod("move-home-2"), 30)
        print(f"\nfrom the calls to one more pod: {time.monotonic() - began:.1f} s")
        fleet.wait_until_all_work("move", 60)
        assert fleet.said("move", "Scaled", r"from 2 to 3 relays: \d+ sessions, 10 a relay"), fleet.events("move")

        crowd += place("home-2", 12)
        last_on_first = crowd[0]
        for call in crowd[1:12]:
            calls.end(call)
            crowd.remove(call)
        wait_for("it to be seen that the first has fewer than the others",
                 lambda: sessions("home-0") + 8 < min(sessions("home-1"), sessions("home-2")), 30)
        address = fleet.relays("move")["home-0"]["address"]
        slow = os.environ.get("TURNKEEPER_SCALE_DOWN")
        fleet.change("move", {"relay": {"autoscaling": {"sessionsPerRelay": 40} if slow else {"max": 2}}})
        wait_for("the first relay to end", lambda: "deletionTimestamp" in (fleet.pod("move-home-0") or {"metadata": {}})["metadata"], 400)
        assert address not in json.dumps(fleet.config("home", "move")), "clients are still sent to a relay that ends"
        time.sleep(2)
        assert time.monotonic() - last_on_first.last_echo < 1, "the call on it was cut"
        calls.end(last_on_first)
        crowd.remove(last_on_first)
        wait_for("the first relay to be gone", lambda: not fleet.pod("move-home-0"), 30)
        for call in crowd:
            assert time.monotonic() - call.last_echo < 1
        for call in [*crowd, last_on_first]:
            assert call.longest_gap < 1, f"a call was interrupted for {call.longest_gap:.1f} s"
    finally:
        calls.close()
    wait_for("the event to say it", lambda: fleet.said("move", "Scaled", "from 3 to 2 relays"), 10)
    wait_for("the status to name those that are left", lambda: set(fleet.relays("move")) == {"home-1", "home-2"}, 10)


def comes_back(call):
    """Of a hundred packets of a kilobyte that are sent at once, what comes back within a second."""
    before = call.echoes
    for _ in range(10):
        for _ in range(10):
            call.send(1000)
        time.sleep(0.01)
        call.hear()
    end = time.monotonic() + 1
    while time.monotonic() < end:
        call.hear()
        time.sleep(0.01)
    return call.echoes - before


def test_a_spent_budget_narrows_new_calls_only(fleet):
    standing = Call(fleet.servers("home", "move")[0])
    try:
        assert comes_back(standing) > 90
        fleet.change("move", {"budget": {"monthly": "1", "perRelay": "100", "atLimit": "LowerBandwidth",
                                         "bitsPerSecondPerSession": 80000}})
        wait_for("the budget to be spent", lambda: fleet.condition("move", "WithinBudget")["reason"] == "OverBudget", 10)

        def new_one():
            call = Call(fleet.servers("home", "move")[0])
            try:
                return comes_back(call)
            finally:
                call.hang_up()
        wait_for("new calls to be narrower", lambda: new_one() < 40, 60)
        assert comes_back(standing) > 90, "a call that stood was narrowed"
        assert samples(fleet.cluster.operator_metrics(), "turnkeeper_estimated_cost", 'cluster="default/move"')[0] > 1
    finally:
        standing.hang_up()
