"""monitor.yaml as it changes under a running monitor, and the commands that only look at it once."""

import json
import os
import re
import signal
import subprocess
import time

import pytest
from running import BIN, SECRET, Coturn, Monitor, wait_for
from test_monitor import write_config


@pytest.fixture
def relays(tmp_path):
    relays = [Coturn(tmp_path, number) for number in range(2)]
    yield relays
    for relay in relays:
        relay.kill()


@pytest.fixture
def start(tmp_path):
    started = []

    def monitor(*flags):
        started.append(Monitor(tmp_path, *flags))
        return started[-1]
    yield monitor
    for one in started:
        one.kill()


# These relays allow every peer, which path checks complain of.
UNCHECKED = {"full": "1s", "checks": False}


def metric(monitor, name):
    return float(re.search(rf"^{name}(?:{{[^}}]*}})? (\S+)$", monitor.get("/metrics")[1], re.M).group(1))


def run(*arguments):
    return subprocess.run([BIN / "turnkeeper-monitor", *arguments], capture_output=True, text=True, timeout=40)


def test_a_changed_file_is_taken_over_and_what_stays_keeps_its_canary(tmp_path, relays, start):
    once = {"canary": "100ms", "full": "1h"}  # what is allocated later is the canaries'
    monitor = start("--config", write_config(tmp_path, relays[:1], probing=once))
    wait_for("a verdict", monitor.is_ready)
    wait_for("the canary alone", lambda: len(relays[0].allocations()) == 1)
    canary = relays[0].allocations()
    write_config(tmp_path, relays, probing=once)
    wait_for("the new server", lambda: monitor.relays().get("us-0", {}).get("verdict") == "Healthy")
    assert canary <= relays[0].allocations(), "a relay that did not change was watched anew"
    assert metric(monitor, "turnkeeper_config_last_reload_successful") == 1


def test_a_bad_file_is_told_and_the_old_one_stays(tmp_path, relays, start):
    path = write_config(tmp_path, relays)
    monitor = start("--config", path)
    wait_for("a verdict", monitor.is_ready)
    path.write_text("vantag: x\nservers: []\n")
    monitor.process.send_signal(signal.SIGHUP)
    wait_for("the refusal", lambda: metric(monitor, "turnkeeper_config_last_reload_successful") == 0)
    log = "".join(file.read_text() for file in tmp_path.glob("monitor-*.log"))
    assert f"{path}:1:1: vantag" in log and f"{path}:2:10: servers" in log
    assert set(monitor.relays()) == {"eu-0", "us-0"}
    write_config(tmp_path, relays)
    wait_for("the repair", lambda: metric(monitor, "turnkeeper_config_last_reload_successful") == 1)


def test_a_secret_that_is_swapped_like_a_kubernetes_volume_is_used(tmp_path, relays, start):
    path = write_config(tmp_path, relays[:1], probing=UNCHECKED)
    (tmp_path / "v1").mkdir()
    (tmp_path / "v1/turn.secret").write_text("wrong")
    (tmp_path / "data").symlink_to("v1")
    (tmp_path / "turn.secret").unlink()
    (tmp_path / "turn.secret").symlink_to("data/turn.secret")
    monitor = start("--config", path)
    wait_for("the wrong secret", lambda: monitor.relays()["eu-0"]["cause"] == "auth-secret")
    (tmp_path / "v2").mkdir()
    (tmp_path / "v2/turn.secret").write_text(SECRET)
    (tmp_path / "new").symlink_to("v2")
    os.rename(tmp_path / "new", tmp_path / "data")
    wait_for("the right secret", lambda: monitor.relays()["eu-0"]["verdict"] == "Healthy")


def test_a_storm_of_sighup_and_changes_while_probing_hurts_nobody(tmp_path, relays, start):
    path = write_config(tmp_path, relays)
    monitor = start("--config", path)
    wait_for("a verdict", monitor.is_ready)
    for turn in range(200):
        if turn % 20 == 0:
            write_config(tmp_path, relays, probing={"canary": "100ms", "misses": 3, "full": f"{1000 + turn}ms"})
        monitor.process.send_signal(signal.SIGHUP)
        time.sleep(0.01)
    write_config(tmp_path, relays)
    monitor.process.send_signal(signal.SIGHUP)
    wait_for("both relays", lambda: {relay["verdict"] for relay in monitor.relays().values()} == {"Healthy"})
    assert monitor.terminate() == 0
    wait_for("an end without remains", lambda: not any(relay.allocations() for relay in relays))


