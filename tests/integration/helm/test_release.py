"""The chart's life on a real API server: install, upgrade, uninstall. The tests build on each other."""

import json
import os
import pathlib
import subprocess
import time

import pytest

from testbed.client import Part
from testbed.programs import kubectl_and_helm

ROOT = pathlib.Path(__file__).resolve().parents[3]
NAMESPACE = "turnkeeper"
OPERATOR = f"system:serviceaccount:{NAMESPACE}:turnkeeper-operator"


class Release:
    def __init__(self, kubeconfig):
        self._environment = {**os.environ, "KUBECONFIG": kubeconfig}

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


@pytest.fixture(scope="module")
def release():
    with Part("control-plane", "--controllers") as plane:
        release = Release(plane.info["kubeconfig"])
        release.kubectl("create", "namespace", NAMESPACE)
        release.kubectl("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce=restricted")
        yield release


def test_the_api_server_takes_every_object(release):
    notes = release.helm("install", ROOT / "helm/turnkeeper")
    assert "helm test turnkeeper -n turnkeeper" in notes
    release.kubectl("wait", "--for=condition=Established", "crd/turnclusters.turnkeeper.io", "--timeout=30s")
    assert sorted(release.secrets()) == ["turnkeeper-api-key", "turnkeeper-monitor-tls", "turnkeeper-operator-tls"]


def test_pods_are_admitted_where_pod_security_is_restricted(release):
    end = time.monotonic() + 30
    while len(pods := release.get("pods")["items"]) < 2:
        assert time.monotonic() < end, release.kubectl("get", "events", "-n", NAMESPACE)
        time.sleep(0.2)
    assert {p["metadata"]["labels"]["app.kubernetes.io/component"] for p in pods} == {"operator", "monitor"}


def test_the_operator_may_do_its_work_and_nothing_else(release):
    elsewhere = ("-n", "default")
    children = ("configmaps", "secrets", "services", "statefulsets.apps", "poddisruptionbudgets.policy",
                "networkpolicies.networking.k8s.io")
    for resource in children:
        for verb in ("get", "list", "watch", "create", "patch", "delete"):
            assert release.may(verb, resource, *elsewhere), f"{verb} {resource}"
    assert release.may("patch", "turnclusters.turnkeeper.io", "--subresource=status", *elsewhere)
    assert release.may("update", "leases.coordination.k8s.io", "-n", NAMESPACE)
    for verb, resource in (("delete", "turnclusters.turnkeeper.io"), ("update", "secrets"), ("create", "pods"),
                           ("create", "deployments.apps"), ("update", "leases.coordination.k8s.io"),
                           ("create", "clusterrolebindings.rbac.authorization.k8s.io")):
        assert not release.may(verb, resource, *elsewhere), f"{verb} {resource}"
    assert not release.may("create", "pods", "--subresource=exec", *elsewhere)


def test_an_upgrade_keeps_certificates_and_key(release):
    """New ones would cut the monitor off from the operator, and every application server from the monitor."""
    before = release.secrets()
    release.helm("upgrade", ROOT / "helm/turnkeeper", "--set", "log.level=debug")
    assert release.secrets() == before
    arguments = release.get("deployment", "turnkeeper-monitor")["spec"]["template"]["spec"]["containers"][0]["args"]
    assert "--log-level=debug" in arguments


def test_what_the_operator_wrote_survives_an_upgrade(release):
    """The snapshot is the operator's: the release neither owns nor overwrites it."""
    release.kubectl("create", "secret", "generic", "turnkeeper-snapshot", "-n", NAMESPACE, "--from-literal=targets.json={}")
    release.helm("upgrade", ROOT / "helm/turnkeeper")
    assert release.get("secret", "turnkeeper-snapshot")["data"] == {"targets.json": "e30="}


def test_uninstalling_leaves_the_relays(release):
    release.kubectl("apply", "-n", "default", "-f", ROOT / "examples/two-regions.yaml")
    release.helm("uninstall")
    assert "calls" in release.kubectl("get", "turnclusters", "-n", "default")
    assert not release.get("deployments")["items"]


def test_it_can_be_installed_again(release):
    """The definition that was left belongs to the release again."""
    release.helm("install", ROOT / "helm/turnkeeper")
    assert "calls" in release.kubectl("get", "turnclusters", "-n", "default")
