"""Each API by the request that its vendor documents, sent by curl; what comes back works on a relay."""

import json
import pathlib
import re
import subprocess
import time

import pytest
from conftest import KEY, ROBOTS_KEY, Monitor, wait_for


def turn_urls(urls):
    return [url for url in ([urls] if isinstance(urls, str) else urls) if url.startswith("turn")]


def life(username):
    return int(username.split(":")[0]) - time.time()


def test_stunner(running):
    """Its README's request, and its api/stunner.yaml field by field."""
    answer = running.json(200, f"/ice?service=turn&username=my-user&ttl=3600&key={KEY}")
    assert set(answer) == {"iceServers", "iceTransportPolicy"}
    assert answer["iceTransportPolicy"] == "all"
    for server in answer["iceServers"]:
        assert set(server) <= {"username", "credential", "urls"} and isinstance(server["urls"], list)
    servers = [server for server in answer["iceServers"] if "username" in server]
    assert {server["username"].split(":")[1] for server in servers} == {"my-user"}
    for server in servers:
        assert 3590 < life(server["username"]) <= 3601
        running.assert_works(server["urls"], server["username"], server["credential"])
    relay = running.json(200, "/ice?service=turn&namespace=stunner&gateway=udp-gateway&listener=us"
                         f"&iceTransportPolicy=relay&key={KEY}")
    assert relay["iceTransportPolicy"] == "relay"
    assert all("username" in server for server in relay["iceServers"]), "no STUN for who wants relays only"
    assert running.coturns[1].address in relay["iceServers"][0]["urls"][0], "the listener is a region of ours"
    status, body, headers = running.curl(f"/ice?service=stun&key={KEY}")
    assert (status, headers["content-type"].split(";")[0]) == (400, "text/plain")
    assert '"service" must be "turn"' in body


def test_turn_rest(running):
    for path in ("/", "/turn", "/turn/credentials"):
        answer = running.json(200, f"{path}?service=turn&username=mbzrxpgjys&key={KEY}")
        assert set(answer) == {"username", "password", "ttl", "uris"}
        assert answer["username"].endswith(":mbzrxpgjys")
        assert abs(life(answer["username"]) - answer["ttl"]) < 3
    running.assert_works(answer["uris"], answer["username"], answer["password"])
    assert running.json(200, f"/?service=turn&key={KEY}")["username"].split(":")[1].startswith("server~"), "no user: the key's"
    assert "<html" in running.curl("/")[1], "the status page is where it was"


def test_xirsys(running):
    answer = running.json(200, "/_turn/MyFirstApp", method="PUT", basic=f"ident:{KEY}",
                          headers=["Content-Type: application/json"], body='{"format":"urls","expire":"1800"}')
    assert answer["s"] == "ok" and set(answer["v"]) == {"iceServers"}
    server = answer["v"]["iceServers"]
    assert set(server) == {"username", "urls", "credential"}
    assert server["urls"][0].startswith("stun:")
    assert 1790 < life(server["username"]) <= 1801
    running.assert_works(turn_urls(server["urls"]), server["username"], server["credential"])
    for method in ("PUT", "POST"):
        old = running.json(200, "/_turn/MyFirstApp", method=method, basic=f"ident:{KEY}")["v"]["iceServers"]
        assert isinstance(old, list) and all("url" in one and "urls" not in one for one in old)
    assert running.json(200, "/_turn/MyFirstApp", method="PUT", basic="ident:wrong") == {"v": "unauthorized", "s": "error"}


def test_metered(running):
    servers = running.json(200, f"/api/v1/turn/credentials?apiKey={KEY}&region=north_america")
    assert isinstance(servers, list) and all(isinstance(server["urls"], str) for server in servers)
    assert servers[0] == {"urls": "stun:192.0.2.9:3478"}
    for server in servers[1:]:
        running.assert_works([server["urls"]], server["username"], server["credential"])
    us = running.json(200, f"/api/v1/turn/credentials?apiKey={KEY}&region=us")
    assert running.coturns[1].address in us[1]["urls"]
    assert running.json(400, "/api/v1/turn/credentials") == {"error": "Please specify API Key"}
    assert running.json(401, "/api/v1/turn/credentials?apiKey=wrong") == {"error": "Invalid API Key"}


