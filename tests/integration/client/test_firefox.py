"""The same client in a real Firefox, which has an ICE of its own: two pages, the relays of a real `turnctl up`."""

import time

import pytest

from call import Call, bring_back, relay_at
from firefox import Firefox


@pytest.fixture
def call(origin):
    with Firefox() as browser:
        yield Call(browser, origin)


def test_a_call_in_firefox_outlives_its_relays(call, up):
    """Both ends are told at the same moment, which is what a Firefox can lose a call by: client/src/overlap.ts."""
    call.wait_for("peer.last('quality')")
    for path, quality in zip(call.js("peer.call.path"), call.js("peer.last('quality')")):
        assert path["type"] == "relay" and path["local"]["candidateType"] == "relay", path
        assert quality["level"] == "good", quality
    for action in ("stop", "drain", "stop"):
        call.forget()
        left = used(call, up)[0]
        done = up.turnctl("relay", action, left)
        assert done.returncode == 0, done
        deadline = time.monotonic() + 10
        while left in used(call, up):
            assert time.monotonic() < deadline, call.js("JSON.stringify([peer.events, peer.refused, peer.connection.connectionState])")
            time.sleep(0.05)
        call.hears_more()
        print(f"\n{action}, Firefox: longest silence {call.gap():.0f} ms")
        assert call.gap() < 5000  # 160 to 410 ms where nothing else runs
        bring_back(up)


def used(call, up):
    return [relay_at(up, relay) for relay in call.js("peer.call.path.relay")]
