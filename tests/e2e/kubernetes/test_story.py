"""From `helm install` to a client that was moved to a backup relay and back. The tests build on each other, in order."""

import json
import os
import re
import subprocess
import time

import pytest
import yaml

from conftest import NAMESPACE, ROOT, wait_for
from events import Subscriber, get_json

TURNCTL = f"{os.environ['TURNKEEPER_BIN']}/turnctl"
UCLIENT = ROOT / "tests/support/bin/turnutils_uclient-4.18"


@pytest.fixture(scope="module")
def monitor(cluster):
    return cluster.monitor()


def relays(cluster):
    return {r["name"]: r for r in cluster.get("tc", "calls").get("status", {}).get("relays", [])}


def first_relay_urls(config):
    return [s["urls"] for s in config["iceServers"] if "credential" in s][0]


def allocate(config):
    """An allocation and relayed data with the first server of the config, by coturn's own client (of 4.18: the one of
    4.6.1 gets 400 to its ChannelBind from a 4.18 server)."""
    server = next(s for s in config["iceServers"] if "credential" in s)
    host, port = re.match(r"turn:([^:?]+):(\d+)", server["urls"][0]).groups()
    result = subprocess.run([str(UCLIENT), "-y", "-c", "-n", "5", "-m", "1", "-l", "100", "-u", server["username"],
                             "-w", server["credential"], "-p", port, host], capture_output=True, text=True, timeout=60)
    output = result.stdout + result.stderr
    assert "Total lost packets 0" in output, output


def test_helm_install(cluster):
    notes = cluster.install()
    assert "kubectl apply" in notes, "the notes do not say what to do next"


def test_a_cluster_becomes_ready(cluster):
    # The example as it is, but for how long relays wait for calls to end when the cluster is deleted.
    example = yaml.safe_load((ROOT / "examples/two-regions.yaml").read_text())
    example["spec"].setdefault("relay", {})["drainTimeout"] = "10s"
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps(example))
    cluster.kubectl("wait", "--for=condition=Ready", "tc/calls", "--timeout=180s")
    seen = wait_for("both relays to be Healthy", lambda: all(
        r["verdict"] == "Healthy" for r in relays(cluster).values()) and relays(cluster), 60)
    assert sorted(seen) == ["eu-west-0", "us-east-0"]
    assert all(r["address"] for r in seen.values())


def test_relays_run_in_both_regions(cluster):
    pods = cluster.get("pods", "-l", "turnkeeper.io/cluster=calls")["items"]
    nodes = {n["metadata"]["name"]: n["metadata"]["labels"]["topology.kubernetes.io/region"] for n in cluster.get("nodes")["items"]}
    assert sorted(nodes[p["spec"]["nodeName"]] for p in pods) == ["eu-west", "us-east"]


def test_kubectl_tells_what_there_is(cluster):
    table = cluster.kubectl("get", "tc").stdout
    assert re.search(r"NAME +READY +REGIONS", table), table
    assert re.search(r"calls +True", table), table
    explained = cluster.kubectl("explain", "tc.spec").stdout
    for field in ("realm", "regions", "credentials", "probing"):
        assert re.search(rf"^  {field}\t.*\n +\S", explained, re.M), f"{field} has no description:\n{explained}"
    described = cluster.kubectl("describe", "tc", "calls").stdout
    assert "Events:" in described


def test_a_client_outside_makes_an_allocation(cluster, monitor):
    url, key = monitor
    config = get_json(f"{url}/v1/ice?region=eu-west&user=alice", key)
    assert config["servedBy"] == "eu-west"
    assert config["ttl"] > 86000
    allocate(config)


