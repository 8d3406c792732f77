"""The TurnCluster CRD in a real API server: it installs, takes the good files and refuses the bad ones with words that help.

Each file in bad/ begins with "# server: WORDS" for what the API server must say; tests/unit/api puts the same files to the
parser, which must refuse them too.
"""

import json
import pathlib
import subprocess
import time

import pytest
import yaml

from testbed.client import Part

ROOT = pathlib.Path(__file__).parents[3]
BAD = sorted((pathlib.Path(__file__).parent / "bad").glob("*.yaml"))
EXAMPLES = sorted(path for path in (ROOT / "examples").glob("*.yaml") if "kind: TurnCluster" in path.read_text())


@pytest.fixture(scope="module")
def kubectl():
    with Part("control-plane") as plane:
        def run(*arguments, text=None):
            return subprocess.run([plane.info["kubectl"], "--kubeconfig", plane.info["kubeconfig"], *arguments],
                                  input=text, capture_output=True, text=True, timeout=60)

        applied = run("apply", "--server-side", "-f", str(ROOT / "crds"))
        assert applied.returncode == 0, applied.stderr
        # Not `kubectl wait`: it takes a definition that has no conditions yet for an error.
        end = time.monotonic() + 30
        while (asked := run("get", "turnclusters")).returncode != 0:
            assert time.monotonic() < end, asked.stderr
            time.sleep(0.1)
        yield run


def get(kubectl, name):
    found = kubectl("get", "turncluster", name, "-o", "json")
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)


def apply(kubectl, document):
    return kubectl("apply", "--server-side", "--field-manager=test", "--validate=strict", "-f", "-",
                   text=yaml.safe_dump(document))


def cluster(name, **spec):
    return {"apiVersion": "turnkeeper.io/v1alpha1", "kind": "TurnCluster", "metadata": {"name": name, "namespace": "default"},
            "spec": {"realm": "turn.example.org", "regions": [{"name": "eu"}], **spec}}


def test_the_api_server_finds_nothing_wrong_with_it(kubectl):
    crd = json.loads(kubectl("get", "crd", "turnclusters.turnkeeper.io", "-o", "json").stdout)
    conditions = {c["type"]: c["status"] for c in crd["status"]["conditions"]}
    assert conditions == {"NamesAccepted": "True", "Established": "True"}, "no NonStructuralSchema, no conflict"


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_file_is_refused_with_the_right_words(kubectl, path):
    words = [line.removeprefix("# server: ") for line in path.read_text().splitlines() if line.startswith("# server: ")]
    assert words, "the file does not say what the API server should say"
    refused = kubectl("create", "--dry-run=server", "--validate=strict", "-f", str(path))
    assert refused.returncode != 0, refused.stdout
    for expected in words:
        assert expected in refused.stderr


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_accepted(kubectl, path):
    accepted = kubectl("create", "--dry-run=server", "--validate=strict", "-f", str(path))
    assert accepted.returncode == 0, accepted.stderr


def test_defaults_are_filled_in_for_the_cluster_and_left_open_for_regions(kubectl):
    applied = apply(kubectl, cluster("defaults", regions=[{"name": "eu", "relay": {"ports": {"turn": 4000}}}]))
    assert applied.returncode == 0, applied.stderr
    spec = get(kubectl, "defaults")["spec"]
    assert spec["relay"]["replicas"] == 2
    assert spec["relay"]["ports"] == {"turn": 3478, "turns": 5349, "relayMin": 49152, "relayMax": 65535}
    assert spec["regions"] == [{"name": "eu", "relay": {"ports": {"turn": 4000}}}]
    assert spec["credentials"] == {"ttl": "24h", "rotation": {"every": "2160h"}}
    assert spec["probing"] == {"canary": "100ms", "misses": 3, "full": "10s"}


