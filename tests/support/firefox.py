"""A real Firefox, driven over WebDriver BiDi. Its pages are used as those of browser.py."""

import ctypes
import itertools
import json
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

import websocket

_libc = ctypes.CDLL(None)
# Relays on loopback addresses count; nothing is asked of the outside.
PREFERENCES = {"media.peerconnection.ice.loopback": True, "media.peerconnection.ice.obfuscate_host_addresses": False,
               "media.navigator.permission.disabled": True, "media.autoplay.default": 0, "dom.min_background_timeout_value": 4,
               "dom.timeout.enable_budget_timer_throttling": False, "app.update.enabled": False,
               "datareporting.policy.dataSubmissionEnabled": False, "network.captive-portal-service.enabled": False,
               "network.connectivity-service.enabled": False, "services.settings.server": "data:,#remote-settings-dummy/v1",
               "browser.safebrowsing.downloads.remote.enabled": False, "extensions.getAddons.cache.enabled": False}


class Firefox:
    """
    with Firefox() as browser:
        page = browser.page()
        page.open("http://127.0.0.1:8480/")
        page.wait_for("document.title.includes('healthy')")
    """

    def __init__(self):
        self._profile = tempfile.mkdtemp(prefix="turnkeeper-firefox-")
        lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items())
        pathlib.Path(self._profile, "user.js").write_text("\n".join(lines))
        self._process = subprocess.Popen(
            ["firefox-esr", "--headless", "--no-remote", "--profile", self._profile, "--remote-debugging-port", "0", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            preexec_fn=lambda: _libc.prctl(1, signal.SIGKILL))  # PR_SET_PDEATHSIG
        address = next(found[1] for line in self._process.stderr if (found := re.search(r"BiDi listening on (ws://\S+)", line)))
        self._process.stderr.close()
        self._socket = websocket.create_connection(address + "/session", timeout=60, suppress_origin=True)
        self._ids = itertools.count(1)
        self.version = self.call("session.new", capabilities={})["capabilities"]["browserVersion"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._profile, ignore_errors=True)

    def call(self, method, **params):
        number = next(self._ids)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("id") == number:
                assert answer["type"] == "success", f"{method}: {answer.get('error')}: {answer.get('message')}"
                return answer["result"]

    def page(self):
        return Page(self)


class Page:
    def __init__(self, browser):
        self._browser = browser
        self._context = browser.call("browsingContext.create", type="window")["context"]
        self.complaints = []

    def close(self):
        self._browser.call("browsingContext.close", context=self._context)

    def open(self, url):
        self._browser.call("browsingContext.navigate", context=self._context, url=url, wait="complete")

    def js(self, expression):
        answer = self._browser.call("script.evaluate", expression=expression, target={"context": self._context}, awaitPromise=True,
                                    serializationOptions={"maxObjectDepth": 8, "maxDomDepth": 0})
        assert answer["type"] == "success", f"{expression}: {answer['exceptionDetails']['text']}"
        return _value(answer["result"])

    def wait_for(self, expression, seconds=10):
        """The first truthy value of an expression, which may fail until then."""
        wrapped = f"(() => {{ try {{ const v = {expression}; return v instanceof Node ? true : v; }} catch {{ return null; }} }})()"
        end = time.monotonic() + seconds
        while True:
            value = self.js(wrapped)
            if value:
                return value
            assert time.monotonic() < end, f"waited {seconds} s for {expression}; " + self.js("document.body.innerText")[:2000]
            time.sleep(0.1)


def _value(remote):
    """What WebDriver BiDi (script.RemoteValue) stands for."""
    kind, value = remote["type"], remote.get("value")
    if kind == "array":
        return [_value(item) for item in value]
    if kind == "object":
        return {name: _value(item) for name, item in value}
    if kind == "number" and isinstance(value, str):
        return float(value.replace("Infinity", "inf"))
    return value