def test_metered_creates_a_key_for_browsers(running):
    as_json = {"method": "POST", "headers": ["Content-Type: application/json"]}
    made = running.json(200, f"/api/v1/turn/credential?secretKey={KEY}", body='{"expiryInSeconds":3600,"label":"x"}',
                        **as_json)
    assert set(made) == {"username", "password", "expiryInSeconds", "label", "apiKey"}
    assert (made["expiryInSeconds"], made["label"]) == (3600, "x")
    servers = running.json(200, f"/api/v1/turn/credentials?apiKey={made['apiKey']}")
    assert {(s["username"], s["credential"]) for s in servers[1:]} == {(made["username"], made["password"])}
    running.assert_works([servers[1]["urls"]], made["username"], made["password"])
    forged = "turn." + f"{int(time.time()) + 3600}:admin {made['password']}".encode().hex()
    assert running.json(401, f"/api/v1/turn/credentials?apiKey={forged}") == {"error": "Invalid API Key"}
    assert running.json(401, f"/api/v1/turn/credential?secretKey={made['apiKey']}", body="{}", **as_json) == {
        "message": "Invalid secret key"}, "it makes no others"
    assert running.json(400, "/api/v1/turn/credential", body="{}", **as_json) == {"message": "Please specify secret key"}
    assert running.json(400, f"/api/v1/turn/credential?secretKey={KEY}", body='{"expiryInSeconds":-1}', **as_json) == {
        "message": "please enter a positive integer value for expiryInSeconds"}
    project = running.json(200, f"/api/v2/turn/project/p1/credential?projectApiKey={KEY}", body="{}", **as_json)
    running.assert_works([servers[1]["urls"]], project["username"], project["password"])


def test_cloudflare(running):
    keys = "/v1/turn/keys/0123456789abcdef/credentials"
    as_json = {"method": "POST", "headers": ["Content-Type: application/json"]}
    made = running.json(201, f"{keys}/generate-ice-servers", body='{"ttl": 86400}', bearer=KEY, **as_json)
    stun, *turn = made["iceServers"]
    assert stun == {"urls": ["stun:192.0.2.9:3478"]}
    for server in turn:
        running.assert_works(server["urls"], server["username"], server["credential"])
    named = running.json(201, f"{keys}/generate-ice-servers", body='{"ttl":60,"customIdentifier":"user4"}', bearer=KEY,
                         **as_json)
    assert named["iceServers"][1]["username"].endswith(":user4")
    old = running.json(201, f"{keys}/generate", body='{"ttl": 86400}', bearer=KEY, **as_json)["iceServers"]
    running.assert_works(turn_urls(old["urls"]), old["username"], old["credential"])
    assert running.json(400, f"{keys}/generate-ice-servers", body='{"ttl":172801}', bearer=KEY, **as_json)["success"] is False
    username = turn[0]["username"]
    refused = running.json(501, f"{keys}/{username}/revoke", bearer=KEY, method="POST")
    assert "cannot be revoked" in refused["errors"][0]["message"]
    running.assert_works(turn[0]["urls"], username, turn[0]["credential"])


def test_device(running):
    answer = running.json(200, "/api/turn/credentials?device_id=robot-7", bearer=ROBOTS_KEY)
    assert set(answer) == {"urls", "username", "credential", "ttl", "expires_at"}
    assert answer["ttl"] == 86400 and answer["username"].endswith(":robot-7")
    running.assert_works(answer["urls"], answer["username"], answer["credential"])
    assert running.json(400, "/api/turn/credentials", bearer=KEY)["detail"] == "the request names no device"


