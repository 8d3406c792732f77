import hashlib
import json
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "monitor"))
from running import BIN, SECRET, Coturn, Monitor, wait_for  # noqa: E402

from testbed.cache import cached, digest  # noqa: E402

TOOLS = pathlib.Path(__file__).parents[2] / "support/tools"
ROBOTS_KEY = "a-robots-key-0123456789"
KEY = "the-servers-key-0123456789"


class Running:
    """A monitor of two regions with one relay each, and a STUN server; of two keys, one is for a robot alone."""

    def __init__(self, folder):
        self.folder = folder
        self.coturns = [Coturn(folder, 0), Coturn(folder, 1)]
        (folder / "turn.secret").write_text(SECRET)
        (folder / "keys").write_text("".join(
            f"{name} sha256:{hashlib.sha256(key.encode()).hexdigest()}{rest}\n"
            for name, key, rest in (("server", KEY, ""), ("robot", ROBOTS_KEY, " user=robot-7"))))
        config = {"vantage": "test", "probing": {"full": "1s", "checks": False},
                  "stunServers": ["stun:192.0.2.9:3478"],
                  "clients": {"regionHeader": {"name": "CF-IPCountry", "map": {"US": "us", "DE": "eu"}}},
                  "servers": [{"name": f"{region}-0", "region": region, "url": coturn.url, "secretFile": "turn.secret"}
                              for region, coturn in zip(("eu", "us"), self.coturns)]}
        (folder / "monitor.yaml").write_text(json.dumps(config))
        self.monitor = Monitor(folder, "--config", folder / "monitor.yaml", "--api-keys-file", folder / "keys")
        self.url = f"http://{self.monitor.address}"
        wait_for("two proven relays", lambda: [r.get("verdict") for r in self.monitor.relays().values()] == ["Healthy"] * 2)
        wait_for("a URL to measure in each region", lambda: all(
            "stun" in region for region in json.loads(self.curl("/v1/regions", bearer=KEY)[1])["regions"]))

    def curl(self, target, *, method=None, body=None, bearer=None, basic=None, headers=()):
        """(status, body, headers in lower case), by the program that each vendor's documents use."""
        command = ["curl", "--silent", "--max-time", "10", "--include", "--http1.1", f"{self.url}{target}"]
        if method:
            command += ["--request", method]
        if body is not None:
            command += ["--data", body]
        if bearer:
            command += ["--header", f"Authorization: Bearer {bearer}"]
        if basic:
            command += ["--user", basic]
        for header in headers:
            command += ["--header", header]
        out = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout
        head, _, content = out.replace("\r\n", "\n").partition("\n\n")
        lines = head.split("\n")
        return int(lines[0].split()[1]), content, {
            name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}

    def json(self, status, *arguments, **options):
        got, body, _ = self.curl(*arguments, **options)
        assert got == status, body
        return json.loads(body)

    def allocate(self, url, username, password):
        """Uses the relay as a client would: allocate, bind a channel, hear the own echo, release."""
        file = self.folder / "password"
        file.write_text(password)
        out = subprocess.run([BIN / "turnctl", "probe", url, "--user", username, "--password-file", file],
                             capture_output=True, text=True, timeout=20)
        return out.returncode == 0, out.stdout + out.stderr

    def assert_works(self, urls, username, password):
        assert urls, "there is a TURN URL"
        for url in urls:
            good, told = self.allocate(url, username, password)
            assert good, f"{url} with {username}: {told}"

    def log(self):
        return "".join(file.read_text() for file in self.folder.glob("monitor-*.log"))

    def end(self):
        self.monitor.kill()
        for coturn in self.coturns:
            coturn.kill()


@pytest.fixture(scope="session")
def running(tmp_path_factory):
    running = Running(tmp_path_factory.mktemp("shapes"))
    yield running
    running.end()


def _run(*command, cwd=None):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def twilio_for_node():
    source = TOOLS / "twilio-node"

    def install(directory):
        for name in ("package.json", "package-lock.json", ".npmrc"):
            (directory / name).write_bytes((source / name).read_bytes())
        _run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", cwd=directory)
    return cached(f"twilio-node-{digest(source / 'package-lock.json')}", install, "Twilio's library for Node")


@pytest.fixture(scope="session")
def twilio_for_python():
    requirements = TOOLS / "twilio-python/requirements.txt"

    def install(directory):
        _run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--target",
             str(directory), "--requirement", str(requirements))
    path = cached(f"twilio-python-{digest(requirements)}", install, "Twilio's library for Python")
    sys.path.insert(0, str(path))
    yield path
    sys.path.remove(str(path))
