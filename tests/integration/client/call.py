"""A call between two real pages, over the relays of a real `turnctl up`."""

import ctypes
import json
import pathlib
import re
import signal
import subprocess
import time
import urllib.request
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[3]
PEER = (pathlib.Path(__file__).parent / "peer.js").read_text()
# A page that is not in front would send once a second; and without a camera its addresses are hidden behind mDNS.
FLAGS = ("--disable-background-timer-throttling", "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows",
         "--disable-features=WebRtcHideLocalIpsWithMdns", "--autoplay-policy=no-user-gesture-required")
NO_PUSHES = "() => (url, init) => url.includes('/v1/events') ? new Response('', {status: 502}) : fetch(url, init)"
_libc = ctypes.CDLL(None)


class Origin:
    """origin.mjs, ended by its own pid."""

    def __init__(self, monitor, *options):
        self.monitor = monitor
        self.options = options
        self.listen = "127.0.0.1:0"
        self.start()

    def start(self):
        self._process = subprocess.Popen(
            ["node", pathlib.Path(__file__).with_name("origin.mjs"), self.monitor, self.listen, *self.options],
            stdout=subprocess.PIPE, text=True, preexec_fn=lambda: _libc.prctl(1, signal.SIGKILL))  # PR_SET_PDEATHSIG
        self.url = self._process.stdout.readline().strip()
        self.listen = self.url.removeprefix("http://").rstrip("/")

    def close(self):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


class Call:
    """alice and bob, each in a page of its own, sending each other 50 messages a second."""

    def __init__(self, browser, origin, adapt="undefined", late=False, **options):
        """
        Both make their first offer at the same moment; or bob comes when alice has made hers, and heard nothing of it
        (`late`); or bob answers hers (`negotiatesItself`).
        """
        self._session = f"call-{uuid.uuid4()}"
        self.pages = {}
        for name in ("alice", "bob"):
            page = self.pages[name] = browser.page()
            page.open(origin.url)
            page.wait_for("document.title === 'a page'")
            settings = json.dumps({"name": name, "session": self._session, "polite": name == "bob", "options": options})
            page.js(f"{PEER}; makePeer({{...{settings}, adapt: {adapt}}}).then(() => true)")
            if late and name == "alice":
                page.js("peer.start()")
                page.wait_for("peer.connection.iceGatheringState === 'complete'")
        if options.get("negotiatesItself"):  # as the specification has it: see docs/clients.md for a Chromium whose first offer is rolled back
            self.pages["alice"].js("peer.start()")
            self.pages["bob"].wait_for("peer.connection.currentRemoteDescription !== null")
        self.js("peer.started || peer.start()")
        self.wait_for("peer.received > 50 && peer.call.path", 30)

    def js(self, expression):
        """What it is worth at both ends."""
        return [page.js(expression) for page in self.pages.values()]

    def wait_for(self, expression, seconds=10):
        try:
            for page in self.pages.values():
                page.wait_for(expression, seconds)
        except AssertionError as error:
            seen = "\n".join(self.js("JSON.stringify([peer.events, peer.errors, peer.longest, peer.connection.connectionState, peer.connection.signalingState,"
                                     "peer.connection.iceGatheringState, peer.refused, peer.config?.iceServers.flatMap((server) => server.urls)])"))
            raise AssertionError(f"{error}\nWhat alice and bob saw:\n{seen}") from None

    def forget(self):
        self.js("peer.longest = peer.events.length = peer.errors.length = 0")

    def gap(self):
        """Milliseconds: the longest silence at either end since it was forgotten."""
        return max(self.js("peer.longest"))

    def leaves(self, dead, seconds=10):
        """Waits until data flows again, and not over that relay."""
        self.wait_for(f"peer.call.path.relay !== {dead!r}", seconds)
        self.hears_more()

    def hears_more(self):
        received = self.js("peer.received")
        self.wait_for(f"peer.received > {max(received) + 50}")

    def close(self):
        """Gives its allocations back: a page that is only closed would keep them, and users have a quota."""
        self.js("peer.connection.close()")
        for page in self.pages.values():
            page.close()


def relays_of(up):
    """As the monitor sees them."""
    with urllib.request.urlopen(up.url + "/api/relays", timeout=10) as response:
        clusters = json.load(response)["clusters"]
    return [relay for cluster in clusters for region in cluster["regions"] for relay in region["relays"]]


def relay_at(up, relay):
    """The name of the relay with that TURN URL; or relayed address, which is what Firefox tells: each has its third of the ports."""
    if not relay.startswith("turn"):
        return ("eu-0", "eu-1", "us-0")[(int(relay.rpartition(":")[2]) - 49152) // 333]
    address = re.match(r"turns?:([\d.:]+)", relay)[1]
    return next(relay["name"] for relay in relays_of(up) if relay["address"] == address)


def stop_relay(up, name):
    stopped = up.turnctl("relay", "stop", name)
    assert stopped.returncode == 0, stopped


def bring_back(up, at_least=2):
    """The relays are started; a call needs one to leave and one to go to, which are awaited."""
    for relay in relays_of(up):
        if relay["verdict"] != "Healthy":
            up.turnctl("relay", "start", relay["name"])
    deadline = time.monotonic() + 40
    while sum(relay["verdict"] == "Healthy" for relay in relays_of(up)) < at_least:
        assert time.monotonic() < deadline, "no relay comes back"
        time.sleep(0.05)
