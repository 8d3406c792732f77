"""What a call notices of broken, strict and changing networks: real Chromium, regions with real coturn, monitors that vote."""

import contextlib
import subprocess

import pytest

from browser import Browser
from call import FLAGS, Call, Origin
from regions import Regions

LONGEST_PAUSE = 400  # what two busy cores do to a call that nothing happens to


@pytest.fixture(scope="module")
def browser():
    # The relays' certificates are signed by an authority of the test's own.
    with Browser(*FLAGS, "--ignore-certificate-errors") as browser:
        yield browser


@pytest.fixture(scope="module")
def regions(tmp_path_factory, package):
    with Regions(tmp_path_factory.mktemp("regions")) as regions:
        yield regions


@pytest.fixture
def call_of(regions, browser):
    with contextlib.ExitStack() as stack:
        def begin(monitor, *proxy, **options):
            origin = stack.enter_context(contextlib.closing(Origin(monitor, *proxy)))
            return stack.enter_context(contextlib.closing(Call(browser, origin, **options)))
        yield begin


def test_a_strict_network_connects_through_tls_and_a_renewed_certificate_cuts_nothing(regions, call_of):
    """TCP to port 443 of the relays is all that gets through from where the browser is. Monitors elsewhere see them well."""
    with blocked(regions, ["-p", "udp"], ["-p", "tcp", "--dport", "3478"]):
        call = call_of(regions.url_in_us)
        listed = call.js("peer.config.iceServers.flatMap((server) => server.urls)")
        assert all(urls[0].endswith("?transport=udp") for urls in listed), listed
        assert {path["relayProtocol"] for path in call.js("peer.call.path")} == {"tls"}
        took = max(call.js("peer.connectedAfter"))
        print(f"\nconnected through TLS after {took:.0f} ms")
        assert took < 5000
        call.forget()
        regions.renew_certificate()
        call.hears_more()
        assert call.gap() < LONGEST_PAUSE and call.js("peer.count('restart')") == [0, 0]


def test_a_page_of_another_origin_is_told_too(regions, call_of):
    call = call_of(regions.url_in_us, "--no-proxy", endpoint=regions.url_in_us)
    call.wait_for("peer.lists > 1")  # what was asked for, and what the event stream brought
    assert call.js("peer.errors") == [[], []]


@pytest.mark.parametrize("broken,mended,goal", [
    ({"cmd": "blackhole", "on": True}, {"cmd": "blackhole", "on": False}, 1500), ({"cmd": "link", "up": False}, {"cmd": "link", "up": True}, 2000)],
    ids=["black-hole", "region-lost"])
def test_a_region_that_nothing_reaches_any_more_costs_a_call_less_than_two_seconds(regions, call_of, broken, mended, goal):
    regions.watch()
    call = call_of(regions.url)
    with lost(regions, call, broken, mended):
        print(f"\n{broken['cmd']}: longest silence {call.gap():.0f} ms")
        assert call.gap() < goal


@contextlib.contextmanager
def lost(regions, call, broken, mended):
    """Loses the region that alice's relay is in; the call has left it inside."""
    used = call.js("peer.call.path.relay")[0]
    region = next(name for name, address in regions.addresses.items() if address in used)
    call.forget()
    regions.network.command({**broken, "region": region})
    try:
        for page in call.pages.values():
            page.wait_for(f"!peer.call.path.relay.includes({regions.addresses[region]!r})", 20)
        call.hears_more()
        yield
    finally:
        regions.network.command({**mended, "region": region})


def test_a_rotated_secret_cuts_no_call_and_is_what_its_next_restart_uses(regions, call_of):
    regions.watch()
    call = call_of(regions.url)
    user = "peer.connection.getConfiguration().iceServers[0].credential"
    before = call.js(user)
    call.forget()
    regions.rotate()
    for page, old in zip(call.pages.values(), before):
        page.wait_for(f"{user} !== {old!r}", 20)
    call.hears_more()
    assert call.gap() < LONGEST_PAUSE and call.js("peer.count('restart')") == [0, 0]
    with lost(regions, call, {"cmd": "link", "up": False}, {"cmd": "link", "up": True}):
        assert sum(call.js("peer.count('restart')")) > 0


@contextlib.contextmanager
def blocked(regions, *rules):
    """Drops what the browser's machine sends to the relays by these rules of iptables."""
    def change(what):
        for region in regions.regions.values():
            for rule in rules:
                subprocess.run([*region["enter"], "iptables", what, "INPUT", "-s", regions.network.info["host_address"], *rule,
                                "-j", "DROP"], check=True)
    change("-A")
    try:
        yield
    finally:
        change("-D")
