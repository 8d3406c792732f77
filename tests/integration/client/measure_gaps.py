#!/usr/bin/env python3
"""How long a call is silent when its relay is killed, over many runs. Prints milliseconds."""

import argparse
import os
import pathlib
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
os.environ.setdefault("TURNKEEPER_BIN", str(ROOT / "build/release/bin"))
sys.path[:0] = [str(ROOT / "tests/support")]

from browser import Browser  # noqa: E402
from call import FLAGS, Call, Origin, bring_back, relay_at, relays_of, stop_relay  # noqa: E402
from local_mode import Up, address_of_ones_own  # noqa: E402

NO_PUSHES = "() => (url, init) => url.includes('/v1/events') ? new Response('', {status: 502}) : fetch(url, init)"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--no-pushes", action="store_true", help="no event stream gets through: the client must notice by itself")
    parser.add_argument("--bare", action="store_true", help="without the client: the browser has the same list and is left alone")
    arguments = parser.parse_args()
    gaps = []
    with tempfile.TemporaryDirectory() as folder, Browser(*FLAGS) as browser:
        up = Up(pathlib.Path(folder), address_of_ones_own()).start().wait_until_healthy()
        origin = Origin(up.url)
        try:
            for run in range(arguments.runs):
                while any(relay["verdict"] != "Healthy" for relay in relays_of(up)):
                    bring_back(up)
                    time.sleep(0.1)
                call = Call(browser, origin, adapt=NO_PUSHES if arguments.no_pushes else "undefined")
                call.wait_for("peer.call.path.relay === peer.config.iceServers[0].urls[0]")
                if arguments.bare:
                    call.js("peer.client.close()")
                call.forget()
                stop_relay(up, relay_at(up, call.js("peer.config.iceServers[0].urls[0]")[0]))
                time.sleep(20 if arguments.bare else 8 if arguments.no_pushes else 3)
                call.hears_more()
                gaps.append(call.gap())
                print(f"{run + 1}: {gaps[-1]:.0f}", flush=True)
                call.close()
        finally:
            origin.end()
            up.end()
    gaps.sort()
    at = lambda share: gaps[min(len(gaps) - 1, int(share * len(gaps)))]  # noqa: E731
    print(f"{len(gaps)} runs: median {at(0.5):.0f}, p95 {at(0.95):.0f}, longest {gaps[-1]:.0f} ms")


main()
