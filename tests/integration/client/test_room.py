"""The room that `turnctl up` serves, as somebody sees it who tries it."""

import json
import urllib.error
import urllib.request

import pytest


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
    page.wait_for("document.getElementById('log').textContent.includes('ICE restart: moved')")
    shown = page.js("document.getElementById('seen').currentTime")
    page.wait_for(f"document.getElementById('seen').currentTime > {shown} + 0.2")
    assert page.complaints == []
    assert page.js("document.documentElement.scrollWidth <= innerWidth")
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
