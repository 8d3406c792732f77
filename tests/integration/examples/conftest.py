import json
import os
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "monitor"))

from running import SECRET, Coturn, Monitor, wait_for  # noqa: E402

from programs import KEY, SIGNALLING, Program  # noqa: E402


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("examples")
    (folder / "turn.secret").write_text(SECRET + "\n")
    (folder / "key").write_text(KEY + "\n")
    return folder


@pytest.fixture(scope="session")
def relays(folder):
    """Two in one region, by URL."""
    relays = {relay.url: relay for relay in (Coturn(folder, number) for number in range(2))}
    yield relays
    for relay in relays.values():
        relay.kill()


@pytest.fixture(scope="session")
def monitor(folder, relays):
    config = {"vantage": "test", "probing": {"canary": "100ms", "misses": 3, "full": "1s", "checks": False},
              "servers": [{"name": f"eu-{number}", "region": "eu", "url": url, "secretFile": "turn.secret"}
                          for number, url in enumerate(relays)]}
    (folder / "monitor.yaml").write_text(json.dumps(config))
    monitor = Monitor(folder, "--config", folder / "monitor.yaml", "--api-key-file", folder / "key")
    wait_for("the first verdicts", monitor.is_ready)
    yield monitor
    monitor.kill()


@pytest.fixture(scope="session")
def ws():
    """What the server in Node needs."""
    cache = pathlib.Path(os.environ.get("TURNKEEPER_CACHE", pathlib.Path.home() / ".cache/turnkeeper")) / "npm"
    installed = subprocess.run(["npm", "ci", "--cache", cache, "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"],
                               cwd=SIGNALLING, capture_output=True, text=True, timeout=120)
    assert installed.returncode == 0, installed.stderr


@pytest.fixture(params=["node", "python"])
def signalling(request, folder, monitor, ws):
    """The address of the server, in either language."""
    command = {"node": ["node", SIGNALLING / "server.mjs"], "python": ["/usr/bin/python3", SIGNALLING / "server.py"]}
    server = Program(folder / f"signalling-{request.param}.log", *command[request.param], "--monitor",
                     f"http://{monitor.address}", "--listen", "127.0.0.1:0", TURNKEEPER_API_KEY=KEY)
    try:
        yield server.wait_for(r"Signalling at (ws://\S+)")
    finally:
        server.end()
