"""The cluster of the test bed is one: what holds on a user's cluster holds on it."""

import json
import socket
import subprocess
import time

import leftovers
import pytest
from testbed import images
from testbed.client import Part

RELAY_IMAGE = "docker.io/coturn/coturn:4.6.1"


class Kubectl:
    def __init__(self, info):
        self._command = [info["kubectl"], "--kubeconfig", info["kubeconfig"]]

    def __call__(self, *arguments, **options):
        result = subprocess.run([*self._command, *arguments], capture_output=True, text=True, timeout=120, **options)
        assert result.returncode == 0, f"kubectl {' '.join(arguments)}: {result.stdout}{result.stderr}"
        return result.stdout

    def pod(self, name, node, command, host_network=False):
        """A pod of the coturn image on that node, with `command` instead of its own."""
        self("create", "-f", "-", input=json.dumps({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {"nodeSelector": {"kubernetes.io/hostname": node}, "hostNetwork": host_network,
                     "terminationGracePeriodSeconds": 0,
                     "containers": [{"name": "main", "image": RELAY_IMAGE, "command": command}]}}))


@pytest.fixture(scope="module")
def cluster():
    archive = images.coturn_archive("4.6.1")
    part = Part("cluster", "--images", archive)
    yield part
    part.close()
    assert leftovers.of(part.info["directory"]) == []


@pytest.fixture(scope="module")
def kubectl(cluster):
    """With a pod on each node; both serve TURN on 3478."""
    kubectl = Kubectl(cluster.info)
    serve = ["turnserver", "--log-file=stdout", "--no-cli", "--no-tls", "--no-dtls", "--realm=test", "--lt-cred-mech",
             "--user=caller:secret"]
    kubectl.pod("one", "node1", serve)
    kubectl.pod("two", "node2", serve)
    host = next(n["address"] for n in cluster.info["nodes"] if n["name"] == "node2")
    kubectl.pod("relay", "node2", [*serve, f"--listening-ip={host}", f"--relay-ip={host}"], host_network=True)
    kubectl("wait", "--for=condition=Ready", "pod", "--all", "--timeout=60s")
    return kubectl


def connect(kubectl, pod, address, port):
    kubectl("exec", pod, "--", "timeout", "10", "bash", "-c", f"exec 3<>/dev/tcp/{address}/{port}")


def test_nodes_are_in_two_regions_and_have_an_external_address(cluster):
    nodes = json.loads(Kubectl(cluster.info)("get", "nodes", "-o", "json"))["items"]
    regions = {n["metadata"]["name"]: n["metadata"]["labels"]["topology.kubernetes.io/region"] for n in nodes}
    assert regions == {"node1": "eu-west", "node2": "us-east"}
    for node, expected in zip(nodes, cluster.info["nodes"]):
        addresses = {a["type"]: a["address"] for a in node["status"]["addresses"]}
        assert addresses["InternalIP"] == addresses["ExternalIP"] == expected["address"]


@pytest.mark.parametrize("source, target", [("one", "two"), ("two", "one")])
def test_pods_reach_each_other_across_nodes(kubectl, source, target):
    address = kubectl("get", "pod", target, "-o", "jsonpath={.status.podIP}")
    connect(kubectl, source, address, 3478)


@pytest.mark.parametrize("pod", ["one", "two"])
def test_pods_find_the_api_server_by_name_and_reach_it_through_its_service(kubectl, pod):
    address = kubectl("exec", pod, "--", "getent", "hosts", "kubernetes.default").split()[0]
    assert address == kubectl("get", "service", "kubernetes", "-o", "jsonpath={.spec.clusterIP}")
    connect(kubectl, pod, address, 443)


def test_logs_come_from_the_node(kubectl):
    assert "Coturn-4.6.1" in kubectl("logs", "two")


def test_a_client_outside_relays_data_through_a_host_network_relay(cluster, kubectl):
    node2 = cluster.info["nodes"][1]["address"]
    result = subprocess.run(["turnutils_uclient", "-y", "-u", "caller", "-w", "secret", "-m", "1", "-n", "5", node2],
                            capture_output=True, text=True, timeout=60)
    assert "Total lost packets 0 (0.000000%)" in result.stdout, result.stdout
    assert "tot_recv_msgs=0" not in result.stdout.splitlines()[-1]


def test_the_audit_log_tells_who_wrote(cluster, kubectl):
    kubectl("create", "configmap", "written-by-a-test")
    with open(cluster.info["audit_log"]) as log:
        writes = [e for e in map(json.loads, log) if e["verb"] == "create" and e["objectRef"]["resource"] == "configmaps"]
    mine = [e for e in writes if e["objectRef"].get("name") == "written-by-a-test"]
    assert [e["user"]["username"] for e in mine] == ["admin"]


def test_a_lost_region_is_noticed_by_the_control_plane_and_comes_back(cluster, kubectl):
    cluster.command({"cmd": "blackhole", "region": "us-east", "on": True})
    kubectl("wait", "--for=condition=Ready=Unknown", "node/node2", "--timeout=60s")
    cluster.command({"cmd": "blackhole", "region": "us-east", "on": False})
    kubectl("wait", "--for=condition=Ready", "node/node2", "--timeout=60s")


def test_a_node_that_loses_its_power_takes_its_relay_along_and_boots_again(cluster, kubectl):
    node2 = cluster.info["nodes"][1]["address"]
    socket.create_connection((node2, 3478), 5).close()
    cluster.command({"cmd": "power", "node": "node2", "on": False})
    with pytest.raises(OSError):
        socket.create_connection((node2, 3478), 1)
    cluster.command({"cmd": "power", "node": "node2", "on": True})
    kubectl("wait", "--for=jsonpath={.status.containerStatuses[0].restartCount}=1", "pod/relay", "--timeout=60s")
    kubectl("wait", "--for=condition=Ready", "pod/relay", "--timeout=60s")


def test_a_killed_cluster_leaves_nothing_behind():
    part = Part("cluster", "--nodes", "1")
    directory = part.info["directory"]
    assert leftovers.of(directory) != []
    part.kill()
    deadline = time.monotonic() + 30
    while leftovers.of(directory) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert leftovers.of(directory) == []
