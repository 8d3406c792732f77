"""A cluster: a control plane on this machine's own address of the emulated network, nodes at theirs, cluster DNS."""

import concurrent.futures

from . import images
from .control_plane import ControlPlane
from .failure import Failure, progress, require_root
from .network import NETWORK_COMMANDS, Network, ip
from .node import Node
from .program import wait_until

REGIONS = ["eu-west", "us-east", "ap-south", "sa-east"]

_COREFILE = """.:53 {
    errors
    health
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
        ttl 5
    }
    cache 5
}
"""


class Cluster:
    """Ready when every node is, and cluster DNS answers."""

    def __init__(self, instance, nodes=2, archives=()):
        require_root()
        if not 1 <= nodes <= len(REGIONS):
            raise Failure(f"a cluster of {nodes} nodes is not offered", f"take 1 to {len(REGIONS)}")
        self._instance = instance
        self._archives = [images.pause_archive(), images.coredns_archive(), *archives]
        self.network = Network(instance)
        progress("starting the control plane")
        sites = [self.network.add_site(f"node{index}") for index in range(1, nodes + 1)]
        self.plane = ControlPlane(instance, self.network.host_address, controllers=True)
        self.nodes = {site.name: Node(instance, site, index, REGIONS[index - 1], self.plane)
                      for index, site in enumerate(sites, 1)}
        for node in self.nodes.values():
            self._boot(node)
        progress("importing images")
        self._import(self.nodes.values(), self._archives)
        self.plane.wait()
        for node in self.nodes.values():
            self.plane.api.create("/api/v1/nodes", node.manifest())
            node.start_kubelet()
        _create_dns(self.plane)
        progress("waiting for the nodes and cluster DNS")
        wait_until("all nodes to be Ready", self._nodes_ready, 90, self._watched(), interval=0.3)
        wait_until("cluster DNS", self._dns_ready, 60, self._watched(), interval=0.3)

    def _watched(self):
        return [p for name, p in self._instance.programs.items() if "kube" in name or "containerd" in name]

    def _boot(self, node):
        node.boot()
        ip("route", "replace", node.pod_network, "via", node.site.address)
        for other in self.nodes.values():
            if other is not node:
                node.run("ip", "route", "replace", other.pod_network, "via", other.site.address)
        node.start_containerd()

    @staticmethod
    def _import(nodes, archives):
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(lambda node: node.import_images(archives), nodes))

    def _nodes_ready(self):
        def ready(node):
            return any(c["type"] == "Ready" and c["status"] == "True" for c in node["status"].get("conditions", []))
        answer = self.plane.api.get("/api/v1/nodes")
        return isinstance(answer, dict) and all(ready(node) for node in answer["items"])

    def _dns_ready(self):
        answer = self.plane.api.get("/apis/apps/v1/namespaces/kube-system/deployments/coredns")
        return isinstance(answer, dict) and answer.get("status", {}).get("readyReplicas", 0) > 0

    def describe(self):
        return {**self.plane.describe(), "host_address": self.network.host_address,
                "nodes": [node.describe() for node in self.nodes.values()]}

    def command(self, request):
        """The network's commands (region: a node's name, or its region), the control plane's, and

        {"cmd": "import", "archive": path}: an image for every node
        {"cmd": "power", "node": "node2", "on": false}: ends all of it at once; on again, it boots with an empty image store
            that is filled from the archives imported so far
        """
        if request["cmd"] == "import":
            self._archives.append(request["archive"])
            self._import(self.nodes.values(), [request["archive"]])
        elif request["cmd"] == "power":
            node = self.nodes[request["node"]]
            node.power_off()
            if request["on"]:
                self._boot(node)
                self._import([node], self._archives)
                node.start_kubelet()
        elif request["cmd"] in NETWORK_COMMANDS:
            by_region = {node.region: name for name, node in self.nodes.items()}
            return self.network.command({**request, "region": by_region.get(request["region"], request["region"])})
        else:
            return self.plane.command(request)
        return {}


def _create_dns(plane):
    """CoreDNS as a Deployment behind the Service kube-dns, as every distribution has it."""
    labels = {"k8s-app": "kube-dns"}
    meta = {"name": "coredns", "namespace": "kube-system"}
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    core = "/api/v1/namespaces/kube-system"
    account = {"kind": "ServiceAccount", "name": "coredns", "namespace": "kube-system"}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:coredns"}
    plane.api.create(f"{core}/serviceaccounts", {"metadata": meta})
    plane.api.create(f"{rbac}/clusterroles", {"metadata": {"name": "system:coredns"}, "rules": [
        {"apiGroups": [""], "resources": ["endpoints", "services", "pods", "namespaces"], "verbs": ["list", "watch"]},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]}]})
    plane.api.create(f"{rbac}/clusterrolebindings", {"metadata": {"name": "system:coredns"}, "roleRef": role,
                                                      "subjects": [account]})
    plane.api.create(f"{core}/configmaps", {"metadata": meta, "data": {"Corefile": _COREFILE}})
    plane.api.create(f"{core}/services", {"metadata": {"name": "kube-dns", "namespace": "kube-system"}, "spec": {
        "clusterIP": plane.dns_address, "selector": labels,
        "ports": [{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 53, "protocol": "TCP"}]}})
    plane.api.create("/apis/apps/v1/namespaces/kube-system/deployments", {"metadata": meta, "spec": {
        "replicas": 1, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {
            "serviceAccountName": "coredns", "dnsPolicy": "Default", "containers": [{
                "name": "coredns", "image": images.COREDNS, "imagePullPolicy": "Never",
                "args": ["-conf", "/etc/coredns/Corefile"],
                "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181}, "periodSeconds": 1},
                "volumeMounts": [{"name": "config", "mountPath": "/etc/coredns"}]}],
            "volumes": [{"name": "config", "configMap": {"name": "coredns"}}]}}}})
