"""turnkeeper-monitor on real relays: what clients are told when a relay dies, and what is left behind."""

import json
import signal
import subprocess
import time

import pytest

from running import BIN, SECRET, Coturn, Monitor, wait_for


@pytest.fixture
def relays(tmp_path):
    relays = [Coturn(tmp_path, number) for number in range(2)]
    yield relays
    for relay in relays:
        relay.kill(signal.SIGCONT)
        relay.kill()


def write_config(folder, relays, **more):
    (folder / "turn.secret").write_text(SECRET + "\n")
    config = {"vantage": "test", "probing": {"canary": "100ms", "misses": 3, "full": "1s", "checks": False},
              "servers": [{"name": f"{region}-0", "region": region, "url": relay.url, "secretFile": "turn.secret"}
                          for region, relay in zip(("eu", "us"), relays)], **more}
    path = folder / "monitor.yaml"
    path.write_text(json.dumps(config))  # JSON is YAML
    return path


@pytest.fixture
def monitor(tmp_path, relays):
    monitor = Monitor(tmp_path, "--config", write_config(tmp_path, relays))
    wait_for("the first verdicts", monitor.is_ready)
    yield monitor
    monitor.kill()


def tell(capsys, text):
    with capsys.disabled():
        print(f"\n{text}", end=" ")


def test_clients_get_their_own_region_first_and_the_other_as_backup(monitor, relays):
    eu, us = (relay.address for relay in relays)
    assert monitor.hosts("eu") == [eu, us]
    assert monitor.hosts("us") == [us, eu]


def test_credentials_of_the_monitor_are_good_for_a_call(monitor, relays):
    status, body = monitor.get("/v1/ice?user=alice&region=eu")
    server = json.loads(body)["iceServers"][0]
    out = subprocess.run(["turnutils_uclient", "-y", "-n1", "-m1", "-c", "-u", server["username"], "-w",
                          server["credential"], relays[0].address], capture_output=True, text=True, timeout=60)
    assert out.returncode == 0, out.stdout + out.stderr
    assert "Total lost packets 0" in out.stdout


def test_a_killed_relays_clients_are_moved_and_moved_back(monitor, relays, capsys):
    eu, us = (relay.address for relay in relays)
    pushed = monitor.follow("eu")
    assert next(pushed)[1][0] == eu
    died = time.monotonic()
    relays[0].kill()
    told, hosts = next(pushed)
    assert hosts[0] == us
    tell(capsys, f"killed relay: clients told after {(told - died) * 1000:.0f} ms")
    assert told - died < 5
    assert monitor.hosts("eu") == [us], "a dead relay is still given out"

    relays[0].start()
    assert next(pushed)[1] == [eu, us]
    assert monitor.relays()["eu-0"]["verdict"] == "Healthy"


def test_a_frozen_relays_clients_are_moved(monitor, relays, capsys):
    """Nothing says that the port is closed: only the echoes stay away."""
    pushed = monitor.follow("eu")
    next(pushed)
    died = time.monotonic()
    relays[0].kill(signal.SIGSTOP)
    told, hosts = next(pushed)
    assert hosts[0] == relays[1].address
    tell(capsys, f"frozen relay: clients told after {(told - died) * 1000:.0f} ms")
    assert told - died < 5
    assert monitor.relays()["eu-0"]["cause"] == "connect-timeout"


def test_a_failover_can_be_seen_afterwards(monitor, relays):
    with_stream = monitor.follow("eu")
    next(with_stream)
    relays[0].kill()
    next(with_stream)
    failovers = json.loads(monitor.get("/api/relays")[1])["failovers"]
    assert [(f["region"], f["from"], f["to"], f["cause"]) for f in failovers] == [("eu", "eu", "us", "connect-refused")]
    counted = 'turnkeeper_failovers_total{cluster="default",region="eu",vantage="test",cause="connect-refused"} 1'
    wait_for("the count", lambda: counted in monitor.get("/metrics")[1])  # which may be a second old
    metrics = monitor.get("/metrics")[1]
    assert 'turnkeeper_failover_seconds_count{cluster="default",region="eu",vantage="test"} 1' in metrics
    assert 'turnkeeper_push_clients{cluster="default",region="eu",vantage="test"} 1' in metrics


def test_a_killed_monitor_finds_its_way_back(monitor, relays):
    monitor.kill()
    relays[0].kill()
    monitor.start()
    wait_for("the first verdicts", monitor.is_ready)
    assert monitor.hosts("eu") == [relays[1].address]


