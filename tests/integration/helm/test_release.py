"""The chart's life on a real API server: install, upgrade, uninstall. The tests build on each other."""

import base64
import contextlib
import json
import os
import pathlib
import re
import socket
import ssl
import subprocess
import time

import pytest

from testbed.client import Part
from testbed.programs import kubectl_and_helm

BIN = pathlib.Path(os.environ["TURNKEEPER_BIN"])
ROOT = pathlib.Path(__file__).resolve().parents[3]
NAMESPACE = "turnkeeper"
OPERATOR = f"system:serviceaccount:{NAMESPACE}:turnkeeper-operator"


class Release:
    def __init__(self, info):
        self.info = info
        self._environment = {**os.environ, "KUBECONFIG": info["kubeconfig"]}

    def run(self, program, *words, stdin=None, check=True):
        result = subprocess.run([kubectl_and_helm() / program, *map(str, words)], input=stdin, capture_output=True, text=True,
                                env=self._environment, timeout=120)
        if check:
            assert result.returncode == 0, f"{program} {' '.join(map(str, words))}: {result.stdout}{result.stderr}"
        return result

    def kubectl(self, *words, **options):
        return self.run("kubectl", *words, **options).stdout

    def helm(self, verb, *words):
        return self.run("helm", verb, "turnkeeper", *words, "--namespace", NAMESPACE).stdout

    def get(self, *words):
        return json.loads(self.kubectl("get", *words, "-n", NAMESPACE, "-o", "json"))

    def secrets(self):
        items = self.get("secrets", "-l", "app.kubernetes.io/instance=turnkeeper")["items"]
        return {i["metadata"]["name"]: i["data"] for i in items}

    def may(self, verb, resource, *words):
        """Whether the operator may."""
        answer = self.run("kubectl", "auth", "can-i", verb, resource, f"--as={OPERATOR}", *words, check=False)
        return answer.stdout.strip() == "yes"


