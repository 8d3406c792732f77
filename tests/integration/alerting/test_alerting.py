"""The shipped alerts and dashboard on a real monitor, from a relay's death to Alertmanager. The tests build on each other."""

import json
import pathlib
import re
import urllib.parse
import urllib.request

import pytest
import yaml

from fleet import CLUSTER, Fleet, get, wait_for
from testbed.client import Part

ROOT = pathlib.Path(__file__).resolve().parents[3]
RULES = ROOT / "dashboards" / "rules" / "turnkeeper.yaml"
DASHBOARD = ROOT / "dashboards" / "turnkeeper.json"

ALERTMANAGER = """
route: {receiver: nobody, group_by: ['...'], group_wait: 0s, group_interval: 1s}
receivers: [{name: nobody}]
"""
PROMETHEUS = """
global: {scrape_interval: 500ms, evaluation_interval: 1s}
rule_files: [RULE_FILE]
alerting: {alertmanagers: [{static_configs: [{targets: ['ALERTMANAGER']}]}]}
scrape_configs:
- {job_name: monitor, static_configs: [{targets: ['MONITOR']}]}
- {job_name: relays, static_configs: RELAYS}
"""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    fleet = Fleet(tmp_path_factory.mktemp("fleet"))
    try:
        wait_for("the monitor to find its relays Healthy",
                 lambda: (s := fleet.seen()) and {r["verdict"] for r in s.values()} == {"Healthy"}, 30)
        get(f"http://{fleet.address}/v1/ice?region=eu&user=bob")
        fleet.tell(1)
        fleet.tell(1, connected=False, lost=True)
        # A client that holds its stream open, so that there is somebody to tell.
        with urllib.request.urlopen(f"http://{fleet.address}/v1/events?region=eu&user=alice", timeout=120):
            yield fleet
    finally:
        fleet.close()


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory):
    config = tmp_path_factory.mktemp("alertmanager") / "alertmanager.yaml"
    config.write_text(ALERTMANAGER)
    with Part("alertmanager", "--config", config) as part:
        yield part.info["url"]


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory, fleet, alertmanager):
    """Its rules are the shipped ones; only what they wait for is shortened."""
    directory = tmp_path_factory.mktemp("prometheus")
    rules = directory / "rules.yaml"
    rules.write_text(re.sub(r"^( *for:) .*$", r"\1 1s", RULES.read_text(), flags=re.M))
    config = directory / "prometheus.yaml"
    # The labels that the chart's PodMonitor gives to what an agent says.
    relays = [{"targets": [relay.agent], "labels": {"cluster": CLUSTER, "region": region, "relay": relay.name}}
              for region, relay in fleet.relays.items()]
    config.write_text(PROMETHEUS.replace("RULE_FILE", str(rules)).replace("MONITOR", fleet.address)
                      .replace("ALERTMANAGER", alertmanager.removeprefix("http://")).replace("RELAYS", json.dumps(relays)))
    with Part("prometheus", "--config", config) as part:
        yield part.info["url"]


def query(prometheus, expression):
    # What Grafana fills in.
    for name, value in {"$__rate_interval": "10s", "$cluster": ".*", "$region": ".*", "$relay": ".*"}.items():
        expression = expression.replace(name, value)
    answer = get(f"{prometheus}/api/v1/query?" + urllib.parse.urlencode({"query": expression}))
    return [r for r in answer["data"]["result"] if r["value"][1] != "NaN"]


def alert(alertmanager, **labels):
    """The one active alert with these labels in Alertmanager, or None."""
    wanted = [("filter", f'{name}="{value}"') for name, value in labels.items()]
    found = get(f"{alertmanager}/api/v2/alerts?active=true&" + urllib.parse.urlencode(wanted))
    assert len(found) <= 1, found
    return found[0] if found else None


def rules():
    return yaml.safe_load(RULES.read_text())["groups"][0]["rules"]


def panels():
    return [p for p in json.loads(DASHBOARD.read_text())["panels"] if p["type"] != "row"]


def test_while_all_is_well_nobody_is_paged(prometheus, alertmanager):
    """But for the key, which is too old in this fleet."""
    overdue = wait_for("RotationOverdue", lambda: alert(alertmanager, alertname="RotationOverdue"), 20)
    assert overdue["labels"]["cluster"] == CLUSTER
    assert "91d" in overdue["annotations"]["description"]
    assert [a["labels"]["alertname"] for a in get(f"{alertmanager}/api/v2/alerts")] == ["RotationOverdue"]
    assert len(query(prometheus, 'turnkeeper_relay_verdict{verdict="Healthy"} == 1')) == 2


