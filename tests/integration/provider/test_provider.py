"""Credential APIs as a server's URLs and credentials: fakes that answer as the vendors document it, and worse."""

import base64
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import re
import ssl
import subprocess
import sys
import threading
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "monitor"))
from running import BIN, SECRET, Coturn, Monitor, wait_for  # noqa: E402

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "support"))
import local_mode  # noqa: E402


def credential(ttl):
    username = f"{int(time.time()) + ttl}:probe"
    return username, base64.b64encode(hmac.new(SECRET.encode(), username.encode(), hashlib.sha1).digest()).decode()


class Api:
    """`answer(handler)` gives (status, object); every request is kept, and when it came."""

    def __init__(self, answer, tls=None):
        self.requests = []
        self.times = []
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                api.requests.append((self.command, self.path, self.headers.get("Authorization", ""), body))
                api.times.append(time.monotonic())
                answer(self)

            do_POST = do_PUT = do_GET

            def reply(self, status, value, **headers):
                text = value if isinstance(value, bytes) else json.dumps(value).encode()
                self.send_response(status)
                for name, header in headers.items():
                    self.send_header(name.replace("_", "-"), header)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.server.server_address[1]}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def relay(tmp_path):
    relay = Coturn(tmp_path, 0)
    yield relay
    relay.kill()


@pytest.fixture
def own(tmp_path):
    own = Coturn(tmp_path, 1)
    yield own
    own.kill()


@pytest.fixture
def serve():
    started = []

    def api(answer, tls=None):
        started.append(Api(answer, tls))
        return started[-1]
    yield api
    for one in started:
        one.close()


def write_config(folder, *servers):
    (folder / "api.key").write_text("open sesame")
    path = folder / "monitor.yaml"
    path.write_text(json.dumps({"vantage": "test", "probing": {"full": "1s", "checks": False}, "servers": servers}))
    return path


def with_fallback(folder, own, *providers, **failover):
    """Our own relay, and providers beside it."""
    (folder / "turn.secret").write_text(SECRET)
    path = write_config(folder, *([{"name": "own", "region": "eu", "url": own.url, "secretFile": "turn.secret"}] if own else []))
    document = json.loads(path.read_text())
    document["failover"] = {"providers": list(providers), **failover}
    if not own:
        del document["servers"]
    path.write_text(json.dumps(document))
    return path


def provider(name, kind, api, keys, **more):
    url = {"url": api.url + ("/" if kind == "turn-rest" else "")} if api else {}
    return {"name": name, "type": kind, "secretFile": "api.key", "probeEvery": "1s", **url, **keys, **more}


def servers(monitor, query=""):
    status, body = monitor.get("/v1/ice?user=alice" + query)
    assert status == 200, body
    return json.loads(body)["iceServers"]


def hosts(monitor, query=""):
    return [re.match(r"turn:([\d.]+):", server["urls"][0]).group(1) for server in servers(monitor, query)]


def metric(monitor, name, **labels):
    """The value of the one series with these labels; None without it."""
    for line in monitor.get("/metrics")[1].splitlines():
        if line.startswith(name + "{") and all(f'{key}="{value}"' in line for key, value in labels.items()):
            return float(line.rsplit(" ", 1)[1])
    return None


def log_of(folder):
    return "".join(file.read_text() for file in folder.glob("monitor-*.log"))


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


def monitor_of(folder, *flags, **environment):
    before = os.environ.copy()
    os.environ.update(environment)
    try:
        return Monitor(folder, *flags)
    finally:
        os.environ.clear()
        os.environ.update(before)


def test_a_provider_serves_while_none_of_ours_works_and_not_before(tmp_path, relay, own, serve):
    keys, _, status, answer = vendor("twilio", relay)
    api = serve(lambda handler: handler.reply(status, answer))
    path = with_fallback(tmp_path, own, provider("twilio", "twilio", api, keys), provider("twin", "twilio", api, keys))
    monitor = Monitor(tmp_path, "--config", path)
    try:
        wait_for("both are proven", lambda: {"own", "twilio", "twin"} == {
            name for name, one in monitor.relays().items() if one["verdict"] == "Healthy"})
        assert hosts(monitor) == [own.address], "nobody is sent to what costs money while ours works"
        status, body = monitor.get("/v1/ice?user=alice&region=twilio")
        assert status == 404, "a provider is no region to ask for"
        own.kill()
        wait_for("the provider's relay", lambda: set(hosts(monitor)) == {relay.address}, 5)
        server = servers(monitor)[0]
        assert (server["username"], server["credential"]) == (answer["username"], answer["password"])
        assert metric(monitor, "turnkeeper_failover_active", region="eu", backup="twilio") == 1
        own.start()
        wait_for("ours again", lambda: hosts(monitor) == [own.address])
        assert len(api.requests) == 1, "an answer is good for three quarters of its life, and for whoever asks the same"
        assert monitor.relays()["twilio"]["lossPercent"] in (None, 0)
        assert not metric(monitor, "turnkeeper_echo_sent_total", relay="twilio"), "a canary there costs money"
    finally:
        monitor.kill()


