"""etcd and kube-apiserver, and with controllers kube-controller-manager and kube-scheduler: a real control plane.

Its own certificate authority, RBAC on, an audit log of every request (level Metadata, one JSON object a line).
"""

import secrets

import yaml

from . import program, programs
from .api import Api, write_kubeconfig
from .certificates import Authority
from .failure import require_program
from .program import Program, wait_until


class ControlPlane:
    """Listens on `address`: port 6443 for the API, 2379 for etcd (plain HTTP, no authentication). Construct, then wait()."""

    def __init__(self, instance, address, controllers=False):
        number = instance.number
        self._instance = instance
        self.kubernetes = programs.kubernetes()
        self.tools = programs.kubectl_and_helm()
        etcd_program = require_program("etcd", "etcd-server")
        require_program("openssl", "openssl")
        self.address = address
        self.server = f"https://{address}:6443"
        self.etcd = f"http://{address}:2379"
        self.service_network = f"10.76.{number}.0/24"
        self.dns_address = f"10.76.{number}.10"
        self.directory = instance.directory / "control-plane"
        self.directory.mkdir()
        self.audit_log = instance.logs / "audit.log"
        self.token = secrets.token_hex(16)

        self._etcd = Program(instance, "etcd", [
            etcd_program, "--name=testbed", f"--data-dir={self.directory}/etcd", "--unsafe-no-fsync",
            f"--listen-client-urls={self.etcd}", f"--advertise-client-urls={self.etcd}",
            f"--listen-peer-urls=http://{address}:2380", f"--initial-advertise-peer-urls=http://{address}:2380",
            f"--initial-cluster=testbed=http://{address}:2380", "--log-level=warn"])
        self.authority = Authority(self.directory / "pki")
        self._api_server = self._start_api_server()
        admin = self.authority.issue("admin", "admin", "system:masters")
        self.api = Api(self.server, self.authority.path("ca.crt"), *admin)
        self.kubeconfig = write_kubeconfig(instance.directory / "kubeconfig", self.server,
                                           self.authority.path("ca.crt"), *admin)
        if controllers:
            self._start_controllers()

    def wait(self):
        """Until the API server is ready."""
        wait_until("the API server", lambda: self.api.request("GET", "/readyz")[0] == 200, 120,
                   [self._etcd, self._api_server])

    def command(self, request):
        """program (see program.py); and wait, until the API server is ready again."""
        if request["cmd"] == "wait":
            self.wait()
            return {}
        return program.command(self._instance, request)

    def kubeconfig_for(self, name, user, group=""):
        """Path of a kubeconfig with a client certificate for that user, made anew."""
        pair = self.authority.issue(name, user, group)
        return write_kubeconfig(self.directory / f"{name}.kubeconfig", self.server, self.authority.path("ca.crt"), *pair)

    def _start_api_server(self):
        number = self._instance.number
        certificate, key = self.authority.issue(
            "apiserver", "kube-apiserver", addresses=[self.address, "127.0.0.1", f"10.76.{number}.1"],
            names=["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
                   "kubernetes.default.svc.cluster.local"])
        kubelet_client = self.authority.issue("apiserver-kubelet-client", "kube-apiserver-kubelet-client", "system:masters")
        self._account_key, account_public = self.authority.signing_pair("service-account")
        tokens = self.directory / "tokens.csv"
        tokens.touch(mode=0o600)
        tokens.write_text(f'{self.token},testbed-token,testbed-token,"system:masters"\n')
        policy = self.directory / "audit-policy.yaml"
        policy.write_text(yaml.safe_dump({"apiVersion": "audit.k8s.io/v1", "kind": "Policy",
                                          "omitStages": ["RequestReceived"], "rules": [{"level": "Metadata"}]}))
        loopback = self.address.startswith("127.")
        return Program(self._instance, "kube-apiserver", [
            self.kubernetes / "kube-apiserver", f"--etcd-servers={self.etcd}", f"--bind-address={self.address}", "--secure-port=6443",
            # An endpoint of the `kubernetes` Service cannot be a loopback address; without nodes nobody would use it.
            "--endpoint-reconciler-type=none" if loopback else f"--advertise-address={self.address}",
            f"--tls-cert-file={certificate}", f"--tls-private-key-file={key}",
            f"--client-ca-file={self.authority.path('ca.crt')}", f"--token-auth-file={tokens}",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={account_public}", f"--service-account-signing-key-file={self._account_key}",
            f"--service-cluster-ip-range={self.service_network}", "--allow-privileged=true",
            "--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
            f"--kubelet-client-certificate={kubelet_client[0]}", f"--kubelet-client-key={kubelet_client[1]}",
            f"--kubelet-certificate-authority={self.authority.path('ca.crt')}",
            "--kubelet-preferred-address-types=InternalIP",  # node names are in no DNS
            "--enable-aggregator-routing=true",  # webhooks are called at their pods: no Service addresses on this machine
            f"--audit-policy-file={policy}", f"--audit-log-path={self.audit_log}", "--profiling=false",
            "--feature-gates=SizeBasedListCostEstimate=false"])  # needs a newer etcd than Debian has

    def _start_controllers(self):
        common = [f"--bind-address={self.address}", "--leader-elect=false", "--profiling=false"]
        manager = self.kubeconfig_for("controller-manager", "system:kube-controller-manager")
        scheduler = self.kubeconfig_for("scheduler", "system:kube-scheduler")
        authority = self.authority.path("ca.crt")
        Program(self._instance, "kube-controller-manager", [
            self.kubernetes / "kube-controller-manager", *common, f"--kubeconfig={manager}", f"--root-ca-file={authority}",
            f"--service-account-private-key-file={self._account_key}", "--use-service-account-credentials=true",
            f"--cluster-signing-cert-file={authority}", f"--cluster-signing-key-file={self.authority.path('ca.key')}",
            # A dead node is noticed in 20 s instead of 50.
            "--node-monitor-period=2s", "--node-monitor-grace-period=20s"])
        Program(self._instance, "kube-scheduler", [
            self.kubernetes / "kube-scheduler", *common, f"--kubeconfig={scheduler}"])

    def describe(self):
        return {"kubeconfig": self.kubeconfig, "server": self.server, "token": self.token,
                "ca": self.authority.path("ca.crt"), "etcd": self.etcd, "audit_log": str(self.audit_log),
                "kubectl": str(self.tools / "kubectl"), "helm": str(self.tools / "helm"),
                "directory": str(self._instance.directory), "logs": str(self._instance.logs),
                "pids": {name: p.process.pid for name, p in self._instance.programs.items()}}