def test_everything_that_there_is_can_be_written_at_its_largest(kubectl):
    """Within the API server's cost limits at run time too: as many regions, backups and peers as the schema lets."""
    names = [f"region-{i:02}" for i in range(32)]
    peers = [f"192.0.2.{i}-192.0.2.{i + 1}" for i in range(64)]
    addresses = [f"192.0.2.{i},2001:db8:0123:4567:89ab:cdef:0123:{i:x}" for i in range(100)]
    relay = {"peers": {"deny": peers, "allow": peers}, "transports": ["UDP", "TCP", "TLS", "DTLS"],
             "publicAddress": {"fixed": addresses}, "autoscaling": {"max": 100, "sessionsPerRelay": 500, "megabitsPerRelay": 400}}
    regions = [{"name": name, "backups": [other for other in names if other != name], "relay": relay,
                "kubeconfigSecret": {"name": name, "key": "kubeconfig"}} for name in names]
    urls = [f"turns:{i}.{'a' * 200}.example.org:443?transport=tcp" for i in range(8)]
    providers = [{"name": f"provider-{i}", "type": "Static", "secretRef": {"name": "vendors", "key": f"v{i}"}, "urls": urls,
                  "username": "u" * 253, "costPerGigabyte": "0.40"} for i in range(8)]
    applied = apply(kubectl, cluster("large", regions=regions, relay=relay, tls={"secretName": "turn-tls"},
                                     failover={"use": "Cheapest", "providers": providers}))
    assert applied.returncode == 0, applied.stderr


def test_it_is_scaled_as_other_things_are(kubectl):
    """kubectl scale, a HorizontalPodAutoscaler, KEDA: by the scale subresource."""
    assert apply(kubectl, cluster("scaled")).returncode == 0
    scaled = kubectl("scale", "tc/scaled", "--replicas=5")
    assert scaled.returncode == 0, scaled.stderr
    assert get(kubectl, "scaled")["spec"]["relay"]["replicas"] == 5
    beyond = kubectl("scale", "tc/scaled", "--replicas=101")
    assert beyond.returncode != 0, "the bounds hold for autoscalers too"