def test_a_region_is_what_is_asked_for_or_measured_or_told_by_a_proxy(running):
    def region(query="", headers=()):
        return running.json(200, f"/v1/ice?user=alice{query}", headers=[f"X-API-Key: {KEY}", *headers])["region"]
    assert region() == "eu"
    assert region("&rtt=eu:120,us:31") == "us"
    assert region(headers=["CF-IPCountry: US"]) == "us"
    assert region(headers=["CF-IPCountry: JP"]) == "eu"
    assert region("&region=eu", ["CF-IPCountry: US"]) == "eu", "who asks knows better than who guesses"
    regions = running.json(200, "/v1/regions", bearer=KEY)["regions"]
    assert [(one["name"], one["usable"]) for one in regions] == [("eu", True), ("us", True)]
    for one, coturn in zip(regions, running.coturns):
        assert one["stun"] == f"stun:{coturn.address}:3478"


def test_a_session_gives_each_end_its_own_credential_on_the_same_relay(running):
    made = running.json(200, "/v1/sessions", method="POST", bearer=KEY, body=json.dumps(
        {"session": "call-42", "ends": [{"user": "app"}, {"user": "robot", "region": "us"}], "ttl": 600}))
    assert made["session"] == "call-42"
    app, robot = made["ends"]
    assert (app["user"], robot["user"], app["region"], app["ttl"]) == ("app", "robot", "us", 600)
    assert app["iceServers"][0]["urls"] == robot["iceServers"][0]["urls"]
    for end in (app, robot):
        server = end["iceServers"][0]
        assert server["username"].endswith(":" + end["user"])
        running.assert_works(server["urls"], server["username"], server["credential"])
    unnamed = running.json(200, "/v1/sessions", method="POST", bearer=KEY, body='{"ends":[{"user":"a"},{"user":"b"}]}')
    again = running.json(200, "/v1/ice?user=c&session=" + unnamed["session"], bearer=KEY)
    assert again["iceServers"][0]["urls"] == unnamed["ends"][0]["iceServers"][0]["urls"], "a third may join later"


def test_every_line_of_the_documentation_works_as_it_is_written(running):
    """The block of curl lines in docs/credential-apis.md, against a monitor on a loopback address, as the demo's is."""
    text = (pathlib.Path(__file__).parents[3] / "docs/credential-apis.md").read_text()
    block = re.search(r"```sh\nM=(\S+) K=any\n(.*?)```", text, re.S)
    monitor = Monitor(running.folder, "--config", running.folder / "monitor.yaml")
    try:
        wait_for("two relays that work", lambda: [relay.get("verdict") for relay in monitor.relays().values()] == ["Healthy"] * 2)
        lines = block[2].strip().splitlines()
        assert len(lines) == 11
        for line in lines:
            out = subprocess.run(["sh", "-c", f"M=http://{monitor.address} K=any; {line} --silent --fail"], capture_output=True,
                                 text=True, timeout=20)
            assert out.returncode == 0, line + out.stderr
            assert "turn:" in out.stdout or "stun:" in out.stdout or "apiKey" in out.stdout, line + out.stdout
    finally:
        monitor.kill()


def test_a_credential_that_somebody_changed_is_worth_nothing(running):
    answer = running.json(200, f"/?service=turn&username=alice&key={KEY}")
    good, told = running.allocate(answer["uris"][0], answer["username"].replace("alice", "admin"), answer["password"])
    assert not good and "auth" in told


