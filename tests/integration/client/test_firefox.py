"""The same client in a real Firefox, which has an ICE of its own: two pages, the relays of a real `turnctl up`."""

import pytest

from call import Call, relay_at, stop_relay
from firefox import Firefox


@pytest.fixture
def call(origin):
    with Firefox() as browser:
        yield Call(browser, origin)


def test_a_call_in_firefox_leaves_its_dead_relay_as_soon_as_it_is_told(call, up):
    call.wait_for("peer.last('quality')")
    for path, quality in zip(call.js("peer.call.path"), call.js("peer.last('quality')")):
        assert path["type"] == "relay" and path["local"]["candidateType"] == "relay", path
        assert quality["level"] == "good", quality
    dead = relay_at(up, call.js("peer.call.path.relay")[0])
    call.forget()
    stop_relay(up, dead)
    # Whoever is on that relay restarts; the other end is on its own one, and follows.
    call.pages["alice"].wait_for("peer.last('restored')")
    assert dead != relay_at(up, call.pages["alice"].js("peer.call.path.relay"))
    call.hears_more()
    print(f"\nrelay killed, told by a push: longest silence {call.gap():.0f} ms")
    assert call.gap() < 3000
    assert call.pages["alice"].js("peer.last('restart').reason") == "moved"
