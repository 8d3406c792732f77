#!/usr/bin/env python3
"""Calls of real browsers while relays are killed, drained and brought back and signing keys are replaced, at random. Tells how many
calls were lost, and the longest gap."""

import argparse
import contextlib
import json
import os
import pathlib
import random
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
os.environ.setdefault("TURNKEEPER_BIN", str(ROOT / "build/release/bin"))
sys.path[:0] = [str(ROOT / "tests/support")]

from browser import Browser  # noqa: E402
from call import FLAGS, PEER, Origin, relays_of  # noqa: E402
from local_mode import Up, address_of_ones_own  # noqa: E402

SESSIONS_PER_PAGE = 2  # both ends follow events, and a browser opens six connections to an origin


class Calls:
    def __init__(self, browser, page, number, every):
        self.page = page
        page.js(f"{PEER}; var peers = []")
        for session in range(SESSIONS_PER_PAGE):
            for name in ("alice", "bob"):
                settings = json.dumps({"name": name, "session": f"soak-{number}-{session}", "polite": name == "bob", "options": {}})
                page.js(f"makePeer({settings}).then((peer) => void peers.push(peer))")
        page.js(f"peers.forEach((peer) => peer.start({every}))")
        page.wait_for("peers.every((peer) => peer.received > 5)", 60)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--every", type=int, default=100, help="milliseconds between two messages of one end")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    chance = random.Random(arguments.seed)
    with contextlib.ExitStack() as stack:
        up = Up(pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory())), address_of_ones_own()).start().wait_until_healthy()
        stack.callback(up.end)
        browser = stack.enter_context(Browser(*FLAGS))
        calls = []
        for number in range(arguments.sessions // SESSIONS_PER_PAGE):
            origin = stack.enter_context(contextlib.closing(Origin(up.url)))
            page = browser.page()
            page.open(origin.url)
            page.wait_for("document.title === 'a page'")
            calls.append(Calls(browser, page, number, arguments.every))
        of_all = lambda expression: [value for call in calls for value in call.page.js(f"peers.map((peer) => {expression})")]  # noqa: E731
        of_all("peer.longest = peer.events.length = 0")
        done = {"stop": 0, "drain": 0, "start": 0, "rotate": 0, "revoke": 0}
        end = time.monotonic() + arguments.minutes * 60
        while time.monotonic() < end:
            relays = {relay["name"]: relay["verdict"] for relay in relays_of(up)}
            healthy = [name for name, verdict in relays.items() if verdict == "Healthy"]
            away = [name for name, verdict in relays.items() if verdict in ("Unhealthy", "Draining")]
            action = chance.choice(["stop", "drain"]) if len(healthy) > 1 and (not away or chance.random() < 0.3) else "start"
            targets = [chance.choice(healthy)] if action != "start" else away
            if chance.random() < 0.1:
                action, targets = chance.choice(["rotate", "rotate", "revoke"]), []
                up.turnctl("rotate", "--local", *(["--now", "--yes"] if action == "revoke" else []))
                done[action] += 1
            for name in targets:
                up.turnctl("relay", action, name)
                done[action] += 1
            print(f"{time.strftime('%H:%M:%S')} {action} {' '.join(targets)}; longest gap so far {max(of_all('peer.longest')):.0f} ms", flush=True)
            time.sleep(chance.uniform(4, 12))
        before = of_all("peer.received")
        time.sleep(5)
        lost = sum(now == then for now, then in zip(of_all("peer.received"), before))
        gaps = sorted(of_all("peer.longest"))
        print(f"{arguments.minutes:g} minutes, {len(gaps) // 2} sessions: {done['stop']} kills, {done['drain']} drains, "
              f"{done['rotate']} rotations, {done['revoke']} revocations; "
              f"{sum(of_all('peer.count(%r)' % 'restart'))} ICE restarts, {sum(of_all('peer.count(%r)' % 'connectionfailed'))} given up on; "
              f"{lost} ends lost; longest gap {gaps[-1]:.0f} ms, of the median end {gaps[len(gaps) // 2]:.0f} ms")
        return 1 if lost else 0


sys.exit(main())