def test_everything_optional_can_be_left_out_or_written(kubectl):
    tls = {"issuerRef": {"name": "letsencrypt", "kind": "ClusterIssuer"}}
    relay = {"transports": ["UDP", "TCP", "TLS", "DTLS"], "ports": {"turn": 443, "turns": 5349},
             "exposure": "LoadBalancer", "ipFamilies": ["IPv4", "IPv6"],
             "publicAddress": {"fixed": ["192.0.2.1,2001:db8::1", "192.0.2.2"]}, "autoscaling": {"max": 2, "sessionsPerRelay": 500},
             "peers": {"deny": ["10.0.0.0/8", "192.0.2.9-192.0.10.1", "2001:db8::1-2001:db8::9"], "allow": ["10.9.9.9-10.9.9.9"]},
             "resources": {"limits": {"cpu": 2, "memory": "1.5Gi"}, "requests": {"cpu": 0}},
             "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}}}
    regions = [{"name": "eu", "vantage": True},
               {"name": "us", "kubeconfigSecret": {"name": "us"}, "relay": {"publicAddress": {"nodeAnnotation": "example.org/address"}}}]
    full = cluster("full", relay=relay, regions=regions, tls=tls, dns={"hostname": "turn.example.org"},
                   budget={"monthly": "45", "perRelay": "8"},
                   failover={"providers": [{"name": "rest", "type": "TurnRest", "url": "https://turn.example.net:65535/?a[]=b"},
                                           {"name": "list", "type": "Static", "secretRef": {"name": "list"}},
                                           {"name": "six", "type": "SharedSecret", "secretRef": {"name": "six"},
                                            "urls": ["turns:[2001:db8::1]:443?transport=tcp", "turn:192.0.2.1:03478"]}],
                             "stunServers": ["stun:[2001:db8::1]", "stun:stun.example.org:1"]},
                   credentials={"rotation": {"every": "0s"}, "secretRef": {"name": "shared", "key": "secret"}})
    applied = apply(kubectl, full)
    assert applied.returncode == 0, applied.stderr
    spec = get(kubectl, "full")["spec"]
    assert spec["relay"]["affinity"] == relay["affinity"], "nothing of it is pruned"
    assert spec["relay"]["autoscaling"] == {"min": 2, "max": 2, "sessionsPerRelay": 500, "megabitsPerRelay": 0}
    assert spec["regions"][1]["kubeconfigSecret"] == {"name": "us", "key": "kubeconfig"}
    assert spec["failover"]["use"] == "Fallback"
    assert spec["failover"]["providers"][1] == {"name": "list", "type": "Static", "secretRef": {"name": "list", "key": "secret"},
                                                "ttl": "24h", "costPerGigabyte": "0", "probeEvery": "60s"}
    assert spec["dns"] == {"hostname": "turn.example.org", "ttl": "30s"}
    assert spec["budget"] == {"monthly": "45", "currency": "USD", "perRelay": "8", "perGigabyte": "0", "atLimit": "Report",
                              "bitsPerSecondPerSession": 1000000}


def test_two_managers_may_own_a_region_each(kubectl):
    assert apply(kubectl, cluster("shared")).returncode == 0
    other = cluster("shared", regions=[{"name": "us", "backups": ["eu"]}])
    applied = kubectl("apply", "--server-side", "--field-manager=other", "-f", "-", text=yaml.safe_dump(other))
    assert applied.returncode == 0, applied.stderr
    assert {region["name"] for region in get(kubectl, "shared")["spec"]["regions"]} == {"eu", "us"}


def test_status_is_written_apart_from_the_spec_and_shown(kubectl):
    assert apply(kubectl, cluster("shown")).returncode == 0
    condition = {"type": "Ready", "status": "True", "reason": "AllRegionsServe", "message": "1 region serves its clients",
                 "observedGeneration": 1, "lastTransitionTime": "2026-08-01T12:00:00Z"}
    status = {"observedGeneration": 1, "conditions": [condition],
              "summary": {"regions": 1, "serving": 1, "relays": 2, "healthy": 2, "sessions": 40},
              "replicas": 2, "selector": "turnkeeper.io/cluster=shown",
              "credentials": {"phase": "Staging", "currentKey": "k1", "nextRotation": "2026-11-01T12:00:00Z", "request": "2026-08-01"},
              "budget": {"month": "2026-08", "relayMonths": "2.000", "gigabytes": "120.5", "cost": "17.21"},
              "regions": [{"name": "eu", "verdict": "Healthy", "relays": 2, "healthy": 2, "servedBy": "eu"}],
              "relays": [{"name": "eu-0", "region": "eu", "address": "192.0.2.1", "verdict": "Unhealthy", "cause": "connect-timeout",
                          "since": "2026-08-01T12:00:00Z", "version": "4.18.0", "sessions": 40}]}
    document = {"apiVersion": "turnkeeper.io/v1alpha1", "kind": "TurnCluster",
                "metadata": {"name": "shown", "namespace": "default"}, "status": status}
    written = kubectl("apply", "--server-side", "--subresource=status", "--field-manager=operator", "-f", "-",
                      text=yaml.safe_dump(document))
    assert written.returncode == 0, written.stderr
    stored = get(kubectl, "shown")
    assert stored["status"] == status, "a field that is not in the schema is dropped without a word"
    assert stored["metadata"]["generation"] == 1, "writing status must not count as a change of the spec"

    header, row = kubectl("get", "tc", "shown", "-o", "wide").stdout.splitlines()
    assert header.split() == ["NAME", "READY", "REGIONS", "SERVING", "RELAYS", "HEALTHY", "SESSIONS", "AGE", "ROTATION", "MESSAGE"]
    assert row.split()[:7] == ["shown", "True", "1", "1", "2", "2", "40"]
    assert row.split()[8] == "Staging"
    assert row.endswith("1 region serves its clients")
    waited = kubectl("wait", "--for=condition=Ready", "--timeout=5s", "tc/shown")
    assert waited.returncode == 0, waited.stderr


def test_explain_teaches(kubectl):
    explained = kubectl("explain", "turncluster.spec.relay.drainTimeout").stdout
    assert "waits for its calls to end by themselves" in " ".join(explained.split())
