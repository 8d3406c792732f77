"""The same client in a real Firefox, which has an ICE of its own: two pages, the relays of a real `turnctl up`."""

import json

import pytest

from call import Call, relay_at, stop_relay
from firefox import Firefox


@pytest.fixture
def call(origin):
    with Firefox() as browser:
        yield Call(browser, origin)


def test_a_call_in_firefox_goes_over_a_relay_and_takes_the_list_that_it_is_pushed(call, up):
    """How long it is silent then: measure_gaps.py --firefox."""
    call.wait_for("peer.last('quality')")
    for path, quality in zip(call.js("peer.call.path"), call.js("peer.last('quality')")):
        assert path["type"] == "relay" and path["local"]["candidateType"] == "relay", path
        assert quality["level"] == "good", quality
    dead = relay_at(up, call.js("peer.call.path.relay")[0])
    servers = "JSON.stringify(peer.connection.getConfiguration().iceServers)"
    before = call.js(servers)
    stop_relay(up, dead)
    for page, old in zip(call.pages.values(), before):
        page.wait_for(f"{servers} !== {json.dumps(old)}", 3)