def test_a_provider_can_be_the_only_source_or_the_cheapest(tmp_path, relay, own, serve):
    keys, _, status, answer = vendor("cloudflare", relay)
    api = serve(lambda handler: handler.reply(status, answer))
    cheap = provider("cloudflare", "cloudflare", api, keys, costPerGigabyte="0.05")
    path = with_fallback(tmp_path, own, cheap, use="only")
    monitor = Monitor(tmp_path, "--config", path)
    try:
        wait_for("theirs alone", lambda: hosts(monitor) == [relay.address])
        wait_for("ours is proven", lambda: monitor.relays()["own"]["verdict"] == "Healthy")
        relay.kill()
        wait_for("ours, since theirs is dead", lambda: hosts(monitor) == [own.address])
        relay.start()
        wait_for("theirs again", lambda: hosts(monitor) == [relay.address])
        with_fallback(tmp_path, own, cheap, use="cheapest", costPerGigabyte="0.10")
        wait_for("the cheaper one first", lambda: hosts(monitor) == [relay.address, own.address])
        with_fallback(tmp_path, own, cheap, use="cheapest", costPerGigabyte="0.01")
        wait_for("ours is cheaper now", lambda: hosts(monitor) == [own.address, relay.address])
        assert len(api.requests) == 1, "another use of the same provider is no reason to ask"
    finally:
        monitor.kill()


def test_providers_that_need_no_asking(tmp_path, relay, own):
    username, password = credential(3600)
    (tmp_path / "list.json").write_text(json.dumps([{"urls": [own.url], "username": username, "credential": password}]))
    (tmp_path / "password").write_text(password)
    (tmp_path / "secret").write_text(SECRET)
    path = with_fallback(
        tmp_path, None, {"name": "list", "type": "static", "secretFile": "list.json", "probeEvery": "1s"},
        {"name": "user", "type": "static", "urls": [relay.url], "username": username, "secretFile": "password"},
        {"name": "shared", "type": "shared-secret", "urls": [relay.url], "secretFile": "secret"})
    code, rows, log = once(path)
    assert (code, [(row["relay"], row["ok"]) for row in rows]) == (0, [("list", True), ("shared", True), ("user", True)]), log
    monitor = Monitor(tmp_path, "--config", path)
    try:
        wait_for("all three", lambda: [one["verdict"] for one in monitor.relays().values()] == ["Healthy"] * 3)
        users = sorted(server["username"].split(":")[1] for server in servers(monitor))
        assert users == ["alice", "probe", "probe"], "a shared secret signs for the user who asks"
    finally:
        monitor.kill()


