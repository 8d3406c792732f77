"""turnctl for a TurnCluster in Kubernetes, against a real API server. No operator runs: its part is written here."""

import json
import os
import pathlib
import subprocess
import time

import pytest
import yaml

from testbed.client import Part

ROOT = pathlib.Path(__file__).parents[3]
TURNCTL = pathlib.Path(os.environ["TURNKEEPER_BIN"]) / "turnctl"


@pytest.fixture(scope="module")
def plane():
    with Part("control-plane") as part:
        plane = Plane(part.info)
        plane.kubectl("apply", "--server-side", "-f", ROOT / "crds")
        plane.wait_until_served("turnclusters")
        plane.kubectl("create", "namespace", "telephony")
        plane.kubectl("apply", "-n", "telephony", "-f", ROOT / "examples/two-regions.yaml")
        yield plane


class Plane:
    def __init__(self, info):
        self._info = info

    def kubectl(self, *words, stdin=None):
        done = subprocess.run([self._info["kubectl"], "--kubeconfig", self._info["kubeconfig"], *map(str, words)], input=stdin,
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def wait_until_served(self, kind):
        """Not `kubectl wait`: it takes a definition that has no conditions yet for an error."""
        end = time.monotonic() + 30
        while subprocess.run([self._info["kubectl"], "--kubeconfig", self._info["kubeconfig"], "get", kind],
                             capture_output=True).returncode != 0:
            assert time.monotonic() < end
            time.sleep(0.1)

    def turnctl(self, *words):
        return subprocess.run([TURNCTL, *words, "--kubeconfig", self._info["kubeconfig"]], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60)

    def annotations(self):
        found = json.loads(self.kubectl("get", "tc", "-n", "telephony", "calls", "-o", "json"))["metadata"].get("annotations", {})
        return {name: text for name, text in found.items() if name.startswith("turnkeeper.io/")}


def test_a_cluster_without_an_operator_is_told_as_such(plane):
    shown = plane.turnctl("status", "-n", "telephony")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("TurnCluster telephony/calls, realm turn.example.org\n")
    assert "No operator has looked at it yet" in shown.stdout


def test_status_shows_what_the_operator_wrote(plane):
    condition = {"type": "Ready", "status": "False", "reason": "RegionsUnserved", "message": "nobody serves us-east",
                 "lastTransitionTime": "2026-08-01T12:00:00Z"}
    status = {"observedGeneration": 1, "conditions": [condition], "credentials": {"phase": "Idle", "currentKey": "k1"},
              "regions": [{"name": "us-east", "verdict": "Unhealthy", "relays": 1, "healthy": 0, "servedBy": ""}]}
    document = {"apiVersion": "turnkeeper.io/v1alpha1", "kind": "TurnCluster", "metadata": {"name": "calls", "namespace": "telephony"},
                "status": status}
    plane.kubectl("apply", "--server-side", "--subresource=status", "--field-manager=operator", "-f", "-", stdin=yaml.safe_dump(document))
    shown = plane.turnctl("status", "calls", "-n", "telephony").stdout
    assert "nobody serves us-east" in shown and "Signing key k1, rotation Idle" in shown


def test_a_rotation_is_asked_for_and_explained(plane):
    asked = plane.turnctl("rotate", "calls", "-n", "telephony", "--dry-run")
    assert asked.returncode == 0, asked.stderr
    assert "No call is cut" in asked.stdout and not plane.annotations(), "a dry run asks for nothing"
    asked = plane.turnctl("rotate", "calls", "-n", "telephony")
    assert asked.returncode == 0, asked.stderr
    assert list(plane.annotations()) == ["turnkeeper.io/rotate"]


def test_a_revocation_needs_a_persons_word(plane):
    refused = plane.turnctl("rotate", "calls", "-n", "telephony", "--now")
    assert refused.returncode == 1 and "--yes" in refused.stderr
    assert "turnkeeper.io/revoke" not in plane.annotations()
    asked = plane.turnctl("rotate", "calls", "-n", "telephony", "--now", "--yes")
    assert asked.returncode == 0, asked.stderr
    assert set(plane.annotations()) == {"turnkeeper.io/rotate", "turnkeeper.io/revoke"}, "neither takes the other away"


@pytest.mark.parametrize("words, said", [
    (("status", "other", "-n", "telephony"), "there is no TurnCluster other in the namespace telephony"),
    (("status", "-n", "empty"), "there is no TurnCluster in the namespace empty"),
    (("rotate", "other", "-n", "telephony"), "there is no TurnCluster other"),
])
def test_what_is_not_there_is_said(plane, words, said):
    failed = plane.turnctl(*words)
    assert failed.returncode == 1 and failed.stderr.startswith(said), failed.stderr
    assert len(failed.stderr.splitlines()) == 1