AS_JSON = ["Content-Type: application/json"]
# How each API is asked with a key, and whether it can name a user.
EVERY_API = {
    "native": lambda r, key, user="alice": r.curl(f"/v1/ice?user={user}", bearer=key),
    "x-api-key": lambda r, key, user="alice": r.curl(f"/v1/ice?user={user}", headers=[f"X-API-Key: {key}"] if key else []),
    "device": lambda r, key, user="alice": r.curl(f"/api/turn/credentials?device_id={user}", bearer=key),
    "turn-rest": lambda r, key, user="alice": r.curl(f"/?service=turn&username={user}&key={key or ''}"),
    "stunner": lambda r, key, user="alice": r.curl(f"/ice?service=turn&username={user}&key={key or ''}"),
    "cloudflare": lambda r, key, user="alice": r.curl(
        "/v1/turn/keys/k/credentials/generate-ice-servers", bearer=key, method="POST", headers=AS_JSON,
        body=json.dumps({"customIdentifier": user})),
    "sessions": lambda r, key, user="alice": r.curl("/v1/sessions", bearer=key, method="POST",
                                                    body=json.dumps({"ends": [{"user": "robot-7"}, {"user": user}]})),
    "twilio": lambda r, key: r.curl("/2010-04-01/Accounts/AC0/Tokens.json", basic=key and f"AC0:{key}", method="POST"),
    "xirsys": lambda r, key: r.curl("/_turn/c", basic=key and f"ident:{key}", method="PUT"),
    "metered": lambda r, key: r.curl(f"/api/v1/turn/credentials?apiKey={key or ''}"),
    "metered-create": lambda r, key: r.curl(f"/api/v1/turn/credential?secretKey={key or ''}", method="POST", body="{}"),
    "regions": lambda r, key: r.curl("/v1/regions", bearer=key),
}
NAMES_A_USER = ["native", "x-api-key", "device", "turn-rest", "stunner", "cloudflare", "sessions"]


@pytest.mark.parametrize("api", EVERY_API)
def test_who_shows_no_key_or_a_wrong_one_gets_nothing(running, api):
    assert EVERY_API[api](running, KEY)[0] in (200, 201), "the request itself is good"
    for key in (None, "wrong"):
        status, body, _ = EVERY_API[api](running, key)
        if api == "xirsys":
            assert (status, json.loads(body)) == (200, {"v": "unauthorized", "s": "error"})
        else:
            assert status == (400 if api.startswith("metered") and not key else 401), body
        assert "credential\"" not in body and "stun:" not in body and "turn:" not in body


@pytest.mark.parametrize("api", EVERY_API)
def test_a_key_that_is_for_one_user_gives_nobody_elses_credentials(running, api):
    if api in NAMES_A_USER:
        status, body, _ = EVERY_API[api](running, ROBOTS_KEY)
        assert status == 403, body
        assert "1:alice" not in body and "0:alice" not in body
        status, body, _ = EVERY_API[api](running, ROBOTS_KEY, "robot-7")
    else:
        status, body, _ = EVERY_API[api](running, ROBOTS_KEY)
    assert status in (200, 201), body
    if api != "regions":
        assert set(re.findall(r'"username": ?"\d+:([^"]+)"', body)) == {"robot-7"}


def test_pushes_follow_the_same_rules(running):
    assert running.curl("/v1/events?user=alice")[0] == 401
    assert running.curl("/v1/events?user=alice", bearer="wrong")[0] == 401
    assert running.curl("/v1/events?user=alice", bearer=ROBOTS_KEY)[0] == 403
    assert running.curl("/v1/events?user=alice&rtt=nonsense", bearer=KEY)[0] == 400


def test_each_issue_is_told_in_the_log_and_no_credential_is(running):
    answer = running.json(200, "/v1/ice?user=auditor&region=us&ttl=600", bearer=KEY)
    line = next(line for line in running.log().splitlines() if "user=auditor" in line)
    for part in ('msg="credentials issued"', "caller=server", "api=native", "region=us", "relays=us-0,eu-0", "ttl=600"):
        assert part in line, line
    log = running.log()
    assert answer["iceServers"][0]["credential"] not in log and KEY not in log and ROBOTS_KEY not in log
    metrics = running.curl("/metrics")[1]
    for api in ("native", "device", "turn-rest", "stunner", "twilio", "xirsys", "metered", "cloudflare", "sessions"):
        assert f'api="{api}"' in metrics, api
