"""`turnkeeper-operator plan` before and after a real operator has made a TurnCluster real, against a real API server."""

import json
import os
import pathlib
import subprocess
import time

import pytest
import yaml

from testbed.client import Part

ROOT = pathlib.Path(__file__).parents[3]
OPERATOR = pathlib.Path(os.environ["TURNKEEPER_BIN"]) / "turnkeeper-operator"
AGENT = "--agent-image=docker.io/turnkeeper/turnkeeper:1"


class Plane:
    def __init__(self, info, directory):
        self.kubeconfig = info["kubeconfig"]
        self._kubectl = info["kubectl"]
        self._directory = directory

    def kubectl(self, *words):
        done = subprocess.run([self._kubectl, "--kubeconfig", self.kubeconfig, *map(str, words)], capture_output=True, text=True,
                              timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def wait_until_served(self, kind):
        """Not `kubectl wait`: it takes a definition that has no conditions yet for an error."""
        end = time.monotonic() + 30
        while subprocess.run([self._kubectl, "--kubeconfig", self.kubeconfig, "get", kind], capture_output=True).returncode != 0:
            assert time.monotonic() < end
            time.sleep(0.1)

    def file(self, **relay):
        path = self._directory / "cluster.yaml"
        path.write_text(yaml.safe_dump({
            "apiVersion": "turnkeeper.io/v1alpha1", "kind": "TurnCluster", "metadata": {"name": "calls", "namespace": "default"},
            "spec": {"realm": "turn.example.org", "relay": relay, "regions": [{"name": "eu"}]}}))
        return path

    def plan(self, file, *words):
        """(exit code, stdout, stderr)"""
        done = subprocess.run([OPERATOR, "plan", "-f", file, "--kubeconfig", self.kubeconfig, *words], capture_output=True, text=True,
                              timeout=60)
        return done.returncode, done.stdout, done.stderr

    def versions(self):
        """The resource version of everything: what anybody's write changes."""
        kinds = "secrets,configmaps,services,statefulsets,poddisruptionbudgets,networkpolicies,serviceaccounts,turnclusters"
        items = json.loads(self.kubectl("get", kinds, "-n", "default", "-o", "json"))["items"]
        return {(i["kind"], i["metadata"]["name"]): i["metadata"]["resourceVersion"] for i in items}


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    with Part("control-plane") as part:
        plane = Plane(part.info, tmp_path_factory.mktemp("plan"))
        plane.kubectl("apply", "--server-side", "-f", ROOT / "crds")
        plane.wait_until_served("turnclusters")
        yield plane


def test_without_a_cluster_it_prints_what_it_would_make(plane):
    code, out, err = plane.plan(plane.file(), "--offline", "-o", "yaml", AGENT)
    assert code == 2, err
    objects = {o["kind"]: o for o in yaml.safe_load_all(out)}
    assert {"Secret", "ConfigMap", "StatefulSet", "Service", "PodDisruptionBudget", "NetworkPolicy"} <= objects.keys()
    assert objects["StatefulSet"]["spec"]["template"]["spec"]["initContainers"][0]["image"] == AGENT.split("=")[1]
    assert set(objects["Secret"]["data"].values()) == {"(hidden)"}


def test_everything_is_to_be_created_where_nothing_is(plane):
    before = plane.versions()
    code, out, err = plane.plan(plane.file(), AGENT)
    assert code == 2, err
    assert "create Secret default/calls-signing-keys\n" in out and "create StatefulSet default/calls-eu\n" in out
    assert plane.versions() == before, "nothing is written"


def test_after_the_operator_has_done_its_work_there_is_nothing_to_do(plane):
    plane.kubectl("apply", "--server-side", "-f", plane.file())
    operator = subprocess.Popen([OPERATOR, AGENT, "--kubeconfig", plane.kubeconfig, "--insecure-grpc", "--grpc-listen=127.0.0.1:0",
                                 "--metrics-listen=127.0.0.1:0"], stderr=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + 30
        while (found := plane.plan(plane.file()))[0] != 0:
            assert time.monotonic() < end, found
            time.sleep(0.5)
        assert found[1] == ""
    finally:
        operator.terminate()
        operator.communicate(timeout=30)


def test_a_change_is_told_field_by_field_and_not_made(plane):
    before = plane.versions()
    code, out, err = plane.plan(plane.file(image="docker.io/coturn/coturn:4.7.0", replicas=3))
    assert code == 2, err
    lines = out.splitlines()
    assert "change StatefulSet default/calls-eu" in lines
    assert "  ~ spec.replicas: 2 -> 3" in lines
    image = 'spec.template.spec.containers[relay].image: "docker.io/coturn/coturn:4.18.0" -> "docker.io/coturn/coturn:4.7.0"'
    assert f"  ~ {image}" in lines
    assert plane.versions() == before, "nothing is written"


def test_what_goes_is_told(plane):
    path = plane.file()
    document = yaml.safe_load(path.read_text())
    document["spec"]["regions"] = [{"name": "us"}]
    path.write_text(yaml.safe_dump(document))
    code, out, err = plane.plan(path)
    assert code == 2, err
    assert "create StatefulSet default/calls-us\n" in out and "delete StatefulSet default/calls-eu\n" in out


def test_secrets_are_never_shown(plane):
    secret = json.loads(plane.kubectl("get", "secret", "calls-signing-keys", "-o", "json"))["data"]["keys.json"]
    for words in ((), ("-o", "yaml")):
        code, out, err = plane.plan(plane.file(replicas=3), *words)
        assert code == 2 and secret not in out + err


def test_a_mistake_in_the_file_is_told_with_its_place(plane):
    code, out, err = plane.plan(plane.file(replicas=0))
    assert code == 1 and out == "" and "spec.relay.replicas: 0 is out of range" in err and "cluster.yaml:" in err
