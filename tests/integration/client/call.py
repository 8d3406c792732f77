"""A call between two real pages, over the relays of a real `turnctl up`, served from one origin by examples/room/serve.mjs."""

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
_libc = ctypes.CDLL(None)


class Origin:
    """serve.mjs, ended by its own pid."""

    def __init__(self, monitor):
        self.monitor = monitor
        self.listen = "127.0.0.1:0"
        self.start()

    def start(self):
        self._process = subprocess.Popen(
            ["node", ROOT / "examples/room/serve.mjs", "--monitor", self.monitor, "--listen", self.listen],
            stdout=subprocess.PIPE, text=True, preexec_fn=lambda: _libc.prctl(1, signal.SIGKILL))  # PR_SET_PDEATHSIG
        self.url = re.search(r"http://\S+", self._process.stdout.readline())[0]
        self.listen = self.url.removeprefix("http://").rstrip("/")

    def end(self):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


class Call:
    """alice and bob, each in a page of its own, sending each other 50 messages a second."""

    def __init__(self, browser, origin, adapt="undefined", **options):
        session = f"call-{uuid.uuid4()}"
        self.pages = {name: browser.page() for name in ("alice", "bob")}
        for name, page in self.pages.items():
            page.open(origin.url + "nothing")
            page.wait_for("document.body.innerText.includes('nothing here')")
            settings = f"{{name: {name!r}, session: {session!r}, polite: {json.dumps(name == 'bob')}, options: {json.dumps(options)}, adapt: {adapt}}}"
            page.js(f"{PEER}; makePeer({settings})")
        # One after the other, as people join. Two first offers at once are for the unit tests.
        alice, bob = self.pages.values()
        alice.js("peer.start()")
        bob.wait_for("peer.connection.remoteDescription !== null", 30)
        bob.js("peer.start()")
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


def relay_at(up, url):
    """The name of the relay with that TURN URL."""
    address = re.match(r"turns?:([\d.:]+)", url)[1]
    return next(relay["name"] for relay in relays_of(up) if relay["address"] == address)


def stop_relay(up, name):
    stopped = up.turnctl("relay", "stop", name)
    assert stopped.returncode == 0, stopped


def bring_back(up):
    """The stopped relays are started; a call needs one to leave and one to go to, which are awaited."""
    for relay in relays_of(up):
        if relay["verdict"] != "Healthy":
            up.turnctl("relay", "start", relay["name"])
    deadline = time.monotonic() + 20
    while sum(relay["verdict"] == "Healthy" for relay in relays_of(up)) < 2:
        assert time.monotonic() < deadline, "no relay comes back"
        time.sleep(0.05)
