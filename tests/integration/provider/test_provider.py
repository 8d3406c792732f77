"""Credential APIs as a server's URLs and credentials: fakes that answer as the vendors document it, and worse."""

import base64
import hashlib
import hmac
import http.server
import json
import pathlib
import subprocess
import sys
import threading
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "monitor"))
from running import BIN, SECRET, Coturn, Monitor, wait_for  # noqa: E402


def credential(ttl):
    username = f"{int(time.time()) + ttl}:probe"
    return username, base64.b64encode(hmac.new(SECRET.encode(), username.encode(), hashlib.sha1).digest()).decode()


class Api:
    """`answer(handler)` gives (status, object); every request is kept."""

    def __init__(self, answer):
        self.requests = []
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                api.requests.append((self.command, self.path, self.headers.get("Authorization", ""), body))
                answer(self)

            do_POST = do_PUT = do_GET

            def reply(self, status, value):
                text = value if isinstance(value, bytes) else json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def relay(tmp_path):
    relay = Coturn(tmp_path, 0)
    yield relay
    relay.kill()


@pytest.fixture
def serve():
    started = []

    def api(answer):
        started.append(Api(answer))
        return started[-1]
    yield api
    for one in started:
        one.close()


def write_config(folder, *servers):
    (folder / "api.key").write_text("open sesame")
    path = folder / "monitor.yaml"
    path.write_text(json.dumps({"vantage": "test", "probing": {"full": "1s", "checks": False}, "servers": servers}))
    return path


def once(path):
    out = subprocess.run([BIN / "turnkeeper-monitor", "--config", path, "--once", "--json"], capture_output=True,
                         text=True, timeout=60)
    return out.returncode, json.loads(out.stdout), out.stderr


def vendor(name, relay, ttl=3600):
    """The provider block, and the answer of a fake of that vendor."""
    username, password = credential(ttl)
    server = {"urls": [relay.url], "username": username, "credential": password}
    basic = "Basic " + base64.b64encode(b"AC00:open sesame").decode()
    return {
        "turn-rest": ({"username": "alice"}, ("GET", "/?service=turn&username=alice&key=open%20sesame", ""), 200,
                      {"username": username, "password": password, "ttl": ttl, "uris": [relay.url]}),
        "twilio": ({"accountSid": "AC00"}, ("POST", "/2010-04-01/Accounts/AC00/Tokens.json", basic), 201,
                   {"username": username, "password": password, "ttl": str(ttl), "account_sid": "AC00",
                    "ice_servers": [{"urls": "stun:stun.example.org"}, server | {"urls": relay.url}]}),
        "metered": ({}, ("GET", "/api/v1/turn/credentials?apiKey=open%20sesame", ""), 200,
                    [{"urls": "stun:stun.example.org"}, server | {"urls": relay.url}]),
        "xirsys": ({"ident": "AC00", "channel": "c"}, ("PUT", "/_turn/c", basic), 200,
                   {"v": {"iceServers": server}, "s": "ok"}),
        "cloudflare": ({"keyId": "k"}, ("POST", "/v1/turn/keys/k/credentials/generate-ice-servers", "Bearer open sesame"),
                       201, {"iceServers": [{"urls": ["stun:stun.example.org"]}, server]}),
    }[name]


@pytest.mark.parametrize("name", ["turn-rest", "twilio", "metered", "xirsys", "cloudflare"])
def test_the_relay_that_an_api_names_is_probed_with_its_credential(tmp_path, relay, serve, name):
    keys, request, status, answer = vendor(name, relay)
    api = serve(lambda handler: handler.reply(status, answer))
    path = write_config(tmp_path, {"name": "them", "region": "eu", "provider": {
        "type": name, "url": api.url + ("/" if name == "turn-rest" else ""), "secretFile": "api.key", **keys}})
    code, rows, log = once(path)
    assert (code, [(row["relay"], row["ok"]) for row in rows]) == (0, [("them", True)]), log
    assert api.requests[0][:3] == request
    assert "open sesame" not in log


def test_an_api_that_refuses_hangs_or_babbles_is_told_and_harms_nobody_else(tmp_path, relay, serve):
    released = threading.Event()

    def babble(handler):
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(1000):
                handler.wfile.write(b"x" * 65536)
        except OSError:
            pass
    apis = {"refuses": serve(lambda handler: handler.reply(401, {"error": "Invalid API Key"})),
            "hangs": serve(lambda handler: released.wait(30)),
            "garbage": serve(lambda handler: handler.reply(200, b"<html>")),
            "babbles": serve(babble)}
    (tmp_path / "turn.secret").write_text(SECRET)
    path = write_config(tmp_path, {"name": "own", "region": "eu", "url": relay.url, "secretFile": "turn.secret"}, *(
        {"name": name, "region": "eu", "provider": {"type": "metered", "url": api.url, "secretFile": "api.key"}}
        for name, api in apis.items()))
    monitor = Monitor(tmp_path, "--config", path)
    try:
        wait_for("our own relay", lambda: monitor.relays().get("own", {}).get("verdict") == "Healthy")
        log = lambda: "".join(file.read_text() for file in tmp_path.glob("monitor-*.log"))  # noqa: E731
        wait_for("the refusal", lambda: "Invalid API Key" in log())
        wait_for("the garbage", lambda: "not what it documents" in log())
        wait_for("the flood", lambda: "longer than 1 MiB" in log())
        assert "open sesame" not in log() and "open%20sesame" not in log()
        started = time.monotonic()
        assert monitor.terminate() == 0
        assert time.monotonic() - started < 4, "an API that hangs keeps the monitor from ending"
    finally:
        released.set()
        monitor.kill()


def test_an_api_that_comes_back_is_asked_again_and_its_relay_is_given_out(tmp_path, relay, serve):
    broken = [True]
    keys, _, status, answer = vendor("twilio", relay)
    api = serve(lambda handler: handler.reply(503, {}) if broken else handler.reply(status, answer))
    path = write_config(tmp_path, {"name": "them", "region": "eu", "provider": {
        "type": "twilio", "url": api.url, "secretFile": "api.key", **keys}})
    monitor = Monitor(tmp_path, "--config", path)
    try:
        wait_for("a first question", lambda: api.requests)
        broken.clear()
        wait_for("the relay", lambda: monitor.relays().get("them", {}).get("verdict") == "Healthy")
        body = json.loads(monitor.get("/v1/ice?user=alice&region=eu")[1])
        server = body["iceServers"][0]
        assert (server["urls"], server["username"]) == ([relay.url], answer["username"])
        assert body["ttl"] <= 3600, "no longer than the credential lasts"
        assert len(api.requests) < 10
    finally:
        monitor.kill()