def test_a_dead_relay_moves_the_client_and_its_return_brings_it_back(cluster, monitor, record_property):
    url, key = monitor
    eu, us = relays(cluster)["eu-west-0"]["address"], relays(cluster)["us-east-0"]["address"]
    # A session that goes back early in the minute over which all do.
    subscriber = Subscriber(f"{url}/v1/events?region=eu-west&user=alice&session=soon", key)
    try:
        subscriber.wait(0, lambda c: eu in first_relay_urls(c)[0], 5)
        seen = len(subscriber.events)
        killed = cluster.kill("calls-eu-west-0", "default", "turnserver")
        moved, config = subscriber.wait(seen, lambda c: us in first_relay_urls(c)[0], 10)
        assert config["servedBy"] == "us-east"
        allocate(config)
        record_property("kill_to_event_ms", round((moved - killed) * 1000))
        print(f"\nkill -9 of the relay to the SSE event: {(moved - killed) * 1000:.0f} ms")
        back, _ = subscriber.wait(seen, lambda c: eu in first_relay_urls(c)[0], 60)
        print(f"kill -9 to the relay's return to the list: {back - killed:.1f} s")
    finally:
        subscriber.close()
    wait_for("the status to say Healthy again", lambda: relays(cluster)["eu-west-0"]["verdict"] == "Healthy", 30)
    allocate(get_json(f"{url}/v1/ice?region=eu-west&user=alice", key))


def test_kill_9_of_operator_and_monitor_loses_nothing(cluster, monitor):
    url, key = monitor
    before = {n: cluster.get(n, "-l", "turnkeeper.io/cluster=calls")["items"] for n in ("statefulsets", "configmaps", "pods")}
    for component in ("operator", "monitor"):
        pod = cluster.get("pods", "-n", NAMESPACE, "-l", f"app.kubernetes.io/component={component}")["items"][0]
        restarts = pod["status"]["containerStatuses"][0]["restartCount"]
        name = pod["metadata"]["name"]
        cluster.kill(name, NAMESPACE, f"turnkeeper-{component}")
        wait_for(f"the {component} to come back", lambda: (lambda s: s["ready"] and s["restartCount"] > restarts)(
            cluster.get("pod", name, "-n", NAMESPACE)["status"]["containerStatuses"][0]), 60)
    wait_for("both relays to be Healthy", lambda: all(r["verdict"] == "Healthy" for r in relays(cluster).values()), 60)
    cluster.kubectl("wait", "--for=condition=Ready", "tc/calls", "--timeout=60s")
    allocate(get_json(f"{url}/v1/ice?region=us-east&user=bob", key))
    for kind, items in before.items():
        after = cluster.get(kind, "-l", "turnkeeper.io/cluster=calls")["items"]
        assert sorted(i["metadata"]["uid"] for i in after) == sorted(i["metadata"]["uid"] for i in items), f"{kind} were made anew"


def test_at_rest_nothing_is_written(cluster):
    """60 s, counted in the API server's own audit log."""
    if not cluster.audit_log:
        before = cluster.get("tc", "calls")["metadata"]["resourceVersion"]
        time.sleep(60)
        assert cluster.get("tc", "calls")["metadata"]["resourceVersion"] == before
        return
    position = os.path.getsize(cluster.audit_log)
    time.sleep(60)
    with open(cluster.audit_log, encoding="utf-8") as log:
        log.seek(position)
        entries = [json.loads(line) for line in log if line.endswith("\n")]
    writes = [f"{e['verb']} {e['requestURI']}" for e in entries
              if e["user"]["username"].startswith(f"system:serviceaccount:{NAMESPACE}:") and e["verb"] not in ("get", "list", "watch")]
    assert not writes, writes


def test_a_bad_spec_is_refused_in_words(cluster):
    bad = cluster.get("tc", "calls")
    bad = {"apiVersion": bad["apiVersion"], "kind": bad["kind"], "metadata": {"name": "bad"}, "spec": bad["spec"]}
    bad["spec"]["regions"][0]["backups"] = ["us-esat"]
    result = cluster.kubectl("apply", "-f", "-", check=False, stdin=json.dumps(bad))
    assert result.returncode != 0
    assert "backups" in result.stderr, result.stderr


def test_helm_test_makes_an_allocation(cluster):
    cluster.helm("test", "turnkeeper", "--namespace", NAMESPACE, "--timeout", "120s")


def test_deleting_the_cluster_leaves_nothing(cluster):
    """Relays drain first: the allocations that the tests left on them last longer than the drain timeout."""
    cluster.kubectl("delete", "tc", "calls", "--timeout=60s")
    kinds = "statefulsets,configmaps,secrets,services,pods,poddisruptionbudgets,networkpolicies"
    wait_for("the children to go", lambda: not cluster.get(kinds, "-l", "turnkeeper.io/cluster=calls")["items"], 120)
    cluster.helm("uninstall", "turnkeeper", "--namespace", NAMESPACE, "--wait")
