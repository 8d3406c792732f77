"""What the users of an application with @turnkeeper/client notice when relays and monitors die: real Chromium, coturn, monitor."""

import pytest

from call import NO_PUSHES, Call, bring_back, relay_at, stop_relay

# A browser by itself needs 4 to 6 s to leave a dead relay, one that is told 0.2 to 0.5 s (docs/clients.md).
MUCH_SOONER_THAN_BY_ITSELF = 3000


@pytest.fixture
def call(browser, origin):
    call = Call(browser, origin)
    yield call
    call.close()


def test_the_relay_of_a_call_dies_and_the_call_goes_on(call, up, origin):
    listed = call.js("peer.config.iceServers.flatMap((server) => server.urls)")
    # ICE ends up with the best of all pairs: the first relay, the same at both ends of a session.
    call.wait_for("peer.call.path.relay === peer.config.iceServers[0].urls[0]")
    paths = call.js("peer.call.path")
    assert paths[0]["relay"] == paths[1]["relay"]
    for path, urls in zip(paths, listed):
        assert path["type"] == "relay" and path["relay"] in urls and path["relayProtocol"] == "udp"
        assert path["local"]["candidateType"] == "relay" and path["remote"]["candidateType"] in ("relay", "prflx")
    call.wait_for("peer.last('quality')")
    for quality in call.js("peer.last('quality')"):
        assert quality["level"] == "good" and 0 <= quality["rtt"] < 150, quality

    call.forget()
    dead = paths[0]["relay"]
    stop_relay(up, relay_at(up, dead))
    call.leaves(dead)
    print(f"\nrelay killed, told by a push: longest silence {call.gap():.0f} ms")
    assert call.gap() < MUCH_SOONER_THAN_BY_ITSELF
    assert {path["type"] for path in call.js("peer.call.path")} == {"relay"}
    # The restart of whoever hears first can be over before the other end hears.
    restarts = [end for end in call.js("peer.events.filter(({event}) => event === 'restart').map(({detail}) => detail)") if end]
    assert restarts and all(end == [{"reason": "moved", "attempt": 1}] for end in restarts), restarts
    assert sum(call.js("peer.count('restored')")) == len(restarts)
    assert call.js("peer.errors") == [[], []]

    # One that comes back pulls nobody away from a relay that works.
    call.forget()
    bring_back(up, at_least=3)
    origin.close()  # who connects anew is told at once, others within a minute
    origin.start()
    call.wait_for(f"peer.config.iceServers.flatMap((server) => server.urls).includes({dead!r})", 20)
    call.wait_for("peer.last('quality')")
    assert call.js("peer.count('restart')") == [0, 0] and call.gap() < 1000


def test_a_drain_moves_a_call_that_notices_nothing(call, up):
    call.wait_for("peer.call.path.relay === peer.config.iceServers[0].urls[0]")
    draining = call.js("peer.call.path.relay")[0]
    call.forget()
    assert up.turnctl("relay", "drain", relay_at(up, draining)).returncode == 0
    call.leaves(draining)
    print(f"\nrelay drained: longest silence {call.gap():.0f} ms")
    assert call.gap() < 400  # 20 to 45 ms where nothing else runs
    assert sum(call.js("peer.count('restart')")) > 0 and call.js("peer.count('restored')") == [0, 0]
    assert {config["reason"] for config in call.js("peer.config")} == {"drain"}


def test_whoever_comes_late_is_told_the_offer_that_nobody_heard(browser, origin):
    call = Call(browser, origin, late=True)
    assert call.gap() < 1000
    call.close()


def test_a_monitor_that_is_away_takes_nothing_and_pushes_again_when_it_is_back(call, up, origin):
    call.forget()
    origin.close()
    call.wait_for("peer.errors.length > 0")
    lists = call.js("peer.lists")
    call.hears_more()
    assert call.gap() < 1000 and call.js("peer.count('restart')") == [0, 0]
    origin.start()
    call.wait_for(f"peer.lists > {max(lists)}")
    dead = call.js("peer.call.path.relay")[0]
    stop_relay(up, relay_at(up, dead))
    call.leaves(dead)
    assert call.gap() < MUCH_SOONER_THAN_BY_ITSELF


def test_credentials_are_renewed_without_a_restart_and_a_bad_round_trip_is_told(browser, origin):
    """Lists that live 4 s, and no push: the client must ask by itself."""
    short = """(peer) => async (url, init) => url.includes('/v1/events') ? new Response('', {status: 502})
        : new Response((await (await fetch(url, init)).text()).replace(/"ttl":\\d+/, '"ttl":4'))"""
    call = Call(browser, origin, adapt=short, thresholds={"rtt": {"warning": 0, "critical": 100_000}})
    user = "peer.connection.getConfiguration().iceServers[0].username"
    ice = "/ice-ufrag:(.*)/.exec(peer.connection.localDescription.sdp)[1]"
    first, before_renewal = call.js(user), call.js(ice)
    call.forget()
    for page, before in zip(call.pages.values(), first):
        page.wait_for(f"{user} !== {before!r}")
    call.hears_more()
    assert call.js("peer.count('restart')") == [0, 0] and call.gap() < 1000
    assert call.js(ice) == before_renewal
    call.wait_for("peer.last('degraded')")
    for quality in call.js("peer.last('degraded')"):
        assert quality["level"] == "warning" and quality["because"] == ["rtt"], quality
    call.close()


def test_without_pushes_the_client_notices_by_itself(browser, origin, up):
    call = Call(browser, origin, adapt=NO_PUSHES)
    dead = call.js("peer.call.path.relay")[0]
    call.forget()
    stop_relay(up, relay_at(up, dead))
    call.leaves(dead, seconds=30)
    print(f"\nrelay killed, no push: longest silence {call.gap():.0f} ms")
    assert call.gap() < 10_000 and sum(call.js("peer.count('connectionfailed')")) == 0
    call.close()


def test_a_direct_call_is_told_as_direct_and_does_not_care_for_relays(browser, origin, up):
    call = Call(browser, origin, forceRelay=False)
    for path in call.js("peer.call.path"):
        assert path["type"] == "direct" and path["relay"] == "", path
    lists = call.js("peer.lists")
    call.forget()
    stop_relay(up, relay_at(up, call.js("peer.config.iceServers[0].urls[0]")[0]))
    call.wait_for(f"peer.lists > {max(lists)}")
    call.wait_for("peer.last('quality')")
    assert call.js("peer.count('restart')") == [0, 0] and call.gap() < 1000
    call.close()


def test_an_application_that_negotiates_by_itself_only_has_to_answer_negotiationneeded(browser, origin, up):
    call = Call(browser, origin, negotiatesItself=True)
    call.forget()
    dead = call.js("peer.call.path.relay")[0]
    stop_relay(up, relay_at(up, dead))
    call.leaves(dead)
    assert call.gap() < MUCH_SOONER_THAN_BY_ITSELF
    call.close()
