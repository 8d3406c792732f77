"""The room that `turnctl up` serves, as somebody sees it who tries it."""

import json
import urllib.error
import urllib.request

import pytest

from call import bring_back


def test_the_room_shows_the_call_and_its_buttons_kill_drain_and_restart_relays(browser, up):
    page = browser.page()
    page.open(up.url + "/room")
    page.wait_for("document.getElementById('type').textContent === 'relay'", 20)
    page.wait_for("document.getElementById('seen').videoWidth > 0 && document.getElementById('level').textContent === 'good'")
    assert page.wait_for("document.querySelectorAll('#relays li').length") == 3
    for button in ("Kill", "Drain"):
        name = used(page)
        page.wait_for(f"document.getElementById('relay').textContent.startsWith('{name}, turn:')")
        press(page, button, name)
        page.wait_for(f"document.querySelector('#relays .used') && ![...document.querySelectorAll('#relays li:has(.used)')].some((line) => line.dataset.relay === {name!r})")
        page.wait_for(f"document.querySelector('[data-relay={name}]').textContent.includes({'Unhealthy' if button == 'Kill' else 'Draining'!r})")
        press(page, "Restart" if button == "Kill" else "Undrain", name)
        page.wait_for(f"document.querySelector('[aria-label=\"Drain {name}\"]')")
    page.wait_for("document.getElementById('interruption').textContent.endsWith(' ms')")
    page.wait_for("document.getElementById('log').textContent.includes('ICE restart: its relay has left the list')")
    shown = page.js("document.getElementById('seen').currentTime")
    page.wait_for(f"document.getElementById('seen').currentTime > {shown} + 0.2")
    assert page.complaints == []
    assert page.js("document.documentElement.scrollWidth <= innerWidth")
    page.close()


def test_the_room_says_when_nothing_gets_through_any_more_and_when_it_does_again(browser, up):
    page = browser.page(width=390)
    page.open(up.url + "/room/")
    page.wait_for("document.getElementById('level').textContent === 'good'", 20)
    page.js("const stop = (name) => fetch(`relays/${name}/stop`, {method: 'POST'}); Promise.all(['eu-0', 'eu-1', 'us-0'].map(stop)).then(() => 0)")
    page.wait_for("document.getElementById('type').textContent === 'interrupted' && document.getElementById('rtt').textContent === '–'")
    assert page.js("document.documentElement.scrollWidth <= innerWidth")
    bring_back(up)
    page.wait_for("document.getElementById('type').textContent === 'relay'", 20)
    page.close()


def test_the_room_shows_a_direct_call_as_one_that_needs_no_relay(browser, up):
    page = browser.page()
    page.open(up.url + "/room/?direct")
    page.wait_for("document.getElementById('type').textContent === 'direct' && document.getElementById('relay').textContent === 'none'", 20)
    assert page.js("document.getElementById('by-relay').hidden && document.querySelectorAll('#relays .used').length === 0")
    page.close()


def used(page):
    """The relay that both ends are on, once ICE has made up its mind."""
    return page.wait_for("[...document.querySelectorAll('#relays li')].find((line) => line.querySelectorAll('.used').length === 2)?.dataset.relay", 15)


def press(page, button, relay):
    page.js(f"document.querySelector('[aria-label=\"{button} {relay}\"]').click()")


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://evil.example"}, {"Origin": "http://evil.example", "Host": "evil.example"}],
                         ids=["no-page", "another-page", "rebound-name"])
def test_another_page_cannot_kill_relays(up, headers):
    request = urllib.request.Request(f"{up.url}/room/relays/us-0/stop", method="POST", headers=headers)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)
    assert refused.value.code == 403
    with urllib.request.urlopen(f"{up.url}/room/relays", timeout=10) as response:
        assert {relay["state"] for relay in json.load(response)["relays"]} == {"running"}
