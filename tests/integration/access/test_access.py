"""Who gets credentials of a running monitor, and who does not: one negative test for each rule of docs/access.md."""

import collections
import http.client
import itertools
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "monitor"))
from running import BIN, Monitor, wait_for  # noqa: E402
from testbed.certificates import Authority  # noqa: E402
from issuer import AUDIENCE, ISSUER, JwksServer, Key, by_hand  # noqa: E402

ASK = "/v1/ice?user=alice"
ORIGIN = "https://app.example.org"
# Given out as they are, so that it needs no relay: nobody listens on the address.
CONFIG = """
vantage: here
servers:
- {name: eu-0, region: eu, url: "turn:127.0.0.1:9?transport=udp", username: u, passwordFile: password}
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "password").write_text("p")
    (tmp_path / "monitor.yaml").write_text(CONFIG)
    return tmp_path


@pytest.fixture
def start(folder):
    monitors = []

    def started(*flags, config="", **more):
        (folder / "monitor.yaml").write_text(CONFIG + config)
        monitors.append(Monitor(folder, f"--config={folder / 'monitor.yaml'}", *flags, **more))
        return monitors[-1]

    yield started
    for monitor in monitors:
        monitor.kill()


def ask(monitor, key=None, path=ASK, method="GET", **headers):
    """(status, headers, body), whoever it is that asks."""
    connection = http.client.HTTPConnection(monitor.address, timeout=10)
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    try:
        return response.status, response.headers, response.read().decode()
    finally:
        connection.close()


def status(monitor, key=None, **more):
    return ask(monitor, key, **more)[0]


def let_in(code):
    """Past the gate: nothing here answers as a relay, so there may be nothing to give out."""
    return code in (200, 503)


def rejected(monitor, reason):
    found = re.search(rf'turnkeeper_credentials_rejected_total{{[^}}]*reason="{reason}"[^}}]*}} (\d+)', monitor.get("/metrics")[1])
    return int(found.group(1)) if found else 0


def make_key(name, *options):
    """(key, line) of turnctl."""
    out = subprocess.run([BIN / "turnctl", "api-key", name, *options], capture_output=True, text=True, check=True)
    key, line = out.stdout.splitlines()
    assert key not in line and key not in out.stderr
    return key, line


def test_keys_are_let_in_until_they_are_taken_out(start, folder):
    key, line = make_key("shop")
    old, old_line = make_key("old", "--expires=2020-01-01T00:00:00Z")
    till, till_line = make_key("till", "--user=till-7")
    keys = folder / "keys"
    keys.write_text(f"# who may ask\n{line}\n{old_line}\n{till_line}\n")
    monitor = start(f"--api-keys-file={keys}")

    assert let_in(status(monitor, key))
    assert let_in(status(monitor, till, path="/v1/ice?user=till-7"))
    assert status(monitor, till) == 403, "a key for till-7 gave credentials for alice"
    refusals = {name: ask(monitor, shown) for name, shown in
                {"unknown": "tk_0", "expired": old, "part of one": key[:-1], "token": "a.b.c", "its hash": line.split(":")[1]}.items()}
    assert {code for code, _, _ in refusals.values()} == {401}
    assert len({body for _, _, body in refusals.values()}) == 1, "the answer tells what was wrong with a key"
    assert {headers["WWW-Authenticate"] for _, headers, _ in refusals.values()} == {"Bearer"}
    assert status(monitor) == 401
    wait_for("the metric", lambda: rejected(monitor, "unknown") == 4 and rejected(monitor, "expired") == 1
             and rejected(monitor, "missing") == 1)

    # Replaced: first both are good, then the new one alone.
    new, new_line = make_key("shop")
    keys.write_text(f"{line}\n{new_line}\n")
    wait_for("the new key", lambda: let_in(status(monitor, new)))
    assert let_in(status(monitor, key))
    keys.write_text("shop tk_written_by_mistake\n")
    os.kill(monitor.process.pid, signal.SIGHUP)
    log = lambda: "".join(file.read_text() for file in folder.glob("monitor-*.log"))  # noqa: E731
    wait_for("the mistake in the log", lambda: "line 1" in log())
    assert let_in(status(monitor, new)), "a mistake in the file shut everybody out"
    (folder / "next").write_text(f"{new_line}\n")
    (folder / "next").rename(keys)
    os.kill(monitor.process.pid, signal.SIGHUP)
    wait_for("the old key to be refused", lambda: status(monitor, key) == 401)
    assert let_in(status(monitor, new))
    keys.write_text("")
    wait_for("everybody to be refused", lambda: status(monitor, new) == 401)
    assert not any(secret in log() for secret in (key, new, "written_by_mistake")), "a key is in the log"


class Events(threading.Thread):
    """An event stream, and when it ended."""

    def __init__(self, monitor, key, path="/v1/events?user=alice"):
        super().__init__(daemon=True)
        self.names, self.last, self.ended = [], None, None
        wait_for("something to give out", lambda: status(monitor, key, path=path.replace("events", "ice")) == 200)
        self.connection = http.client.HTTPConnection(monitor.address, timeout=60)
        self.connection.request("GET", path, headers={"Authorization": f"Bearer {key}"})
        self.response = self.connection.getresponse()
        assert self.response.status == 200, self.response.read()
        self.start()

    def run(self):
        for line in self.response:
            name, _, value = line.decode().strip().partition(": ")
            if name == "event":
                self.names.append(value)
            if name == "data":
                self.last = json.loads(value)
        self.ended = time.monotonic()


def test_a_stream_ends_soon_after_its_key_was_taken_back_with_a_word_why(start, folder):
    (shop, shop_line), (till, till_line) = make_key("shop"), make_key("till")
    keys = folder / "keys"
    keys.write_text(f"{shop_line}\n{till_line}\n")
    monitor = start(f"--api-keys-file={keys}")
    shops, tills = Events(monitor, shop), Events(monitor, till)
    wait_for("the first lists", lambda: shops.names == tills.names == ["config"])
    keys.write_text(f"{till_line}\n")
    changed = time.monotonic()
    wait_for("the end", lambda: shops.ended)
    assert shops.ended - changed < 2.5
    assert shops.names == ["config", "end"]
    assert shops.last["status"] == 401 and "another" in shops.last["detail"] + shops.last.get("advice", ""), shops.last
    assert tills.ended is None


def test_a_stream_ends_with_its_token(start, folder):
    key = Key("es", "ES256")
    (folder / "jwks.json").write_text(json.dumps({"keys": [key.jwk]}))
    monitor = start(f"--jwt-jwks={folder / 'jwks.json'}", f"--jwt-audience={AUDIENCE}")
    long = Events(monitor, key.token(), path="/v1/events")
    until = int(time.time()) + 2  # with the minute for clocks that differ
    short = Events(monitor, key.token(exp=until - 60), path="/v1/events")
    wait_for("the end of the first", lambda: short.ended)
    assert 0 <= time.time() - until < 2.5 and short.names == ["config", "end"]
    assert long.ended is None
    (folder / "jwks.json").write_text(json.dumps({"keys": [Key("es", "ES256").jwk]}))
    wait_for("the end of the one whose key was withdrawn", lambda: long.ended, seconds=3)
    assert long.names == ["config", "end"]


def test_the_plain_file_of_one_key_is_followed_too(start, folder):
    (folder / "key").write_text("first\n")
    monitor = start(f"--api-key-file={folder / 'key'}")
    assert let_in(status(monitor, "first"))
    assert status(monitor, "second") == 401
    (folder / "key").write_text("second\n")
    wait_for("the first key to be refused", lambda: status(monitor, "first") == 401)
    assert let_in(status(monitor, "second"))


def test_tokens_that_are_bad_in_any_way_are_refused(start, folder):
    rs, es, hs = Key("rs", "RS256"), Key("es", "ES256"), Key("hs", "HS256")
    (folder / "jwks.json").write_text(json.dumps({"keys": [key.jwk for key in (rs, es, hs)]}))
    monitor = start(f"--jwt-jwks={folder / 'jwks.json'}", f"--jwt-audience={AUDIENCE}", f"--jwt-issuer={ISSUER}",
                    "--jwt-require=plan=pro")
    for key in (rs, es, hs):
        assert let_in(status(monitor, key.token(plan="pro"), path="/v1/ice")), key.algorithm
        assert status(monitor, key.token(plan="pro", sub="bob")) == 403, "bob got credentials for alice"

    now = int(time.time())
    claims = {"sub": "alice", "aud": AUDIENCE, "iss": ISSUER, "exp": now + 600, "plan": "pro"}
    other = Key("rs", "RS256")
    good = rs.token(plan="pro")
    middle = good.split(".")[1]
    bad = {
        "expired": (rs.token(plan="pro", exp=now - 120), "jwt_expired"),
        "not good yet": (rs.token(plan="pro", nbf=now + 120), "jwt_not_yet"),
        "without an end": (rs.token(plan="pro", without=["exp"]), "jwt_malformed"),
        "for another service": (es.token(plan="pro", aud="mail"), "jwt_audience"),
        "for none": (es.token(plan="pro", without=["aud"]), "jwt_audience"),
        "of another issuer": (es.token(plan="pro", iss="https://evil.example.org"), "jwt_issuer"),
        "without the claim": (hs.token(), "jwt_claim"),
        "with another claim": (hs.token(plan="free"), "jwt_claim"),
        "of nobody": (hs.token(plan="pro", without=["sub"]), "jwt_user"),
        "signed by another key": (other.token(plan="pro"), "jwt_signature"),
        "changed": (good.replace(middle, es.token(plan="pro", sub="root").split(".")[1]), "jwt_signature"),
        "cut": (good.rsplit(".", 1)[0] + ".", "jwt_signature"),
        "alg none": (by_hand({"alg": "none", "typ": "JWT"}, claims), "jwt_algorithm"),
        "alg None, signed": (by_hand({"alg": "None", "kid": "hs"}, claims, hs.private), "jwt_algorithm"),
        "HS256 with the RSA key": (by_hand({"alg": "HS256", "kid": "rs"}, claims, rs.public_pem()), "jwt_unknown_key"),
        "the same without kid": (by_hand({"alg": "HS256"}, claims, rs.public_pem()), "jwt_signature"),
        "with crit": (hs.token(plan="pro", headers={"crit": ["b64"], "b64": True}), "jwt_malformed"),
        "for another purpose": (hs.token(plan="pro", headers={"typ": "dpop+jwt"}), "jwt_malformed"),
    }
    answers = {}
    for name, (token, _) in bad.items():
        code, _, answers[name] = ask(monitor, token, path="/v1/ice")
        assert code == 401, name
    expected = collections.Counter(reason for _, reason in bad.values())
    wait_for("each reason in the metric", lambda: all(rejected(monitor, reason) == count for reason, count in expected.items()))
    assert len(set(answers.values())) == 1, "the answer tells what was wrong with a token"


def test_new_keys_of_the_issuer_are_fetched_when_a_token_names_them(start):
    first, second, third = (Key(kid, "ES256") for kid in ("first", "second", "third"))
    issuer = JwksServer([first])
    try:
        monitor = start(f"--jwt-jwks={issuer.url}", f"--jwt-audience={AUDIENCE}")
        wait_for("the first key", lambda: status(monitor, first.token(), path="/v1/ice") == 200 and issuer.fetches == 1)
        issuer.keys = [second]
        code, headers, _ = ask(monitor, second.token(), path="/v1/ice")
        assert (code, headers["Retry-After"]) == (503, "1"), "the client is not told to come back"
        wait_for("the second key", lambda: status(monitor, second.token(), path="/v1/ice") == 200)
        assert status(monitor, first.token(), path="/v1/ice") == 401, "a key that was taken out is still good"
        for _ in range(5):
            assert status(monitor, third.token(), path="/v1/ice") == 401
        assert issuer.fetches == 2, "tokens with made-up keys have the keys fetched again and again"
    finally:
        issuer.stop()
    assert status(monitor, second.token(), path="/v1/ice") == 200, "the last good keys were lost with the issuer"


def test_the_issuers_keys_are_fetched_over_https_from_whom_its_authority_vouches_for(start, folder, tmp_path_factory):
    ours, others = (Authority(tmp_path_factory.mktemp(name)) for name in ("ours", "others"))
    key = Key("es", "ES256")
    issuer = JwksServer([key], ours.issue("issuer", "issuer", names=["localhost"]))
    impostor = JwksServer([key], ours.issue("impostor", "impostor", names=["login.example.org"]))
    log = lambda: "".join(file.read_text() for file in folder.glob("monitor-*.log"))  # noqa: E731
    try:
        monitor = start(f"--jwt-jwks={issuer.url}", f"--jwt-audience={AUDIENCE}", f"--jwt-ca={ours.path('ca.crt')}")
        wait_for("the keys", lambda: status(monitor, key.token(), path="/v1/ice") == 200)
        assert issuer.fetches == 1
        for url, flags, why in ((issuer.url, [f"--jwt-ca={others.path('ca.crt')}"], f"an authority in {others.path('ca.crt')}"),
                                (issuer.url, [], "an authority that this system trusts"),
                                (impostor.url, [f"--jwt-ca={ours.path('ca.crt')}"], "it is for another name")):
            stranger = start(f"--jwt-jwks={url}", f"--jwt-audience={AUDIENCE}", *flags)
            wait_for(why, lambda: "no new keys" in (told := log()) and "certificate is refused: " in told and why in told)
            assert status(stranger, key.token(), path="/v1/ice") == 503
        assert issuer.fetches == 1 and impostor.fetches == 0, "a request was sent to somebody who was not proven"
    finally:
        issuer.stop()
        impostor.stop()


def test_who_asks_too_often_is_told_when_to_come_back(start, folder):
    (folder / "key").write_text("k")
    monitor = start(f"--api-key-file={folder / 'key'}", "--rate-limit-per-caller=2/s:5", "--trusted-proxy=127.0.0.0/8",
                    "--rate-limit-per-address=5/m:12")
    assert all(let_in(status(monitor, "k", X_Forwarded_For="192.0.2.1")) for _ in range(5))
    code, headers, _ = ask(monitor, "k", X_Forwarded_For="192.0.2.1")
    assert (code, headers["Retry-After"]) == (429, "1")
    others = (f"198.51.100.{number}" for number in itertools.count(1))
    wait_for("to be let in again", lambda: let_in(status(monitor, "k", X_Forwarded_For=next(others))))
    for _ in range(12):
        status(monitor, "wrong", X_Forwarded_For="2001:db8:1:2::7")
    code, headers, _ = ask(monitor, "k", X_Forwarded_For="2001:db8:1:2:ffff::1")
    assert code == 429 and int(headers["Retry-After"]) >= 10, "another address of the same /64 has a bucket of its own"
    wait_for("the metric", lambda: rejected(monitor, "caller_limit") and rejected(monitor, "address_limit"))


def test_who_guesses_keys_is_slowed_down_and_good_keys_are_not(start, folder):
    (folder / "key").write_text("k")
    monitor = start(f"--api-key-file={folder / 'key'}")
    codes = [status(monitor, f"guess-{number}") for number in range(40)]
    assert codes[:30] == [401] * 30 and codes[-1] == 429, codes
    assert let_in(status(monitor, "k"))


def test_pages_of_allowed_origins_may_ask_and_others_may_not(start, folder):
    (folder / "key").write_text("k")
    monitor = start(f"--api-key-file={folder / 'key'}", f"--allow-origin={ORIGIN}")
    preflight = {"Access_Control_Request_Method": "GET", "Access_Control_Request_Headers": "authorization"}
    code, headers, _ = ask(monitor, method="OPTIONS", Origin=ORIGIN, **preflight)
    assert (code, headers["Access-Control-Allow-Origin"], headers["Access-Control-Max-Age"]) == (204, ORIGIN, "600")
    assert "Authorization" in headers["Access-Control-Allow-Headers"] and "GET" in headers["Access-Control-Allow-Methods"]
    code, headers, _ = ask(monitor, method="OPTIONS", Origin="https://evil.example.org", **preflight)
    assert code == 403 and headers["Access-Control-Allow-Origin"] is None
    for key, origin, wanted in (("k", ORIGIN, ORIGIN), ("wrong", ORIGIN, ORIGIN), ("k", "https://evil.example.org", None)):
        _, headers, _ = ask(monitor, key, Origin=origin)
        assert (headers["Access-Control-Allow-Origin"], headers["Vary"]) == (wanted, "Origin"), "pages cannot read the answer"
    assert ask(monitor, path="/metrics", Origin=ORIGIN)[1]["Access-Control-Allow-Origin"] is None


def test_a_monitor_without_keys_serves_no_page_by_another_name(start):
    monitor = start()
    assert let_in(status(monitor)) and let_in(status(monitor, Host="localhost:8480", Origin="http://localhost:5173"))
    for headers in ({"Host": "rebound.example.org"}, {"Origin": "https://evil.example.org"}, {"Origin": "null"}):
        assert status(monitor, **headers) == 403, headers
        assert status(monitor, path="/api/relays", **headers) == 403, headers
    trusted = start("--allow-anonymous")
    assert let_in(status(trusted, Host="turn.example.org"))


def test_strangers_get_nothing_on_an_address_that_others_reach(start):
    monitor = start(listen="0.0.0.0:0")
    code, _, body = ask(monitor)
    assert code == 401 and "no credentials to strangers" in body


@pytest.mark.parametrize("flags, config, words", [
    (["--api-keys-file=missing"], "", "cannot read missing"),
    (["--jwt-jwks=http://login.example.org/jwks", "--jwt-audience=a"], "", "use https://"),
    (["--jwt-jwks=jwks.json"], "", "for whom they are"),
    (["--jwt-jwks=https://login.example.org/jwks", "--jwt-audience=a", "--jwt-require=plan"], "", "CLAIM=VALUE"),
    (["--jwt-audience=turn"], "", "give --jwt-jwks too"),
    (["--rate-limit-per-caller=20"], "", "20/s:100"),
    (["--trusted-proxy=10.0.0.0/33"], "", "--trusted-proxy"),
    (["--allow-origin=https://app.example.org/"], "", "no origin"),
    ([], "access: {apiKeysFile: missing}", "5:23: access.apiKeysFile"),
    ([], "access:\n  jwt: {jwks: 'http://login.example.org/', audience: a}", "6:8: access.jwt"),
    ([], "access: {origins: [https://app.example.org, 'https://*.example.org']}", "access.origins[1]"),
    ([], "access: {limits: {perCaller: fast}}", "5:30: access.limits.perCaller"),
    ([], "access: {trustedProxies: [ten]}", "access.trustedProxies[0]"),
    ([], "access: {jwks: x}", "access.jwks"),
])
def test_a_mistake_is_found_before_anybody_asks(folder, flags, config, words):
    (folder / "monitor.yaml").write_text(CONFIG + config + "\n")
    out = subprocess.run([BIN / "turnkeeper-monitor", "--config=monitor.yaml", "--check-config", *flags], cwd=folder,
                         capture_output=True, text=True, timeout=10)
    assert out.returncode != 0 and words in out.stderr, out.stderr


def test_monitor_yaml_says_the_same_as_flags(start, folder):
    key, line = make_key("shop")
    (folder / "keys").write_text(line)
    monitor = start(config=f"access: {{apiKeysFile: keys, origins: ['{ORIGIN}'], limits: {{perCaller: '1/m:2'}}}}\n")
    assert status(monitor) == 401
    assert ask(monitor, key, Origin=ORIGIN)[1]["Access-Control-Allow-Origin"] == ORIGIN
    assert let_in(status(monitor, key)) and status(monitor, key) == 429
