"""The status page in a real browser, of a real monitor with two real relays. The tests build on each other."""

import pathlib
import sys
import urllib.parse

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "monitor"))

from browser import Browser  # noqa: E402
from running import SECRET, Coturn, Monitor, wait_for  # noqa: E402

CONFIG = """
vantage: office
cluster: calls
probing: {canary: 100ms, misses: 3, full: 2s, checks: false}  # these relays let loopback peers in
servers:
- {name: eu-0, region: eu, url: "EU", secretFile: secret}
- {name: us-0, region: us, url: "US", secretFile: secret}
"""


@pytest.fixture(scope="module")
def relays(tmp_path_factory):
    folder = tmp_path_factory.mktemp("relays")
    relays = {"eu": Coturn(folder, 1), "us": Coturn(folder, 2)}
    yield relays
    for relay in relays.values():
        relay.kill()


@pytest.fixture(scope="module")
def monitor(tmp_path_factory, relays):
    folder = tmp_path_factory.mktemp("monitor")
    (folder / "secret").write_text(SECRET)
    config = folder / "monitor.yaml"
    config.write_text(CONFIG.replace("EU", relays["eu"].url).replace("US", relays["us"].url))
    monitor = Monitor(folder, f"--config={config}")
    wait_for("both relays Healthy", lambda: (s := monitor.relays()) and {r["verdict"] for r in s.values()} == {"Healthy"})
    yield monitor
    monitor.kill()


@pytest.fixture(scope="module")
def browser():
    with Browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def page(browser, monitor):
    page = browser.page()
    page.open(f"http://{monitor.address}/")
    return page


def text_of(page, selector):
    return page.js(f"[...document.querySelectorAll({selector!r})].map((node) => node.textContent).join('|')")


def test_it_says_at_once_whether_calls_work(page):
    page.wait_for("document.getElementById('headline').textContent === 'All 2 relays carry calls'")
    assert text_of(page, "#vantage") == "seen from office"
    assert text_of(page, ".region h3") == "eu|us"
    assert page.wait_for("document.querySelectorAll('.relay .brief .tag').length") == 2
    page.wait_for("document.querySelectorAll('.relay .spark .line').length === 2", 30)
    page.wait_for("document.querySelectorAll('.relay .timeline rect.Healthy').length >= 2")
    assert "24 hours" in text_of(page, ".uptime")


def test_it_loads_nothing_from_elsewhere_and_breaks_no_rule_of_its_own(page, monitor):
    asked = {urllib.parse.urlparse(url).netloc for url in page.requests if not url.startswith("data:")}
    assert asked == {monitor.address}
    assert page.complaints == []


def test_it_can_be_used_by_keyboard(page):
    """Tab reaches a region, Enter closes and opens it, and an update does not take the focus away."""
    for _ in range(20):
        page.press("Tab")
        if page.js("document.activeElement.matches('.region > summary')"):
            break
    assert page.js("document.activeElement.matches('.region > summary')")
    page.press("Enter")
    page.wait_for("!document.querySelector('.region').open")
    page.press("Enter")
    page.wait_for("document.querySelector('.region').open")
    before = page.js("document.querySelector('.relay .echo').textContent")
    page.wait_for(f"document.querySelector('.relay .echo').textContent !== {before!r}")
    assert page.js("document.activeElement.matches('.region > summary')")


@pytest.mark.parametrize("width", [320, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_shows_it_without_scrolling_sideways(browser, monitor, width, dark):
    page = browser.page(width=width, height=844, dark=dark)
    page.open(f"http://{monitor.address}/")
    page.wait_for("document.querySelectorAll('.relay .timeline').length === 2")
    assert page.js("document.documentElement.scrollWidth") <= width
    light = page.js("getComputedStyle(document.body).backgroundColor") == "rgb(245, 246, 248)"
    assert light != dark
    assert page.complaints == []


def test_a_death_shows_while_one_looks_with_its_cause_and_what_to_do(page, relays, monitor):
    relays["eu"].kill()
    page.wait_for("document.querySelector('.relay.Unhealthy')")
    page.wait_for("document.getElementById('headline').textContent === 'eu: calls go over us'")
    seen = wait_for("the monitor to have a cause", lambda: (r := monitor.relays()["eu-0"])["cause"] and r)
    page.wait_for(f"document.querySelector('.relay.Unhealthy .why').textContent.includes({seen['cause']!r})")
    why = text_of(page, ".relay.Unhealthy .why")
    assert seen["advice"] in why
    assert page.js("document.querySelector('.relay.Unhealthy .why a').href").endswith(f"docs/runbook.md#{seen['cause']}")
    page.wait_for("document.querySelector('#failovers tbody tr')")
    assert "eu \u2192 us" in text_of(page, "#failovers")
    page.wait_for("document.querySelector('.incident')")
    page.wait_for("document.querySelectorAll('.relay.Unhealthy .timeline rect.Unhealthy').length")
    assert page.complaints == []


def test_its_return_shows_as_well(page, relays):
    relays["eu"].start()
    page.wait_for("document.getElementById('headline').textContent === 'All 2 relays carry calls'", 30)
    page.wait_for("!document.querySelector('.incident')")


def test_a_monitor_that_is_gone_is_not_taken_for_good_news(page, monitor):
    monitor.kill()
    page.wait_for("document.getElementById('live').textContent.includes('connection lost')")
