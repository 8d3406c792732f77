"""A real Chromium, driven over its DevTools protocol on a pipe: no driver, no port."""

import base64
import ctypes
import itertools
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time

_libc = ctypes.CDLL(None)


class Browser:
    """
    with Browser() as browser:  # Browser("--some-flag") for a Chromium with more
        page = browser.page(width=390)
        page.open("http://127.0.0.1:8480/")
        page.wait_for("document.title.includes('healthy')")
    """

    def __init__(self, *flags):
        self._profile = tempfile.mkdtemp(prefix="turnkeeper-browser-")
        read_commands, self._commands = os.pipe()
        self._answers, write_answers = os.pipe()
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []

        def pipes():  # Chromium reads from 3 and writes to 4
            _libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
            commands, answers = os.dup(read_commands), os.dup(write_answers)
            os.dup2(commands, 3)
            os.dup2(answers, 4)

        self._process = subprocess.Popen(
            ["chromium", "--headless=new", *sandbox, "--remote-debugging-pipe", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--mute-audio",
             f"--user-data-dir={self._profile}", *flags, "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, close_fds=False, preexec_fn=pipes)
        os.close(read_commands)
        os.close(write_answers)
        self._ids = itertools.count(1)
        self._buffer = b""
        self._results = {}
        self.pages = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._commands)
        os.close(self._answers)
        shutil.rmtree(self._profile, ignore_errors=True)

    def call(self, method, session=None, timeout=30, **params):
        number = next(self._ids)
        message = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + timeout
        while number not in self._results:
            assert self.pump(end - time.monotonic()), f"{method} was not answered in {timeout} s"
        answer = self._results.pop(number)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def pump(self, seconds):
        """Takes in what Chromium says within that time; False when it says nothing."""
        ready, _, _ = select.select([self._answers], [], [], max(0, seconds))
        if not ready:
            return False
        chunk = os.read(self._answers, 1 << 16)
        assert chunk, "Chromium has ended"
        *messages, self._buffer = (self._buffer + chunk).split(b"\0")
        for text in messages:
            message = json.loads(text)
            if "id" in message:
                self._results[message["id"]] = message
            elif message.get("sessionId") in self.pages:
                self.pages[message["sessionId"]].heard(message["method"], message["params"])
        return True

    def page(self, width=1280, height=900, dark=False):
        return Page(self, width, height, dark)


class Page:
    def __init__(self, browser, width, height, dark):
        self._browser = browser
        self.complaints = []  # console errors, exceptions, violations of the page's policy
        self.requests = []
        # A window of its own, which has the focus for all that it knows: Chromium lets tabs behind another one wait.
        self._target = browser.call("Target.createTarget", url="about:blank", newWindow=True)["targetId"]
        self._session = browser.call("Target.attachToTarget", targetId=self._target, flatten=True)["sessionId"]
        browser.pages[self._session] = self
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def call(self, method, **params):
        return self._browser.call(method, session=self._session, **params)

    def heard(self, method, params):
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
            self.complaints.append(" ".join(str(a.get("value", a.get("description"))) for a in params["args"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.complaints.append(params["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])

    def close(self):
        self._browser.call("Target.closeTarget", targetId=self._target)
        del self._browser.pages[self._session]

    def open(self, url):
        self.call("Page.navigate", url=url)

    def js(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, f"{expression}: {answer['exceptionDetails']}"
        return answer["result"].get("value")

    def wait_for(self, expression, seconds=10):
        """The first truthy value of an expression, which may fail until then; true for a node."""
        wrapped = f"(() => {{ try {{ const v = {expression}; return v instanceof Node ? true : v; }} catch {{ return null; }} }})()"
        end = time.monotonic() + seconds
        while True:
            value = self.js(wrapped)
            if value:
                return value
            assert time.monotonic() < end, f"waited {seconds} s for {expression}; complaints: {self.complaints}; " + \
                self.js("document.body.innerText")[:2000]
            self._browser.pump(0.1)

    def press(self, key):
        for kind in ("keyDown", "keyUp"):
            text = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode={"Tab": 9, "Enter": 13}[key], **text)

    def screenshot(self, path):
        """Of the whole page, not only of what is in view."""
        image = self.call("Page.captureScreenshot", captureBeyondViewport=True, format="png")
        with open(path, "wb") as file:
            file.write(base64.b64decode(image["data"]))
