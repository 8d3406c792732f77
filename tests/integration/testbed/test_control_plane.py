"""Control planes without nodes: what tests of Kubernetes clients run against."""

import contextlib
import json
import ssl
import urllib.error
import urllib.request

import leftovers
from testbed.client import Part


def request(info, path, token, body=None):
    context = ssl.create_default_context(cafile=info["ca"])
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    call = urllib.request.Request(info["server"] + path, body and json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(call, context=context, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_two_run_side_by_side_and_know_nothing_of_each_other():
    with contextlib.ExitStack() as stack:
        first, second = (stack.enter_context(Part("control-plane")).info for _ in range(2))
        config_map = {"metadata": {"name": "only-in-the-first"}}
        assert request(first, "/api/v1/namespaces/default/configmaps", first["token"], config_map)[0] == 201
        path = "/api/v1/namespaces/default/configmaps/only-in-the-first"
        assert request(first, path, first["token"])[0] == 200
        assert request(second, path, second["token"])[0] == 404
        assert request(second, path, first["token"])[0] == 401
    assert leftovers.of(first["directory"]) == leftovers.of(second["directory"]) == []


def test_controllers_act_and_rbac_refuses_strangers():
    with Part("control-plane", "--controllers") as plane:
        info = plane.info
        assert request(info, "/api/v1/namespaces", info["token"], {"metadata": {"name": "fresh"}})[0] == 201
        token = account_token(info)
        assert request(info, "/api/v1/namespaces/fresh/secrets", token)[0] == 403
        assert request(info, "/version", token)[0] == 200


def account_token(info):
    """A token of the `default` service account, which the controller manager makes in every new namespace."""
    path = "/api/v1/namespaces/fresh/serviceaccounts?watch=1&timeoutSeconds=30"
    context = ssl.create_default_context(cafile=info["ca"])
    call = urllib.request.Request(info["server"] + path, headers={"Authorization": f"Bearer {info['token']}"})
    with urllib.request.urlopen(call, context=context, timeout=60) as events:
        assert any(json.loads(event)["object"]["metadata"]["name"] == "default" for event in events)
    path = "/api/v1/namespaces/fresh/serviceaccounts/default/token"
    return request(info, path, info["token"], {"spec": {}})[1]["status"]["token"]


def test_an_api_server_can_be_taken_away_and_given_back():
    with Part("control-plane") as plane:
        plane.command({"cmd": "program", "name": "kube-apiserver", "action": "kill"})
        try:
            request(plane.info, "/version", plane.info["token"])
            raise AssertionError("a killed API server answered")
        except urllib.error.URLError:
            pass
        plane.command({"cmd": "program", "name": "kube-apiserver", "action": "start"})
        plane.command({"cmd": "wait"})
        assert request(plane.info, "/version", plane.info["token"])[0] == 200