def test_nothing_is_left_on_the_relays_after_the_end(monitor, relays):
    assert all(relay.allocations() for relay in relays), "the canaries hold no allocation"
    assert monitor.terminate() == 0
    for relay in relays:
        wait_for("the allocation to go", lambda: not relay.allocations(), 3)


def test_metrics_are_as_prometheus_wants_them(monitor):
    wait_for("a full probe of both", lambda: monitor.get("/metrics")[1].count("turnkeeper_probe_success{") == 2)
    out = subprocess.run(["promtool", "check", "metrics"], input=monitor.get("/metrics")[1], capture_output=True,
                         text=True)
    assert (out.returncode, out.stdout, out.stderr) == (0, "", "")


def test_one_probe_on_demand(monitor, relays):
    status, text = monitor.get(f"/probe?target={relays[0].url}")
    assert status == 200
    assert "\nprobe_success 1\n" in text
    assert 'probe_phase_duration_seconds{phase="echo"}' in text
    assert subprocess.run(["promtool", "check", "metrics"], input=text, text=True).returncode == 0
    assert monitor.get("/probe?target=turn:192.0.2.1:3478")[0] == 404, "the monitor probes strangers"


def test_a_relay_that_does_not_know_the_secret_says_so(tmp_path, relays):
    relays.append(Coturn(tmp_path, 2, secret="south"))
    monitor = Monitor(tmp_path, "--config", write_config(tmp_path, relays[2:]))
    try:
        wait_for("a verdict", monitor.is_ready)
        assert monitor.relays()["eu-0"]["verdict"] == "Unhealthy"
        assert monitor.relays()["eu-0"]["cause"] == "auth-secret"
        text = monitor.get(f"/probe?target={relays[2].url}")[1]
        assert "\nprobe_success 0\n" in text and 'probe_failure{cause="auth-secret"} 1' in text
    finally:
        monitor.kill()


def test_credentials_only_with_the_key(tmp_path, relays):
    (tmp_path / "key").write_text("open sesame\n")
    monitor = Monitor(tmp_path, "--config", write_config(tmp_path, relays), "--api-key-file", tmp_path / "key")
    try:
        for path in ("/v1/ice?user=alice", "/v1/events?user=alice"):
            assert monitor.get(path)[0] == 401
            assert monitor.get(path, {"Authorization": "Bearer wrong"})[0] == 401
        assert monitor.get("/v1/ice?user=alice", {"Authorization": "Bearer open sesame"})[0] == 200
        assert monitor.get("/metrics")[0] == 200
    finally:
        monitor.kill()


def test_the_snapshot_is_enough_while_the_operator_is_away(tmp_path, relays):
    targets = {"clusters": [{"cluster": "calls", "signingKeys": [{"id": "k1", "secret": SECRET, "phase": "ISSUING"}],
                             "regions": [{"name": "eu", "relays": [
                                 {"name": "eu-0", "uris": [f"turn:{relays[0].address}:3478?transport=udp"]}]}]}]}
    (tmp_path / "targets.json").write_text(json.dumps(targets))
    monitor = Monitor(tmp_path, "--operator=127.0.0.1:1", "--insecure-grpc", "--snapshot", tmp_path / "targets.json")
    try:
        wait_for("a verdict", monitor.is_ready)
        assert monitor.hosts("eu") == [relays[0].address]
        assert monitor.relays()["eu-0"]["verdict"] == "Healthy"
    finally:
        monitor.kill()


def test_a_mistake_in_monitor_yaml_is_shown_where_it_stands(tmp_path):
    path = tmp_path / "monitor.yaml"
    path.write_text("vantage: laptop\nprobing: {canari: 100ms}\nservers: []\n")
    for flags in ([], ["--check-config"]):
        out = subprocess.run([BIN / "turnkeeper-monitor", "--config", path, *flags], capture_output=True, text=True,
                             timeout=10)
        assert out.returncode == 1
        assert f"{path}:2:11: probing.canari" in out.stderr
        assert "did you mean 'canary'?" in out.stderr
        assert f"{path}:3:10: servers" in out.stderr


def test_a_taken_port_is_one_clear_line(tmp_path, relays, monitor):
    out = subprocess.run([BIN / "turnkeeper-monitor", "--config", tmp_path / "monitor.yaml", "--listen", monitor.address],
                         capture_output=True, text=True, timeout=10)
    assert out.returncode == 1
    assert out.stderr.count("\n") == 1 and monitor.address in out.stderr