def test_once_says_by_table_and_exit_code_whether_all_is_well(tmp_path, relays):
    path = write_config(tmp_path, relays, probing=UNCHECKED)
    config = json.loads(path.read_text())
    good = run("--config", path, "--once")
    assert good.returncode == 0, good.stdout + good.stderr
    assert re.search(rf"^eu-0 +eu +udp +{relays[0].address}:3478 +ok +\d", good.stdout, re.M)
    config["servers"][1] = {"name": "us-0", "region": "us", "secretFile": "turn.secret", "urls": [
        relays[1].url, f"turn:{relays[1].address}:3479?transport=tcp"]}
    path.write_text(json.dumps(config))
    bad = run("--config", path, "--once")
    assert bad.returncode == 1
    assert re.search(rf"^us-0 +us +tcp +{relays[1].address}:3479 +connect-refused", bad.stdout, re.M)
    assert "docs/runbook.md#connect-refused" in bad.stdout
    rows = json.loads(run("--config", path, "--once", "--json").stdout)
    assert [(row["relay"], row["transport"], row["ok"]) for row in rows] == [
        ("eu-0", "udp", True), ("us-0", "udp", True), ("us-0", "tcp", False)]
    assert rows[0]["phases"]["echo"] > 0
    (tmp_path / "broken.yaml").write_text("servers: 1\n")
    assert run("--config", tmp_path / "broken.yaml", "--once").returncode == 2
    assert run("--once").returncode == 2


def test_once_finds_what_a_relay_should_have_refused(tmp_path, relays):
    path = write_config(tmp_path, relays[:1])
    config = json.loads(path.read_text())
    (tmp_path / "old.secret").write_text("south")
    config["probing"]["checks"] = True
    config["servers"][0] |= {"oldSecretFiles": ["old.secret"], "publicAddress": "192.0.2.1"}
    path.write_text(json.dumps(config))
    out = run("--config", path, "--once")
    assert out.returncode == 1
    assert "wrong-public-address" in out.stdout
    del config["servers"][0]["publicAddress"]
    path.write_text(json.dumps(config))
    out = run("--config", path, "--once")
    assert out.returncode == 1
    assert re.search(r"^eu-0 .* ok, but ssrf-open$", out.stdout, re.M) and "169.254.169.254" in out.stdout
    assert "old-key-accepted" not in out.stdout


def test_an_unproven_transport_is_not_given_out(tmp_path, relays, start):
    path = write_config(tmp_path, relays[:1])
    config = json.loads(path.read_text())
    server = config["servers"][0]
    server.pop("url")
    server["urls"] = [relays[0].url, f"turn:{relays[0].address}:3478?transport=tcp",
                      f"turn:{relays[0].address}:3479?transport=tcp"]
    path.write_text(json.dumps(config))
    monitor = start("--config", path)

    def urls():
        return json.loads(monitor.get("/v1/ice?user=alice&region=eu")[1])["iceServers"][0]["urls"]
    wait_for("both that work, and they alone", lambda: urls() == server["urls"][:2])


def test_history_outlives_a_restart(tmp_path, relays, start):
    path = write_config(tmp_path, relays[:1], probing=UNCHECKED)
    state = tmp_path / "history.json"
    monitor = start("--config", path, "--state", state)
    wait_for("a verdict", monitor.is_ready)
    healthy = time.monotonic()
    wait_for("a while of it", lambda: time.monotonic() > healthy + 2)
    assert monitor.terminate() == 0
    assert "eu-0" in state.read_text()
    again = start("--config", path, "--state", state)
    segments = json.loads(again.get("/api/history?cluster=default&region=eu")[1])["relays"][0]["segments"]
    assert any("Healthy" in segment for segment in segments)
