"""What clients tell of their calls, to a real monitor: who may tell, what is made of it, what is refused."""

import http.client
import json
import pathlib
import re
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/integration/monitor"))

from running import Monitor  # noqa: E402

KEY = "a key for the tests"
DOCUMENTED = json.loads(re.search(r"## Telemetry.*?```json\n(.*?)```", (ROOT / "docs/clients.md").read_text(), re.S)[1])


def start(folder, *flags):
    """Nobody listens at its one relay: reports need none that works."""
    (folder / "turn.secret").write_text("north\n")
    (folder / "monitor.yaml").write_text(json.dumps({
        "vantage": "test", "servers": [{"name": "eu-0", "region": "eu", "url": "turn:192.0.2.1:3478?transport=udp",
                                        "secretFile": "turn.secret"}]}))
    return Monitor(folder, "--config", folder / "monitor.yaml", *flags)


@pytest.fixture
def monitor(tmp_path):
    monitor = start(tmp_path)
    yield monitor
    monitor.kill()


def tell(monitor, report, key=None, content_type="application/json"):
    """(status, headers, body) of one report."""
    connection = http.client.HTTPConnection(monitor.address, timeout=10)
    body = report if isinstance(report, (str, bytes)) else json.dumps(report)
    headers = {"Content-Type": content_type, **({"Authorization": f"Bearer {key}"} if key else {})}
    connection.request("POST", "/v1/reports", body, headers)
    answer = connection.getresponse()
    said = answer.read().decode()
    connection.close()
    return answer.status, answer.headers, said


def cluster_of(monitor):
    return json.loads(monitor.get("/api/relays")[1])["clusters"][0]["name"]


def samples(monitor, name):
    """{labels: value} of a metric."""
    lines = re.findall(rf"^{name}{{(.*)}} (\S+)$", monitor.get("/metrics")[1], re.M)
    return {frozenset(re.findall(r'(\w+)="([^"]*)"', labels)): float(value) for labels, value in lines}


def value(monitor, name, **labels):
    found = [value for at, value in samples(monitor, name).items() if labels.items() <= set(at)]
    assert len(found) <= 1, found
    return found[0] if found else None


def test_the_documented_report_becomes_figures(monitor):
    report = {**DOCUMENTED, "cluster": cluster_of(monitor)}
    status, headers, body = tell(monitor, report)
    assert (status, body) == (204, "")
    # As navigator.sendBeacon() sends a string.
    assert tell(monitor, {**report, "connected": False, "lost": True}, content_type="text/plain;charset=UTF-8")[0] == 204

    where = {"cluster": report["cluster"], "region": "eu"}
    assert value(monitor, "turnkeeper_client_connections_total", **where, result="connected", candidate="relay") == 1
    assert value(monitor, "turnkeeper_client_connections_total", **where, result="failed", candidate="relay") == 1
    assert value(monitor, "turnkeeper_client_relay_connections_total", relay="eu-0", transport="udp", result="connected") == 1
    assert value(monitor, "turnkeeper_client_connect_seconds_sum", **where) == pytest.approx(report["connectMs"] / 1000)
    assert value(monitor, "turnkeeper_client_gap_seconds_count", **where) == 2
    assert value(monitor, "turnkeeper_client_rtt_seconds_sum", **where) == pytest.approx(2 * report["rttMs"]["mean"] / 1000)
    assert value(monitor, "turnkeeper_client_restarts_total", **where) == 2
    calls = json.loads(monitor.get("/api/relays")[1])["calls"]
    assert calls["tried"] == 2 and calls["connectedPercent"] == 50 and 300 <= calls["connectP95Ms"] <= 500


def test_what_is_no_report_is_refused_and_said(monitor):
    for wrong, field in (({**DOCUMENTED, "connectMs": -1}, "connectMs"), ({**DOCUMENTED, "gapsMs": [1] * 101}, "gapsMs"),
                         ("", "JSON"), (b"\xff{", "JSON"), ("[" * 8000, "JSON"), (" " * 9000, "8 KiB")):
        status, headers, body = tell(monitor, wrong)
        assert status == 400 and headers["Content-Type"] == "application/problem+json", body
        assert field in json.loads(body)["detail"], body
    assert value(monitor, "turnkeeper_client_reports_rejected_total", reason="invalid") == 6
    assert samples(monitor, "turnkeeper_client_connections_total") == {}
    assert monitor.get("/v1/reports")[0] == 405


def test_nobody_tells_of_more_calls_than_anybody_makes(monitor):
    """Nor of places that do not exist: that would cost a series each."""
    statuses = []
    for number in range(80):
        status, headers, _ = tell(monitor, {**DOCUMENTED, "cluster": f"made-up-{number}", "relay": f"turn:198.51.100.{number}"})
        statuses.append(status)
    assert statuses[:60] == [204] * 60 and 429 in statuses[60:]
    if status == 429:
        assert int(headers["Retry-After"]) >= 1
    assert value(monitor, "turnkeeper_client_connections_total", cluster="unknown", region="unknown") == statuses.count(204)
    assert value(monitor, "turnkeeper_client_relay_connections_total", relay="unknown") == statuses.count(204)
    assert value(monitor, "turnkeeper_client_reports_rejected_total", reason="too-many") == statuses.count(429)
    assert "made-up" not in monitor.get("/metrics")[1]


def test_where_a_key_is_needed_for_credentials_it_is_needed_for_reports(tmp_path):
    (tmp_path / "key").write_text(KEY + "\n")
    monitor = start(tmp_path, "--api-key-file", tmp_path / "key")
    try:
        for key in (None, "another"):
            status, headers, body = tell(monitor, DOCUMENTED, key)
            assert status == 401 and KEY not in body
        assert samples(monitor, "turnkeeper_client_connections_total") == {}
        # An application's server passes on what all of its users tell.
        assert [tell(monitor, DOCUMENTED, KEY)[0] for _ in range(70)] == [204] * 70
    finally:
        monitor.kill()
