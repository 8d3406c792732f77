"""A subscriber of /v1/events, and plain requests, as a client outside the cluster makes them."""

import json
import threading
import time
import urllib.request


def request(url, key, timeout=5):
    return urllib.request.urlopen(urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"}), timeout=timeout)


def get_json(url, key):
    with request(url, key) as reply:
        return json.load(reply)


class Subscriber:
    """Keeps every event with the moment it came (time.monotonic)."""

    def __init__(self, url, key):
        self.events = []
        self._changed = threading.Condition()
        self._reply = request(url, key, timeout=60)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        data = []
        try:
            for line in self._reply:
                text = line.decode().rstrip("\r\n")
                if text.startswith("data:"):
                    data.append(text[5:].lstrip())
                elif not text and data:
                    with self._changed:
                        self.events.append((time.monotonic(), json.loads("\n".join(data))))
                        self._changed.notify_all()
                    data = []
        except (OSError, ValueError):
            pass

    def wait(self, since, condition, seconds):
        """The first event from index `since` on that meets the condition: (moment, config)."""
        def found():
            return next((e for e in self.events[since:] if condition(e[1])), None)
        with self._changed:
            assert self._changed.wait_for(found, seconds), f"no such event within {seconds} s; seen: {self.events[since:]}"
            return found()

    def close(self):
        self._reply.close()