def test_calls_that_do_not_connect_or_slowly_reach_alertmanager(fleet, prometheus, alertmanager):
    """While every relay is Healthy: only clients see what is between them and the relays."""
    wait_for("the first report", lambda: query(prometheus, 'turnkeeper_client_connections_total{result="failed"}'), 10)
    fleet.tell(25)
    fleet.tell(10, connected=False, lost=True)
    failing = wait_for("ClientsCannotConnect", lambda: alert(alertmanager, alertname="ClientsCannotConnect"), 20)
    assert {k: failing["labels"][k] for k in ("cluster", "region")} == {"cluster": CLUSTER, "region": "eu"}
    assert re.match(r"(2[5-9]|3[0-5])[\d.]*% of the calls", failing["annotations"]["summary"])
    slow = wait_for("ClientsConnectSlowly", lambda: alert(alertmanager, alertname="ClientsConnectSlowly"), 20)
    assert slow["labels"]["region"] == "eu"


def test_a_dead_relay_reaches_alertmanager_with_its_cause(fleet, prometheus, alertmanager):
    fleet.relays["eu"].kill()
    down = wait_for("RelayDown", lambda: alert(alertmanager, alertname="RelayDown", relay="eu-0"), 20)
    seen = fleet.seen()["eu-0"]
    assert seen["verdict"] == "Unhealthy" and seen["cause"] in ("connect-refused", "connect-timeout")
    assert {k: down["labels"][k] for k in ("cluster", "region", "cause")} == \
        {"cluster": CLUSTER, "region": "eu", "cause": seen["cause"]}
    assert down["annotations"]["runbook_url"].endswith(f"/docs/runbook.md#{seen['cause']}")
    assert seen["advice"] in down["annotations"]["description"]
    assert alert(alertmanager, alertname="RelayDown", relay="us-0") is None


def test_the_failover_reaches_alertmanager(fleet, alertmanager):
    moved = wait_for("RegionFailedOver", lambda: alert(alertmanager, alertname="RegionFailedOver"), 20)
    assert {k: moved["labels"][k] for k in ("region", "backup", "cause")} == \
        {"region": "eu", "backup": "us", "cause": fleet.seen()["eu-0"]["cause"]}


# This fleet has no certificates, no hole, no provider and no monitor.yaml; unit tests hold those metrics and rules together.
RULES_NOW = [r for r in rules() if r["alert"] not in
             ("CertificateExpiring", "SsrfOpen", "ConfigReloadFailed", "NotificationsFailing", "ProviderDown")]


@pytest.mark.parametrize("rule", RULES_NOW, ids=lambda r: r["alert"])
def test_every_rule_asks_for_metrics_that_exist(prometheus, rule):
    """A rule over a metric that nobody exports is silent for ever."""
    selectors = re.findall(r"turnkeeper_\w+(?:\{[^}]*\})?", rule["expr"])
    assert selectors
    for selector in selectors:
        assert query(prometheus, selector), selector


def test_every_rule_can_be_evaluated(prometheus):
    for group in get(f"{prometheus}/api/v1/rules")["data"]["groups"]:
        for rule in group["rules"]:
            assert rule["health"] == "ok", f"{rule['name']}: {rule.get('lastError')}"


# What this fleet has not: certificates, other vantages, a region that nobody serves.
PANELS_NOW = [p for p in panels() if p["title"] not in
              ("Regions that nobody serves", "Certificates: time left", "Vantages that disagree", "Vantages")]


@pytest.mark.parametrize("panel", PANELS_NOW, ids=lambda p: p["title"])
def test_every_panel_shows_something(prometheus, panel):
    for target in panel["targets"]:
        expression = target["expr"].removesuffix(" or vector(0)")  # which would hide a misspelt metric
        wait_for(expression, lambda: query(prometheus, expression), 15)


def test_every_variable_has_values(prometheus):
    for variable in json.loads(DASHBOARD.read_text())["templating"]["list"]:
        if variable["type"] == "query":
            selector, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["definition"]).groups()
            assert all(r["metric"].get(label) for r in query(prometheus, selector)), variable["name"]


def test_a_region_that_nobody_serves_pages(fleet, prometheus, alertmanager):
    fleet.relays["us"].kill()
    for region in ("eu", "us"):
        unserved = wait_for("RegionUnserved", lambda: alert(alertmanager, alertname="RegionUnserved", region=region), 20)
        assert unserved["labels"]["severity"] == "critical"
    panel = next(p for p in panels() if p["title"] == "Regions that nobody serves")
    assert query(prometheus, panel["targets"][0]["expr"])[0]["value"][1] == "2"


def test_a_dead_monitor_pages(fleet, alertmanager):
    assert alert(alertmanager, alertname="MonitorAbsent") is None
    fleet.kill_monitor()
    wait_for("MonitorAbsent", lambda: alert(alertmanager, alertname="MonitorAbsent"), 20)
