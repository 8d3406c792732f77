"""Network regions: distance, loss and disaster as programs in them see it."""

import re
import subprocess

import leftovers
import pytest
from testbed.client import Part
from testbed.relay import TURNSERVERS, Relay


@pytest.fixture(scope="module")
def network():
    with Part("regions", "--regions", "eu,us") as part:
        yield part
    assert leftovers.of(part.info["directory"]) == []


@pytest.fixture
def regions(network):
    yield network.info["regions"]
    for region in ("eu", "us"):
        network.command({"cmd": "netem", "region": region})
        network.command({"cmd": "blackhole", "region": region, "on": False})
        network.command({"cmd": "link", "region": region, "up": True})


def ping(address, where=(), count=3):
    """(answers, fastest round trip in ms, or None)."""
    result = subprocess.run([*where, "ping", "-q", "-c", str(count), "-i", "0.02", "-W", "2", address],
                            capture_output=True, text=True)
    received = int(re.search(r"(\d+) received", result.stdout)[1])
    fastest = re.search(r"= ([\d.]+)/", result.stdout)
    return received, float(fastest[1]) if fastest else None


@pytest.mark.parametrize("family", ["address", "address6"])
def test_regions_reach_each_other_and_the_client_outside_reaches_them(regions, family):
    eu, us = regions
    assert ping(eu[family])[0] == 3
    assert ping(us[family], eu["enter"])[0] == 3


def test_a_delay_counts_each_way_and_only_for_its_region(network, regions):
    eu, us = regions
    network.command({"cmd": "netem", "region": "eu", "delay_ms": 20})
    assert 40 <= ping(eu["address"])[1] < 80
    assert 40 <= ping(eu["address"], us["enter"])[1] < 80
    assert ping(us["address"])[1] < 20


def test_loss_loses_some_packets_and_not_all(network, regions):
    network.command({"cmd": "netem", "region": "eu", "loss_percent": 20})
    received, _ = ping(regions[0]["address"], count=100)
    assert 40 < received < 90  # 64 expected: both directions lose 20 %


def test_a_black_hole_is_silent_and_ends(network, regions):
    eu, us = regions
    network.command({"cmd": "blackhole", "region": "eu", "on": True})
    assert ping(eu["address"])[0] == 0
    assert ping(us["address"])[0] == 3
    network.command({"cmd": "blackhole", "region": "eu", "on": False})
    assert ping(eu["address"])[0] == 3


def test_a_cut_link_is_seen_inside_and_outside(network, regions):
    eu = regions[0]
    network.command({"cmd": "link", "region": "eu", "up": False})
    assert ping(eu["address"])[0] == 0
    assert "NO-CARRIER" in subprocess.run([*eu["enter"], "ip", "link", "show", "eth0"], capture_output=True, text=True).stdout
    network.command({"cmd": "link", "region": "eu", "up": True})
    assert ping(eu["address"])[0] == 3


def test_an_unknown_region_is_an_error_that_names_the_known_ones(network):
    with pytest.raises(RuntimeError, match="eu, us"):
        network.command({"cmd": "link", "region": "mars", "up": False})


@pytest.mark.parametrize("version", TURNSERVERS)
def test_a_relay_in_a_region_serves_a_client_outside(regions, version):
    eu = regions[0]
    with Relay(version, eu["address"], port=3478, enter=eu["enter"],
               options=["use-auth-secret", "static-auth-secret=of-the-test"]) as relay:
        client = TURNSERVERS[version].replace("turnserver", "turnutils_uclient")
        result = subprocess.run([client, "-y", "-u", "caller", "-W", "of-the-test", "-m", "1", "-n", "5",
                                 relay.address], capture_output=True, text=True, timeout=60)
        assert "Total lost packets 0 (0.000000%)" in result.stdout, result.stdout + relay.log.read_text()
