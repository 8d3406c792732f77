"""examples/room, as somebody sees it who tries it."""

from call import stop_relay


def test_the_room_shows_the_relay_the_picture_and_the_gap(browser, origin, up):
    page = browser.page()
    page.open(origin.url)
    page.wait_for("document.getElementById('type').textContent === 'relay'")
    page.wait_for("document.getElementById('seen').videoWidth > 0 && document.getElementById('level').textContent === 'good'")
    name = page.wait_for("/stop (.*)/.exec(document.getElementById('advice').textContent)[1]")
    page.wait_for(f"document.getElementById('relay').textContent.startsWith('{name}, turn:')")
    stop_relay(up, name)
    page.wait_for(f"!document.getElementById('relay').textContent.startsWith({name!r})")
    page.wait_for("document.getElementById('interruption').textContent.endsWith(' ms')")
    page.wait_for("document.getElementById('log').textContent.includes('ICE restart: moved')")
    shown = page.js("document.getElementById('seen').currentTime")
    page.wait_for(f"document.getElementById('seen').currentTime > {shown} + 0.2")
    assert page.complaints == []
    assert page.js("document.documentElement.scrollWidth <= innerWidth")
    page.close()
