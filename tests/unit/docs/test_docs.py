"""Documentation that is wrong costs whoever is on call: what can be checked is checked here."""

import json
import pathlib
import re
import urllib.parse

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
RULES = ROOT / "dashboards" / "rules" / "turnkeeper.yaml"
DASHBOARD = ROOT / "dashboards" / "turnkeeper.json"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md"), *(ROOT / "helm").glob("**/*.md")])


def anchors(page):
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ +(.+?) *$", without_code(page.read_text()), re.M)
    return {re.sub(r"[^\w\- ]", "", re.sub(r"`|\[|\]\(.*?\)", "", h).lower()).replace(" ", "-") for h in headings}


def without_code(text):
    return re.sub(r"^(```|~~~).*?^\1", "", text, flags=re.M | re.S)


def causes():
    """{name: advice}, as the programs say them."""
    source = (ROOT / "lib" / "api" / "health.cpp").read_text()
    source = re.sub(r'"\s*\n\s*"', "", source)  # a literal in several pieces
    found = dict(re.findall(r'CauseWord\{\s*Cause::\w+,\s*"([^"]+)",\s*"([^"]*)"\}', source))
    known = re.search(r"enum class Cause \{(.*?)\};", (ROOT / "lib" / "api" / "health.hpp").read_text(), re.S)[1]
    assert len(found) == len(re.findall(r"^ *\w+,", known, re.M)) - 1, "not every cause has a name and advice"
    return found


def alerts():
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboard_panels():
    return [p for p in json.loads(DASHBOARD.read_text())["panels"] if p["type"] != "row"]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page):
    for target in re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", without_code(page.read_text())):
        if urllib.parse.urlparse(target).scheme:
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), f"{target}: no such file"
        if anchor:
            assert anchor in anchors(linked), f"{target}: no such heading"


def test_every_cause_has_its_runbook_section():
    assert not causes().keys() - anchors(ROOT / "docs" / "runbook.md")


def test_every_alert_leads_to_its_runbook_section():
    sections = anchors(ROOT / "docs" / "runbook.md")
    for alert in alerts():
        page, _, anchor = alert["annotations"]["runbook_url"].partition("#")
        assert page.startswith("https://") and page.endswith("/docs/runbook.md"), alert["alert"]
        assert anchor == "{{ $labels.cause }}" or anchor in sections, alert["alert"]
        assert re.sub(r"(?<!^)(?=[A-Z])", "-", alert["alert"]).lower() in sections, alert["alert"]


def test_every_alert_says_how_bad_where_and_what_to_do():
    for alert in alerts():
        assert alert["labels"]["severity"] in ("critical", "warning"), alert["alert"]
        assert {"summary", "description", "runbook_url"} <= alert["annotations"].keys(), alert["alert"]
        assert "region" in alert["annotations"]["description"], alert["alert"]


def test_the_alerts_advice_is_the_programs():
    description = next(a for a in alerts() if a["alert"] == "RelayDown")["annotations"]["description"]
    said = re.findall(r'if eq \$labels\.cause "([^"]+)" \}\} (.*?) ?\{\{-', description)
    assert dict(said) == causes()


# Words of Kubernetes that the operator reads or writes: what they mean is not ours to say.
KUBERNETES = set("""
    Certificate CertificateRequest ConfigMap ContainerCreating ContainersReady CrashLoopBackOff CreateContainerConfigError CreateContainerError Deployment
    DNSEndpoint Endpoint ErrImageNeverPull ErrImagePull Event ExternalIP Failed False ImagePullBackOff InternalIP InvalidImageName IPv NetworkPolicy Node Pod
    PodDisruptionBudget PodInitializing PodScheduled RunContainerError Running Secret Service ServiceAccount StatefulSet Succeeded True Unknown Unschedulable
    Ei Gi Ki Mi Pi Ti""".split())


def operators_words():
    """What it says in one word: conditions, their reasons, events, phases of a rotation."""
    operator = ROOT / "operator"
    sources = [*operator.glob("plan/*.[ch]pp"), *operator.glob("rotation/*.[ch]pp"), operator / "resources" / "names.hpp",
               operator / "controller" / "announcements.cpp", operator / "controller" / "reconciler.cpp"]
    return set(re.findall(r'"([A-Z][a-z]+(?:[A-Z][a-z]+)*)"', "".join(s.read_text() for s in sources))) - KUBERNETES


def test_every_condition_reason_and_event_is_documented():
    pages = "".join((ROOT / "docs" / page).read_text() for page in ("turncluster.md", "rotation.md"))
    words = operators_words()
    assert len(words) > 50, "the operator says things in another way now: look for them there"
    assert not {word for word in words if f"`{word}`" not in pages}


def test_no_reason_or_event_is_documented_that_is_never_said():
    page = (ROOT / "docs" / "turncluster.md").read_text()
    said = page[page.index("### What conditions say"):page.index("## Annotations that ask")]
    words = set(re.findall(r"`([A-Z][A-Za-z]+)`", said))
    types = re.search(r"description: >-\n\s*(Ready: every.*?)\n\s*type: array", (ROOT / "crds" / "turnclusters.yaml").read_text(), re.S)[1]
    assert not words - operators_words() - set(re.findall(r"(\w+): ", types))


def test_every_panel_is_explained_and_has_a_unit():
    for panel in dashboard_panels():
        assert len(panel["description"]) > 20, panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["targets"] and all(t["expr"] for t in panel["targets"]), panel["title"]


def test_panels_lie_beside_each_other():
    taken = {}
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24, panel["title"]
        for cell in ((x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])):
            assert cell not in taken, f"{panel['title']} lies over {taken.get(cell)}"
            taken[cell] = panel["title"]


def documented_metrics():
    cells = re.findall(r"^\|([^|]*)\|", (ROOT / "docs" / "metrics.md").read_text(), re.M)
    return {name for cell in cells for name in re.findall(r"`([a-z]\w+_\w+)`", cell)}


def test_metrics_are_documented_and_what_is_documented_exists():
    """Each is a literal in the programs; the suffix of a counter or an info may be added to it, the agent's prefix is."""
    made = {f"turnkeeper_{name}" for name in re.findall(r'out\.\w+\("([a-z]\w+)"', (ROOT / "agent" / "metrics_text.cpp").read_text())}
    for folder in ("operator", "monitor"):
        for source in (ROOT / folder).rglob("*.cpp"):
            made |= set(re.findall(r'"((?:turnkeeper|controller_runtime|workqueue|leader_election|rest_client|process)_\w+)"', source.read_text()))
    documented = documented_metrics()
    assert len(made) > 50, "metrics are made in another way now: look for them there"
    assert not {m for m in made if not {m, m + "_total", m + "_info"} & documented}
    assert not {d for d in documented if not {d, re.sub(r"_(total|info)$", "", d)} & made}


def test_queries_use_documented_metrics_only():
    documented = documented_metrics()
    queries = [a["expr"] for a in alerts()] + [t["expr"] for p in dashboard_panels() for t in p["targets"]]
    used = {name for q in queries for name in re.findall(r"\bturnkeeper_\w+", q)}
    assert used
    for name in used:
        assert name in documented or re.sub(r"_(bucket|sum|count)$", "", name) in documented, name
