"""What somebody who installs the chart relies on."""

import pathlib
import re
import tarfile

import pytest
import yaml

from chart import CHART, ROOT, helm, refusal, render

EVERYTHING = ("serviceMonitor.enabled=true", "prometheusRule.enabled=true", "dashboard.enabled=true", "operator.replicas=2",
              "monitor.replicas=2")


@pytest.fixture(scope="module")
def everything():
    return render(*EVERYTHING)


def pods(objects):
    for (kind, name), o in objects.items():
        if kind == "Deployment":
            yield name, o["spec"]["template"]["spec"]
        if kind == "Pod":
            yield name, o["spec"]


def container(objects, component):
    return objects["Deployment", f"tk-turnkeeper-{component}"]["spec"]["template"]["spec"]["containers"][0]


def test_versions_are_the_projects():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    version = (ROOT / "VERSION").read_text().strip()
    assert (chart["version"], str(chart["appVersion"])) == (version, version)


def test_lint_finds_nothing():
    result = helm("lint", "--strict", CHART)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "[WARNING]" not in result.stdout and "[ERROR]" not in result.stdout


def test_the_resource_definition_is_the_projects(everything):
    source = yaml.safe_load((ROOT / "crds" / "turnclusters.yaml").read_text())
    rendered = everything["CustomResourceDefinition", "turnclusters.turnkeeper.io"]
    assert rendered["spec"] == source["spec"]