def test_each_failure_is_met_as_it_deserves(tmp_path, relay, own, serve):
    """Refusals, limits, hangs, floods, wrong certificates, and a credential that runs out: at the same time, harming nobody."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", tmp_path / "tls.pem",
                    "-out", tmp_path / "ca.pem"], check=True, capture_output=True)
    (tmp_path / "tls.pem").write_text((tmp_path / "tls.pem").read_text() + (tmp_path / "ca.pem").read_text())
    released = threading.Event()
    keys, _, status, answer = vendor("twilio", relay)
    limited = iter(range(1000))
    short = []

    def runs_out(handler):
        if len(short) == 2:
            return handler.reply(503, {})
        username, password = credential(7)
        short.append(username)
        handler.reply(201, {"username": username, "password": password, "ttl": "7", "ice_servers": [
            {"urls": relay.url, "username": username, "credential": password}]})

    apis = {
        "refuses": serve(lambda handler: handler.reply(401, {"code": 20003, "message": "Authenticate", "status": 401})),
        "forbids": serve(lambda handler: handler.reply(403, {"errors": [{"code": 10000}]})),
        "limits": serve(lambda handler: handler.reply(429, {"code": 20429}, Retry_After="2") if next(limited) == 0
                        else handler.reply(status, answer)),
        "breaks": serve(lambda handler: handler.reply(500, {})),
        "hangs": serve(lambda handler: released.wait(40)),
        "untrusted": serve(lambda handler: handler.reply(status, answer), tls=tmp_path / "tls.pem"),
        "trusted": serve(lambda handler: handler.reply(status, answer), tls=tmp_path / "tls.pem"),
        "runs-out": serve(runs_out)}
    path = with_fallback(tmp_path, own, *(
        provider(name, "twilio", api, keys, **({"caFile": "ca.pem"} if name == "trusted" else {})) for name, api in apis.items()))
    monitor = Monitor(tmp_path, "--config", path)

    def state(name):
        return next((s for s in ("closed", "open", "half-open")
                     if metric(monitor, "turnkeeper_provider_state", provider=name, state=s)), None)

    def expiry(name):
        return metric(monitor, "turnkeeper_provider_credential_expiry_timestamp_seconds", provider=name)

    def up(name):
        return metric(monitor, "turnkeeper_provider_up", provider=name)
    try:
        wait_for("our own relay", lambda: monitor.relays().get("own", {}).get("verdict") == "Healthy", 5)
        wait_for("those that are well", lambda: up("trusted") == 1 and up("runs-out") == 1)
        wait_for("the one that said when to come back", lambda: up("limits") == 1)
        assert 1.9 < apis["limits"].times[1] - apis["limits"].times[0] < 4
        wait_for("three strikes", lambda: state("breaks") == "open")
        first = expiry("runs-out")
        wait_for("a new credential before the old one ends", lambda: expiry("runs-out") > first)
        assert len(short) == 2 and time.time() < int(short[0].split(":")[0])
        assert state("refuses") == "open" and state("forbids") == "open" and up("refuses") == 0
        assert len(apis["refuses"].requests) == 1, "a wrong key is not sent again and again"
        assert len(apis["breaks"].requests) == 3
        assert len(apis["hangs"].requests) == 1
        wait_for("the last failure of the one that runs out", lambda: up("runs-out") == 0)
        assert "runs-out" in monitor.relays(), "the last good answer serves while it is good"
        wait_for("its relay is gone with its credential", lambda: "runs-out" not in monitor.relays())
        assert time.time() >= int(short[1].split(":")[0])
        assert hosts(monitor) == [own.address]
        log = log_of(tmp_path)
        assert len(re.findall(r"provider=refuses", log)) == 2, "the failure and the breaker, once each"
        assert re.search(r"provider=untrusted.*certificate is refused", log) and "provider=trusted" not in log, log
        assert "open sesame" not in log and base64.b64encode(b"AC00:open sesame").decode() not in log
        # A new key is used at once, whatever the breaker says.
        (tmp_path / "api.key").write_text("new key")
        missing = []

        def asked_again():
            missing.extend({"trusted", "limits"} - monitor.relays().keys())
            return len(apis["refuses"].requests) == 2 and len(apis["trusted"].requests) == 2
        wait_for("the new key", asked_again)
        assert not missing, "clients keep their relay while a new key is tried"
        assert base64.b64decode(apis["refuses"].requests[1][2].split()[1]) == b"AC00:new key"
    finally:
        released.set()
        monitor.kill()


def test_the_environment_names_the_provider(tmp_path, relay):
    (tmp_path / "key").write_text(SECRET)
    shared = dict(TURN_PROVIDER="shared-secret", TURN_URLS=relay.url, TURN_SECRET_FILE=str(tmp_path / "key"),
                  TURN_STUN_SERVERS="stun:stun.example.org:3478")
    for environment, urls in ((shared, [[relay.url], ["stun:stun.example.org:3478"]]),
                              (shared | {"TURN_PROVIDER": "coturn"}, [[relay.url], ["stun:stun.example.org:3478"]]),
                              (shared | {"TURN_PROVIDER": "none"}, [["stun:stun.example.org:3478"]])):
        monitor = monitor_of(tmp_path, **environment)
        try:
            wait_for(environment["TURN_PROVIDER"], lambda: [server["urls"] for server in servers(monitor)] == urls)
            wait_for("readiness", monitor.is_ready)
        finally:
            monitor.kill()
    refused = subprocess.run([BIN / "turnkeeper-monitor"], env={"TURN_PROVIDER": "twilio"}, capture_output=True, text=True)
    assert refused.returncode == 1
    assert "TURN_PROVIDER=twilio needs TURN_ACCOUNT, TURN_SECRET_FILE" in refused.stderr


def test_local_mode_takes_the_providers_of_a_turncluster(tmp_path, relay, serve):
    keys, _, status, answer = vendor("twilio", relay)
    api = serve(lambda handler: handler.reply(status, answer))
    up = local_mode.Up(tmp_path, local_mode.address_of_ones_own())
    up.file.write_text(local_mode.CLUSTER + f"""  failover:
    use: Only
    providers:
    - {{name: twilio, type: Twilio, account: AC00, secretRef: {{name: vendors, key: twilio}}, url: "{api.url}", probeEvery: 1s}}
""")
    refused = local_mode.run("up", "-f", up.file, home=up.home)
    assert refused.returncode != 0 and "secrets/vendors/twilio" in refused.stderr, refused
    (tmp_path / "secrets/vendors").mkdir(parents=True)
    (tmp_path / "secrets/vendors/twilio").write_text("open sesame\n")
    try:
        up.start()
        up.wait_for(r" twilio Healthy")
        ice = json.loads(up.turnctl("ice", "--url", up.url, "--region", "us").stdout)
        assert ice["servedBy"] == "twilio" and [server["urls"] for server in ice["iceServers"]] == [[relay.url]]
        assert api.requests[0][2] == "Basic " + base64.b64encode(b"AC00:open sesame").decode()
    finally:
        up.end(9)