@contextlib.contextmanager
def running_operator(release, directory):
    """The operator as in its Deployment, with its service account; the port that it serves monitors on."""
    token = release.kubectl("create", "token", "turnkeeper-operator", "-n", NAMESPACE).strip()
    server = {"server": release.info["server"], "certificate-authority": release.info["ca"]}
    (directory / "kubeconfig").write_text(json.dumps({
        "current-context": "it", "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "clusters": [{"name": "it", "cluster": server}], "users": [{"name": "it", "user": {"token": token}}]}))
    container = release.get("deployment", "turnkeeper-operator")["spec"]["template"]["spec"]["containers"][0]
    ours = {"namespace": NAMESPACE, "tls-dir": directory / "tls", "grpc-listen": "127.0.0.1:0", "metrics-listen": "127.0.0.1:0",
            "kubeconfig": directory / "kubeconfig", "log-format": "logfmt", "log-level": "info"}
    arguments = [a for a in container["args"] if a.lstrip("-").split("=")[0] not in ours]
    log = directory / "log"
    with log.open("w") as out:
        operator = subprocess.Popen([BIN / "turnkeeper-operator", *arguments, *(f"--{name}={value}" for name, value in ours.items())],
                                    stderr=out)
    try:
        end = time.monotonic() + 30
        while not (serving := re.search(r'msg="serving monitors" port=(\d+)', log.read_text())):
            assert operator.poll() is None and time.monotonic() < end, log.read_text()
            time.sleep(0.05)
        yield int(serving[1])
    finally:
        operator.terminate()
        operator.wait(30)


def shake_hands(context, port):
    """The operator's certificate, once it has taken ours. TLS 1.3 tells a refusal with the first bytes that are read."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        with context.wrap_socket(plain, server_hostname="turnkeeper-operator") as secure:
            secure.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))  # RFC 9113: empty SETTINGS
            if not secure.recv(1):
                raise ConnectionError("refused")
            return secure.getpeercert()


@pytest.fixture(scope="module")
def release():
    with Part("control-plane", "--controllers") as plane:
        release = Release(plane.info)
        release.kubectl("create", "namespace", NAMESPACE)
        release.kubectl("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce=restricted")
        yield release


def test_the_api_server_takes_every_object(release):
    notes = release.helm("install", ROOT / "helm/turnkeeper")
    assert "helm test turnkeeper -n turnkeeper" in notes
    release.kubectl("wait", "--for=condition=Established", "crd/turnclusters.turnkeeper.io", "--timeout=30s")
    assert sorted(release.secrets()) == ["turnkeeper-api-key"]


def test_pods_are_admitted_where_pod_security_is_restricted(release):
    end = time.monotonic() + 30
    while len(pods := release.get("pods")["items"]) < 2:
        assert time.monotonic() < end, release.kubectl("get", "events", "-n", NAMESPACE)
        time.sleep(0.2)
    assert {p["metadata"]["labels"]["app.kubernetes.io/component"] for p in pods} == {"operator", "monitor"}


def test_the_operator_may_do_its_work_and_nothing_else(release):
    elsewhere = ("-n", "default")
    children = ("configmaps", "secrets", "services", "serviceaccounts", "statefulsets.apps", "deployments.apps",
                "poddisruptionbudgets.policy", "networkpolicies.networking.k8s.io")
    for resource in children:
        for verb in ("list", "watch", "create", "patch", "delete"):
            assert release.may(verb, resource, *elsewhere), f"{verb} {resource}"
    assert release.may("patch", "turnclusters.turnkeeper.io", "--subresource=status", *elsewhere)
    assert release.may("patch", "pods", *elsewhere) and release.may("patch", "pods", "--subresource=status", *elsewhere)
    assert release.may("update", "leases.coordination.k8s.io", "-n", NAMESPACE)
    for verb, resource in (("delete", "turnclusters.turnkeeper.io"), ("update", "secrets"), ("create", "pods"), ("get", "pods"),
                           ("update", "leases.coordination.k8s.io"),
                           ("create", "clusterrolebindings.rbac.authorization.k8s.io")):
        assert not release.may(verb, resource, *elsewhere), f"{verb} {resource}"
    assert not release.may("create", "pods", "--subresource=exec", *elsewhere)
    assert not release.may("create", "serviceaccounts", "--subresource=token", *elsewhere)


def issued(release):
    """What the operator keeps in its Secrets."""
    names = [f"turnkeeper-{name}" for name in ("authority", "operator-tls", "monitor-tls")]
    return {name: release.get("secret", name)["data"] for name in names}


def test_the_operator_issues_certificates_that_it_and_the_monitor_accept(release, tmp_path):
    """With the chart's flags and no other rights than the chart's."""
    with running_operator(release, tmp_path) as port:
        secrets = issued(release)
        for name, value in secrets["turnkeeper-monitor-tls"].items():
            (tmp_path / f"monitor-{name}").write_bytes(base64.b64decode(value))
        context = ssl.create_default_context(cafile=tmp_path / "monitor-ca.crt")
        context.set_alpn_protocols(["h2"])
        with pytest.raises(OSError):
            shake_hands(context, port)  # nobody without a certificate of ours
        context.load_cert_chain(tmp_path / "monitor-tls.crt", tmp_path / "monitor-tls.key")
        names = {value for kind, value in shake_hands(context, port)["subjectAltName"] if kind == "DNS"}
    host = release.get("deployment", "turnkeeper-monitor")["spec"]["template"]["spec"]["containers"][0]["args"][0]
    assert host.removeprefix("--operator=").rsplit(":", 1)[0] in names
    assert (tmp_path / "tls" / "tls.key").stat().st_mode & 0o077 == 0


def test_certificates_stay_the_same_when_the_operator_starts_again(release, tmp_path):
    """New ones would cut the monitor off from the operator until it has them too."""
    before = issued(release)
    with running_operator(release, tmp_path):
        assert issued(release) == before


def test_an_upgrade_keeps_the_key_and_the_certificates(release):
    """New ones would cut every application server off from the monitor, and the monitor from the operator."""
    certificates = issued(release)
    before = release.secrets()
    release.helm("upgrade", ROOT / "helm/turnkeeper", "--set", "log.level=debug")
    assert release.secrets() == before and issued(release) == certificates
    arguments = release.get("deployment", "turnkeeper-monitor")["spec"]["template"]["spec"]["containers"][0]["args"]
    assert "--log-level=debug" in arguments


def test_what_the_operator_wrote_survives_an_upgrade(release):
    """The snapshot is the operator's: the release neither owns nor overwrites it."""
    before = release.get("secret", "turnkeeper-snapshot")["data"]
    release.helm("upgrade", ROOT / "helm/turnkeeper")
    assert release.get("secret", "turnkeeper-snapshot")["data"] == before


def test_uninstalling_leaves_the_relays(release):
    release.kubectl("apply", "-n", "default", "-f", ROOT / "examples/two-regions.yaml")
    release.helm("uninstall")
    assert "calls" in release.kubectl("get", "turnclusters", "-n", "default")
    assert not release.get("deployments")["items"]


def test_it_can_be_installed_again(release):
    """The definition that was left belongs to the release again."""
    release.helm("install", ROOT / "helm/turnkeeper")
    assert "calls" in release.kubectl("get", "turnclusters", "-n", "default")
