"""The few Kubernetes API calls that bringing up a cluster takes."""

import base64
import json
import pathlib
import ssl
import urllib.error
import urllib.request

import yaml

from .failure import Failure


class Api:
    def __init__(self, server, authority, certificate, key):
        self._server = server
        self._context = ssl.create_default_context(cafile=authority)
        self._context.load_cert_chain(certificate, key)

    def request(self, method, path, body=None, content_type="application/json"):
        """(status, parsed or plain body); status 0 when the server cannot be reached."""
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self._server + path, data, {"Content-Type": content_type}, method=method)
        try:
            with urllib.request.urlopen(request, context=self._context, timeout=10) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        except OSError as error:
            return 0, str(error)
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text.decode(errors="replace")

    def get(self, path):
        return self.request("GET", path)[1]

    def create(self, path, body):
        status, answer = self.request("POST", path, body)
        if status not in (200, 201):
            raise Failure(f"POST {path}: {status} {answer}")


def write_kubeconfig(path, server, authority, certificate, key):
    def data(file):
        return base64.b64encode(pathlib.Path(file).read_bytes()).decode()

    config = {
        "apiVersion": "v1", "kind": "Config", "current-context": "testbed",
        "clusters": [{"name": "testbed", "cluster": {"server": server, "certificate-authority-data": data(authority)}}],
        "users": [{"name": "testbed", "user": {"client-certificate-data": data(certificate), "client-key-data": data(key)}}],
        "contexts": [{"name": "testbed", "context": {"cluster": "testbed", "user": "testbed"}}],
    }
    pathlib.Path(path).touch(mode=0o600)
    pathlib.Path(path).write_text(yaml.safe_dump(config, sort_keys=False))
    return str(path)
