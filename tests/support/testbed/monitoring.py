"""Debian's Prometheus and Alertmanager, with a configuration that the test gives.

In the configuration, {address} stands for the part's own loopback address and {directory} for its directory.
"""

import pathlib
import urllib.error
import urllib.request

from .failure import Failure, require_program
from .program import Program, wait_until

_PARTS = {
    # name: (Debian package, port, ready path)
    "prometheus": ("prometheus", 9090, "/-/ready"),
    "alertmanager": ("prometheus-alertmanager", 9093, "/-/ready"),
}


def start(instance, name, template):
    package, port, ready = _PARTS[name]
    executable = require_program(package, package)
    if not pathlib.Path(template).is_file():
        raise Failure(f"no configuration file {template}")
    config = instance.directory / f"{name}.yaml"
    text = pathlib.Path(template).read_text()
    config.write_text(text.replace("{address}", instance.loopback).replace("{directory}", str(instance.directory)))
    listen = f"{instance.loopback}:{port}"
    arguments = [f"--config.file={config}", f"--web.listen-address={listen}"]
    if name == "prometheus":
        arguments += [f"--storage.tsdb.path={instance.directory}/data", "--web.enable-lifecycle"]
    else:
        arguments += [f"--storage.path={instance.directory}/data", "--cluster.listen-address="]
    program = Program(instance, name, [executable, *arguments])
    url = f"http://{listen}"
    wait_until(name, lambda: _answers(url + ready), 30, [program])
    return {"url": url, "address": instance.loopback, "port": port, "directory": str(instance.directory),
            "log": str(program.log), "pid": program.process.pid}


def _answers(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False