def test_uninstalling_keeps_the_relays_unless_told(everything):
    crd = ("CustomResourceDefinition", "turnclusters.turnkeeper.io")
    assert everything[crd]["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    assert "helm.sh/resource-policy" not in render("crds.keep=false")[crd]["metadata"].get("annotations", {})
    assert crd not in render("crds.enabled=false")


def test_a_package_is_whole(tmp_path):
    """What is linked from elsewhere in the tree is inside the package that people install."""
    result = helm("package", CHART, "--destination", tmp_path)
    assert result.returncode == 0, result.stderr
    package = next(tmp_path.glob("*.tgz"))
    with tarfile.open(package) as archive:
        files = {m.name: archive.extractfile(m).read() for m in archive.getmembers() if m.isfile()}
    assert files["turnkeeper/files/turnclusters.yaml"] == (ROOT / "crds/turnclusters.yaml").read_bytes()
    assert files["turnkeeper/files/dashboard.json"] == (ROOT / "dashboards/turnkeeper.json").read_bytes()
    assert files["turnkeeper/files/rules.yaml"] == (ROOT / "dashboards/rules/turnkeeper.yaml").read_bytes()
    assert render(chart=package).keys() == render().keys()


def test_alerts_and_dashboard_arrive_unchanged(everything):
    rules = yaml.safe_load((ROOT / "dashboards/rules/turnkeeper.yaml").read_text())
    assert everything["PrometheusRule", "tk-turnkeeper"]["spec"] == rules
    dashboard = everything["ConfigMap", "tk-turnkeeper-dashboard"]
    assert dashboard["data"]["turnkeeper.json"].strip() == (ROOT / "dashboards/turnkeeper.json").read_text().strip()
    assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"


def test_nothing_needs_the_prometheus_operator_by_default():
    kinds = {kind for kind, _ in render()}
    assert not kinds & {"ServiceMonitor", "PrometheusRule"}


def test_pods_meet_pod_security_restricted(everything):
    for name, pod in pods(everything):
        security = pod["securityContext"]
        assert security["runAsNonRoot"] is True and security["runAsUser"] == 65532, name
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not pod.get("hostNetwork") and not pod.get("hostPID"), name
        for c in pod["containers"]:
            own = c["securityContext"]
            assert own["allowPrivilegeEscalation"] is False, name
            assert own["readOnlyRootFilesystem"] is True, name
            assert own["capabilities"] == {"drop": ["ALL"]}, name


def test_the_monitor_has_no_kubernetes_rights(everything):
    pod = everything["Deployment", "tk-turnkeeper-monitor"]["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    bound = [s["name"] for (kind, _), o in everything.items() if kind.endswith("RoleBinding") for s in o["subjects"]]
    assert bound and pod["serviceAccountName"] not in bound


def test_the_operators_rights_are_listed_one_by_one(everything):
    rules = [r for (kind, _), o in everything.items() if kind in ("ClusterRole", "Role") for r in o["rules"]]
    assert not [r for r in rules if "*" in r["verbs"] + r["resources"] + r["apiGroups"]]
    # Rights that would let the operator become anybody, or undo somebody else's work.
    resources = {resource for r in rules for resource in r["resources"]}
    assert not resources & {"roles", "clusterroles", "rolebindings", "clusterrolebindings"}
    assert not resources & {"pods/exec", "serviceaccounts/token"}
    cluster_wide = everything["ClusterRole", "tk-turnkeeper-operator"]["rules"]
    clusters = next(r for r in cluster_wide if r["resources"] == ["turnclusters"])
    assert "delete" not in clusters["verbs"]


def test_every_selector_finds_its_pods(everything):
    deployments = {name: o for (kind, name), o in everything.items() if kind == "Deployment"}
    labels = {name: o["spec"]["template"]["metadata"]["labels"] for name, o in deployments.items()}
    for (kind, name), o in everything.items():
        selector = {
            "Service": lambda: o["spec"]["selector"],
            "PodDisruptionBudget": lambda: o["spec"]["selector"]["matchLabels"],
            "NetworkPolicy": lambda: o["spec"]["podSelector"]["matchLabels"],
        }.get(kind, lambda: None)()
        if selector is not None:
            assert [n for n, have in labels.items() if selector.items() <= have.items()] == [name.removesuffix("-peers")], (kind, name)


def test_service_monitors_name_ports_that_services_have(everything):
    for component in ("operator", "monitor"):
        service = everything["Service", f"tk-turnkeeper-{component}"]
        monitor = everything["ServiceMonitor", f"tk-turnkeeper-{component}"]
        assert monitor["spec"]["endpoints"][0]["port"] in [p["name"] for p in service["spec"]["ports"]]
        assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()


def flag(arguments, name):
    return next(a.split("=", 1)[1] for a in arguments if a.startswith(f"--{name}="))


def test_the_operator_issues_what_the_monitor_mounts_and_connects_to(everything):
    """The names that it derives from --issue-tls are those of the Service and of the monitor's Secret."""
    name = flag(container(everything, "operator")["args"], "issue-tls")
    monitor = everything["Deployment", "tk-turnkeeper-monitor"]["spec"]["template"]["spec"]
    volume = next(v for v in monitor["volumes"] if v["name"] == "tls")
    assert volume["secret"]["secretName"] == f"{name}-monitor-tls" and "optional" not in volume["secret"], "pods wait for it"
    host = flag(monitor["containers"][0]["args"], "operator").rsplit(":", 1)[0]
    assert host == f"{name}-operator.media.svc" and ("Service", f"{name}-operator") in everything


def test_the_operators_key_is_on_no_disk(everything):
    operator = everything["Deployment", "tk-turnkeeper-operator"]["spec"]["template"]["spec"]
    volume = next(v for v in operator["volumes"] if v["name"] == "tls")
    assert volume["emptyDir"]["medium"] == "Memory"
    mount = next(m for m in operator["containers"][0]["volumeMounts"] if m["name"] == "tls")
    assert mount["mountPath"] == flag(operator["containers"][0]["args"], "tls-dir") and mount["readOnly"] is False


def test_vantages_find_the_operator_and_the_monitors(everything):
    arguments = container(everything, "operator")["args"]
    monitor = everything["Deployment", "tk-turnkeeper-monitor"]["spec"]["template"]["spec"]
    assert flag(arguments, "monitor-operator-address") == flag(monitor["containers"][0]["args"], "operator")
    assert flag(arguments, "monitor-exchange-peer") == flag(monitor["containers"][0]["args"], "exchange-peers-dns")
    assert not any(a.startswith("--monitor-tls-secret") for a in arguments), "vantages would share the certificate of all"
    for component, port in (("operator", "grpc"), ("monitor", "exchange")):
        policy = everything["NetworkPolicy", f"tk-turnkeeper-{component}"]["spec"]["ingress"]
        rule = next(r for r in policy if {"protocol": "TCP", "port": port} in r["ports"])
        assert {"namespaceSelector": {}, "podSelector": {"matchLabels": {
            "app.kubernetes.io/name": "turnkeeper-monitor", "app.kubernetes.io/managed-by": "turnkeeper-operator"}}} in rule["from"]


def test_vantages_trust_the_private_authorities_of_the_monitors(everything):
    objects = render("monitor.trustedAuthorities.configMap=company")
    operator = objects["Deployment", "tk-turnkeeper-operator"]["spec"]["template"]["spec"]
    folder, _, file = flag(operator["containers"][0]["args"], "monitor-authorities").rpartition("/")
    mount = next(m for m in operator["containers"][0]["volumeMounts"] if m["mountPath"] == folder)
    assert next(v for v in operator["volumes"] if v["name"] == mount["name"])["configMap"]["name"] == "company" and file == "ca.crt"
    alone = render("monitor.trustedAuthorities.configMap=company", "vantages.enabled=false")
    assert "authorities" not in str(alone["Deployment", "tk-turnkeeper-operator"])


def test_vantages_in_other_clusters_reach_the_operator():
    objects = render("vantages.operatorAddress=turn.example.org:30443", "operator.service.type=NodePort", "operator.service.nodePort=30443")
    arguments = container(objects, "operator")["args"]
    assert flag(arguments, "monitor-operator-address") == "turn.example.org:30443"
    assert flag(arguments, "tls-name") == "turn.example.org", "the certificate has to be for the name that they dial"
    assert not [a for a in arguments if "monitor-exchange-peer" in a], "nobody there knows the Service's name"
    assert objects["Service", "tk-turnkeeper-operator"]["spec"]["ports"][0]["nodePort"] == 30443
    policy = objects["NetworkPolicy", "tk-turnkeeper-operator"]["spec"]["ingress"]
    assert {"ports": [{"protocol": "TCP", "port": "grpc"}]} in policy, "their addresses are not known"
    narrowed = render("vantages.operatorAddress=turn.example.org:9443", "networkPolicy.grpcFrom[0].ipBlock.cidr=192.0.2.0/24")
    rule = narrowed["NetworkPolicy", "tk-turnkeeper-operator"]["spec"]["ingress"][0]
    assert {"ipBlock": {"cidr": "192.0.2.0/24"}} in rule["from"] and len(rule["from"]) == 3
    bracketed = container(render("vantages.operatorAddress=[2001:db8::1]:9443"), "operator")["args"]
    assert flag(bracketed, "tls-name") == "2001:db8::1"


def test_the_monitor_starts_without_the_operator(everything):
    """It mounts the snapshot that the operator writes, and does not wait for it."""
    snapshot = flag(container(everything, "operator")["args"], "snapshot-secret")
    volumes = everything["Deployment", "tk-turnkeeper-monitor"]["spec"]["template"]["spec"]["volumes"]
    volume = next(v for v in volumes if v["name"] == "snapshot")
    assert volume["secret"]["secretName"] == snapshot and volume["secret"]["optional"] is True


def test_each_monitor_has_a_vantage_of_its_own(everything):
    """Two that report under one name would overwrite each other."""
    monitor = container(everything, "monitor")
    assert flag(monitor["args"], "vantage") == "$(NODE_NAME)"
    assert next(e for e in monitor["env"] if e["name"] == "NODE_NAME")["valueFrom"]["fieldRef"]["fieldPath"] == "spec.nodeName"
    deployment = everything["Deployment", "tk-turnkeeper-monitor"]["spec"]
    apart = deployment["template"]["spec"]["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert apart == [{"topologyKey": "kubernetes.io/hostname", "labelSelector": deployment["selector"]}]
    assert deployment["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
    assert flag(container(render("monitor.vantage=paris"), "monitor")["args"], "vantage") == "paris"


def test_ones_own_affinity_stays_beside_the_monitors():
    objects = render("monitor.replicas=2", "monitor.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0]"
                     ".topologyKey=example.org/rack")
    affinity = objects["Deployment", "tk-turnkeeper-monitor"]["spec"]["template"]["spec"]["affinity"]
    keys = [term["topologyKey"] for term in affinity["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]]
    assert keys == ["example.org/rack", "kubernetes.io/hostname"]


def test_several_monitors_find_and_reach_each_other(everything):
    monitor = container(everything, "monitor")
    service = everything["Service", "tk-turnkeeper-monitor-peers"]["spec"]
    name, port = flag(monitor["args"], "exchange-peers-dns").split(":")
    assert name == "tk-turnkeeper-monitor-peers.media.svc"
    assert service["clusterIP"] == "None" and service["publishNotReadyAddresses"] is True
    assert [p["port"] for p in service["ports"]] == [int(port)]
    assert flag(monitor["args"], "exchange-listen").endswith(f":{port}")
    assert {"name": "exchange", "containerPort": int(port)} in monitor["ports"]
    policy = everything["NetworkPolicy", "tk-turnkeeper-monitor"]["spec"]["ingress"]
    rule = next(r for r in policy if {"protocol": "TCP", "port": "exchange"} in r["ports"])
    assert service["selector"] in [peer["podSelector"]["matchLabels"] for peer in rule["from"]]


def test_a_single_monitor_listens_for_no_others():
    objects = render("vantages.enabled=false")
    assert ("Service", "tk-turnkeeper-monitor-peers") not in objects
    assert not [a for a in container(objects, "operator")["args"] if "--monitor-" in a]
    assert not [a for a in container(objects, "monitor")["args"] if "exchange" in a]
    assert "affinity" not in objects["Deployment", "tk-turnkeeper-monitor"]["spec"]["template"]["spec"]


def test_two_operators_never_decide_at_once():
    """During an upgrade either: what one marks to be drained, the other would take back."""
    for replicas in (1, 2):
        objects = render(f"operator.replicas={replicas}")
        elects = "--leader-elect" in container(objects, "operator")["args"]
        strategy = objects["Deployment", "tk-turnkeeper-operator"]["spec"].get("strategy", {})
        assert elects or strategy["rollingUpdate"]["maxSurge"] == 0, f"{replicas} replicas"


def test_relays_get_the_agent_of_this_version(everything):
    operator = container(everything, "operator")
    version = (ROOT / "VERSION").read_text().strip()
    assert operator["image"] == flag(operator["args"], "agent-image") == f"docker.io/turnkeeper/turnkeeper:{version}"
    assert container(everything, "monitor")["image"] == operator["image"]
    other = container(render("image.repository=registry.example:5000/tk", "image.tag=main"), "operator")
    assert other["image"] == flag(other["args"], "agent-image") == "registry.example:5000/tk:main"


def test_ones_own_certificates_and_key_are_used():
    objects = render("mtls.existing.operator=op-cert", "mtls.existing.monitor=mon-cert",
                     "monitor.apiKey.existingSecret=keys")
    assert not [name for kind, name in objects if kind == "Secret"]
    mounted = {v["secret"]["secretName"] for _, pod in pods(objects) for v in pod["volumes"] if "secret" in v}
    assert {"op-cert", "mon-cert", "keys"} <= mounted
    assert not [a for a in container(objects, "operator")["args"] if "issue-tls" in a or "tls-dir" in a]
    assert flag(container(objects, "operator")["args"], "monitor-tls-secret") == "mon-cert"


def test_who_may_ask_reaches_the_monitor():
    objects = render("monitor.access.keysSecret=keys", "monitor.access.jwt.jwksSecret=signers", "monitor.access.jwt.audience=turn",
                     "monitor.access.jwt.require.plan=pro", "monitor.access.origins={https://app.example.org}",
                     "monitor.access.limits.perCaller=20/s:100", "monitor.access.trustedProxies={10.0.0.0/8}")
    monitor = container(objects, "monitor")
    mounts = {m["name"]: m["mountPath"] for m in monitor["volumeMounts"]}
    secrets = {v["name"]: v["secret"]["secretName"]
               for v in objects["Deployment", "tk-turnkeeper-monitor"]["spec"]["template"]["spec"]["volumes"] if "secret" in v}
    assert (secrets["api-keys"], secrets["jwks"]) == ("keys", "signers")
    assert {f"--api-keys-file={mounts['api-keys']}/api-keys", f"--jwt-jwks={mounts['jwks']}/jwks.json", "--jwt-audience=turn",
            "--jwt-user-claim=sub", "--jwt-require=plan=pro", "--allow-origin=https://app.example.org",
            "--rate-limit-per-caller=20/s:100", "--trusted-proxy=10.0.0.0/8"} <= set(monitor["args"])
    assert any(a.startswith("--api-key-file=") for a in monitor["args"]), "the generated key stays good"
    plain = container(render(), "monitor")
    assert not any("jwt" in a or "limit" in a or "origin" in a for a in plain["args"])


def test_application_servers_reach_the_monitor_over_grpc():
    assert not any("ice-grpc" in a for a in container(render(), "monitor")["args"])
    objects = render("monitor.grpc.enabled=true", "monitor.grpc.port=443", "monitor.grpc.tlsSecret=grpc-tls")
    monitor = container(objects, "monitor")
    mounts = {m["name"]: m["mountPath"] for m in monitor["volumeMounts"]}
    assert {"--ice-grpc-listen=0.0.0.0:8482", f"--ice-grpc-tls-cert={mounts['grpc-tls']}/tls.crt",
            f"--ice-grpc-tls-key={mounts['grpc-tls']}/tls.key"} <= set(monitor["args"])
    port, = (p for p in objects["Service", "tk-turnkeeper-monitor"]["spec"]["ports"] if p["name"] == "grpc")
    assert (port["port"], port["targetPort"]) == (443, "grpc")
    assert {"name": "grpc", "containerPort": 8482} in monitor["ports"]
    allowed = objects["NetworkPolicy", "tk-turnkeeper-monitor"]["spec"]["ingress"][0]["ports"]
    assert {"protocol": "TCP", "port": "grpc"} in allowed


def test_clients_reach_the_monitor_over_https():
    assert not any("tls-listen" in a for a in container(render(), "monitor")["args"])
    objects = render("monitor.tls.secretName=web", "serviceMonitor.enabled=true")
    monitor = container(objects, "monitor")
    mounts = {m["name"]: m["mountPath"] for m in monitor["volumeMounts"]}
    assert {f"--tls-listen-cert={mounts['https']}/tls.crt", f"--tls-listen-key={mounts['https']}/tls.key"} <= set(monitor["args"])
    for probe in ["startupProbe", "livenessProbe", "readinessProbe"]:
        assert monitor[probe]["httpGet"]["scheme"] == "HTTPS", "the kubelet would end a pod that works"
    endpoint, = objects["ServiceMonitor", "tk-turnkeeper-monitor"]["spec"]["endpoints"]
    assert endpoint["scheme"] == "https"


def test_the_monitor_can_be_reached_from_outside():
    objects = render("monitor.service.type=NodePort", "monitor.service.nodePort=30480")
    service = objects["Service", "tk-turnkeeper-monitor"]
    assert service["spec"]["type"] == "NodePort" and service["spec"]["ports"][0]["nodePort"] == 30480


def test_the_smoke_test_runs_as_safely_as_the_rest():
    objects = render()
    tests = {name: o for (kind, name), o in objects.items() if "helm.sh/hook" in o["metadata"].get("annotations", {})}
    assert [o["metadata"]["annotations"]["helm.sh/hook"] for o in tests.values()] == ["test"]
    assert [o["spec"]["automountServiceAccountToken"] for o in tests.values()] == [False]


@pytest.mark.parametrize("setting, words", [
    ("monitor.replica=2", "replica"),                      # a misspelt name
    ("operator.replicas=0", "/operator/replicas"),
    ("image.pullPolicy=Sometimes", "/image/pullPolicy"),
    ("image.repository=turnkeeper:1.0", "/image/repository"),  # the tag has a value of its own
    ("log.level=verbose", "/log/level"),
    ("monitor.service.type=ExternalName", "/monitor/service/type"),
    ("monitor.service.nodePort=80", "/monitor/service/nodePort"),
    ("monitor.service.nodePort=30480", "needs monitor.service.type NodePort"),
    ("monitor.replicas=2,monitor.vantage=paris", "leave it empty"),
    ("mtls.existing.operator=only-one", "give both"),
    ("operator.service.nodePort=30443", "needs operator.service.type NodePort"),
    ("vantages.operatorAddress=turn.example.org", "/vantages/operatorAddress"),  # the port is part of it
    ("test.cluster=no-namespace", "/test/cluster"),
    ("monitor.access.origins={https://app.example.org/path}", "/monitor/access/origins"),
    ("monitor.access.limits.perCaller=20", "/monitor/access/limits/perCaller"),
    ("monitor.access.jwt.jwks=http://login.example.org/jwks", "/monitor/access/jwt/jwks"),
    ("monitor.access.jwt.jwks=https://login.example.org/jwks", "audience"),
    ("monitor.access.jwt.jwks=https://x.org/j,monitor.access.jwt.jwksSecret=s,monitor.access.jwt.issuer=x", "not both"),
])
def test_bad_values_are_refused_with_their_place(setting, words):
    assert words in refusal(setting)


def test_every_value_is_described_and_documented():
    """values.yaml, its schema and the chart's README name the same values."""
    schema = yaml.safe_load((CHART / "values.schema.json").read_text())
    readme = (CHART / "README.md").read_text()
    documented = set(re.findall(r"^\| `([A-Za-z.]+)` \|", readme, re.M))

    def leaves(value, schema, path=""):
        for key, inner in value.items():
            assert key in schema["properties"], f"{path}{key} is not in values.schema.json"
            described = schema["properties"][key]
            if isinstance(inner, dict) and "properties" in described:
                yield from leaves(inner, described, f"{path}{key}.")
            else:
                assert described.get("description"), f"{path}{key} has no description"
                yield path + key

    assert set(leaves(yaml.safe_load((CHART / "values.yaml").read_text()), schema)) == documented


def test_no_file_of_the_chart_is_left_out_of_git():
    links = [p for p in (CHART / "files").iterdir()]
    assert links and all(p.is_symlink() and p.exists() and not pathlib.Path(p.readlink()).is_absolute() for p in links)


def test_the_notes_offer_only_what_there_is():
    def notes(*settings):
        told = helm("install", "tk", CHART, "--namespace", "media", "--dry-run=client", *(w for s in settings for w in ("--set", s)))
        assert told.returncode == 0, told.stderr
        return told.stdout[told.stdout.index("NOTES:"):]

    plain = notes()
    assert "helm test tk -n media" in plain and "http://127.0.0.1:8480/v1/ice" in plain
    https = notes("monitor.tls.secretName=web", "monitor.service.type=NodePort")
    assert "helm test tk" not in https and "https://NODE:$PORT/v1/ice" in https
    assert "\n2. " in https and "\n3. " in https
