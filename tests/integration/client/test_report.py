"""What a page tells of its call, with telemetry on, is what the monitor counts."""

import re
import time
import urllib.request

from call import Call


def connections(up):
    with urllib.request.urlopen(up.url + "/metrics", timeout=10) as answer:
        text = answer.read().decode()
    counted = re.findall(r'^turnkeeper_client_connections_total{.*region="eu".*result="connected",candidate="relay"} (\d+)$', text, re.M)
    relays = re.findall(r'^turnkeeper_client_relay_connections_total{.*relay="eu-\d".*transport="udp".*} (\d+)$', text, re.M)
    return sum(map(int, counted)), sum(map(int, relays))


def test_both_ends_of_a_call_tell_how_it_went(browser, origin, up):
    before = connections(up)
    call = Call(browser, origin, telemetry=True)
    call.js("peer.call.close()")
    wanted = before[0] + 2, before[1] + 2
    deadline = time.monotonic() + 10
    while (seen := connections(up)) != wanted:
        assert time.monotonic() < deadline, f"{seen}, wanted {wanted}"
        time.sleep(0.1)
    assert call.js("peer.errors") == [[], []]
    call.close()
