#!/usr/bin/env python3
"""How long a call is silent when something happens to its relay, over many runs. Prints milliseconds."""

import argparse
import contextlib
import os
import pathlib
import re
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
os.environ.setdefault("TURNKEEPER_BIN", str(ROOT / "build/release/bin"))
sys.path[:0] = [str(ROOT / "tests/support")]

from browser import Browser  # noqa: E402
from call import FLAGS, NO_PUSHES, Call, Origin, relay_at  # noqa: E402
from firefox import Firefox  # noqa: E402
from local_mode import Up, address_of_ones_own  # noqa: E402
from regions import Regions  # noqa: E402


class Local:
    """The relays of a new `turnctl up` each time: one that remembers that a relay has died often lets it wait longer."""

    def __init__(self, folder, action):
        self.folder, self.action = folder, action
        self.up = None

    def prepare(self):
        self.close()
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        self.up = Up(folder, address_of_ones_own()).start().wait_until_healthy()
        self.url = self.up.url

    def close(self):
        if self.up:
            self.up.end()

    def name_of(self, relay):
        return relay_at(self.up, relay)

    @staticmethod
    def can_hit(_):
        return True

    def strike(self, name):
        done = self.up.turnctl("relay", self.action, name)
        assert done.returncode == 0, done


class Wide:
    """Two regions with a network in between; the call is in eu."""

    def __init__(self, folder, broken, mended):
        self.broken, self.mended = broken, mended
        self.regions = Regions(folder)
        self.close = self.regions.close

    def prepare(self):
        self.regions.network.command(self.mended)
        self.regions.watch()
        self.url = self.regions.url

    @staticmethod
    def name_of(relay):
        return re.search(r"\d+\.\d+\.\d+\.\d+", relay)[0]

    def can_hit(self, relay):
        return relay == self.regions.addresses["eu"]

    def strike(self, _):
        self.regions.network.command(self.broken)


def black_hole(folder):
    command = {"cmd": "blackhole", "region": "eu"}
    return Wide(folder, {**command, "on": True}, {**command, "on": False})


def region_lost(folder):
    command = {"cmd": "link", "region": "eu"}
    return Wide(folder, {**command, "up": False}, {**command, "up": True})


WORLDS = {"kill": lambda folder: Local(folder, "stop"), "drain": lambda folder: Local(folder, "drain"), "black-hole": black_hole,
          "region-lost": region_lost}


def run(world, browser, arguments):
    world.prepare()
    with contextlib.closing(Origin(world.url)) as origin:
        call = Call(browser, origin, adapt=NO_PUSHES if arguments.no_pushes else "undefined")
        if arguments.bare:
            call.js("peer.client.close()")
        call.forget()
        on = lambda: [world.name_of(relay) for relay in call.js("peer.call.path.relay")]  # noqa: E731
        time.sleep(2)  # ICE goes on from the first pair that works to the best of them
        dead = on()[0]
        if not world.can_hit(dead):
            call.close()
            return run(world, browser, arguments)
        world.strike(dead)
        deadline = time.monotonic() + 30
        while dead in on() and not arguments.bare:
            assert time.monotonic() < deadline, "the call does not leave its relay"
            time.sleep(0.1)
        time.sleep(20 if arguments.bare else 3)
        call.hears_more()
        gap = call.gap()
        call.close()
    return gap


def main():
    parser = argparse.ArgumentParser(description=__doc__, epilog="region-lost: its relay, and the monitor that stands there.")
    parser.add_argument("scenario", nargs="?", choices=WORLDS, default="kill")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--firefox", action="store_true", help="in place of Chromium")
    parser.add_argument("--no-pushes", action="store_true", help="no event stream gets through: the client must notice by itself")
    parser.add_argument("--bare", action="store_true", help="without the client: the browser has the same list and is left alone")
    arguments = parser.parse_args()
    gaps = []
    with tempfile.TemporaryDirectory() as folder, (Firefox() if arguments.firefox else Browser(*FLAGS)) as browser:
        with contextlib.closing(WORLDS[arguments.scenario](pathlib.Path(folder))) as world:
            for number in range(arguments.runs):
                gaps.append(run(world, browser, arguments))
                print(f"{number + 1}: {gaps[-1]:.0f}", flush=True)
    gaps.sort()
    at = lambda share: gaps[min(len(gaps) - 1, int(share * len(gaps)))]  # noqa: E731
    print(f"{len(gaps)} runs: median {at(0.5):.0f}, p95 {at(0.95):.0f}, longest {gaps[-1]:.0f} ms")


main()
