"""Twilio's own helper libraries, unchanged, pointed at a monitor: what they make works on a relay."""

import json
import os
import pathlib
import subprocess
import time

from conftest import KEY

ACCOUNT = "AC" + "0" * 32


def node(running, library, *arguments):
    out = subprocess.run(["node", pathlib.Path(__file__).parent / "helper_library.js", *arguments], capture_output=True,
                         text=True, timeout=30,
                         env={**os.environ, "TWILIO": str(library / "node_modules/twilio"), "ENDPOINT": running.url})
    assert out.returncode == 0, out.stderr
    return json.loads(out.stdout)


def client_for_python(running, token):
    from twilio.http.http_client import TwilioHttpClient
    from twilio.rest import Client

    class ElsewhereClient(TwilioHttpClient):
        def request(self, method, url, **options):
            return super().request(method, url.replace("https://api.twilio.com", running.url), **options)
    return Client(ACCOUNT, token, http_client=ElsewhereClient())


def assert_usable(running, username, password, servers):
    turn = [server for server in servers if server["urls"].startswith("turn:")]
    assert [server["urls"] for server in servers if "username" not in server] == ["stun:192.0.2.9:3478"]
    assert {(server["username"], server["credential"]) for server in turn} == {(username, password)}
    assert all(server["url"] == server["urls"] for server in servers)
    running.assert_works([server["urls"] for server in turn], username, password)


def test_the_library_for_node_makes_a_token_that_works(running, twilio_for_node):
    made = node(running, twilio_for_node, ACCOUNT, KEY, "600")
    assert made["accountSid"] == ACCOUNT
    assert made["ttl"] == "600"
    assert abs(int(made["username"].split(":")[0]) - time.time() - 600) < 5, "the ttl is what the credential has"
    assert made["dateCreated"].startswith(time.strftime("%Y-%m-%dT", time.gmtime()))
    assert_usable(running, made["username"], made["password"], made["iceServers"])


def test_the_library_for_node_is_told_what_is_wrong(running, twilio_for_node):
    refused = node(running, twilio_for_node, ACCOUNT, "wrong")
    assert refused == {"status": 401, "code": 20003, "message": "Authenticate",
                       "moreInfo": "https://www.twilio.com/docs/errors/20003"}


def test_the_library_for_python_makes_a_token_that_works(running, twilio_for_python):
    made = client_for_python(running, KEY).tokens.create()
    assert made.account_sid == ACCOUNT
    assert made.ttl == "86400", "a day, as at Twilio"
    assert abs(made.date_created.timestamp() - time.time()) < 5
    assert_usable(running, made.username, made.password, made.ice_servers)
    other = client_for_python(running, KEY).tokens.create(ttl=60)
    assert made.username.split(":")[1] != other.username.split(":")[1], "two calls do not share one user's limits"


def test_the_library_for_python_is_told_what_is_wrong(running, twilio_for_python):
    from twilio.base.exceptions import TwilioRestException
    try:
        client_for_python(running, "wrong").tokens.create()
    except TwilioRestException as refused:
        assert (refused.status, refused.code) == (401, 20003)
    else:
        raise AssertionError("a wrong token was let in")
