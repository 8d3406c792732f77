"""The cluster that the story is told on, with the product's images on its nodes."""

import base64
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
NAMESPACE = "turnkeeper"


def wait_for(what, condition, seconds, interval=0.2):
    """The first true value of condition(); fails with `what` and the last value when time is up."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"waited {seconds} s for {what}; last seen: {value!r}"
        time.sleep(interval)


class Cluster:
    """kubectl and helm on one cluster."""

    def __init__(self, kubeconfig, kubectl="kubectl", helm="helm", nodes=(), audit_log=None, image=None):
        self.kubeconfig = kubeconfig
        self._kubectl = kubectl
        self._helm = helm
        self.nodes = nodes
        self.audit_log = audit_log
        self.image = image

    def _run(self, argv, check=True, stdin=None):
        result = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=300,
                                env={**os.environ, "KUBECONFIG": self.kubeconfig})
        if check:
            assert result.returncode == 0, f"{' '.join(argv)}: exit code {result.returncode}\n{result.stdout}{result.stderr}"
        return result

    def kubectl(self, *words, **options):
        return self._run([self._kubectl, *words], **options)

    def helm(self, *words):
        return self._run([self._helm, *words])

    def get(self, *words):
        return json.loads(self.kubectl("get", *words, "-o", "json").stdout)

    def secret(self, name, key):
        return base64.b64decode(self.get("secret", name, "-n", NAMESPACE)["data"][key]).decode()

    def address(self):
        """A node's address, as a client outside the cluster reaches it."""
        return next(a["address"] for a in self.get("nodes")["items"][0]["status"]["addresses"] if a["type"] != "Hostname")

    def install(self, *more):
        """The chart with the images of this build, and with more arguments of helm's; returns its notes."""
        arguments = ["install", "turnkeeper", str(ROOT / "helm/turnkeeper"), "--namespace", NAMESPACE, "--create-namespace",
                     "--set", "monitor.service.type=NodePort", "--wait", "--timeout", "120s", *more]
        if self.image:
            repository, tag = self.image.rsplit(":", 1)
            arguments += ["--set", f"image.repository={repository}", "--set", f"image.tag={tag}"]
        return self.helm(*arguments).stdout

    def operator_metrics(self):
        """The text of them, asked through the API server."""
        pod = self.get("pods", "-n", NAMESPACE, "-l", "app.kubernetes.io/component=operator")["items"][0]["metadata"]["name"]
        return self.kubectl("get", "--raw", f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}:8080/proxy/metrics").stdout

    def monitor(self):
        """(base URL, API key) of the monitor as a client outside reaches it."""
        service = self.get("service", "turnkeeper-monitor", "-n", NAMESPACE)
        port = next(p["nodePort"] for p in service["spec"]["ports"] if p["name"] == "http")
        return f"http://{self.address()}:{port}", self.secret("turnkeeper-api-key", "api-key")

    def kill(self, pod, namespace, program, sent=signal.SIGKILL):
        """Sends a signal to `program` in the pod; returns the moment before. Straight from this machine where the pods run on
        it, because an exec through the API server takes longer than what is measured here."""
        uid = self.get("pod", pod, "-n", namespace)["metadata"]["uid"]
        if not self.nodes:
            at = time.monotonic()
            self.kubectl("exec", pod, "-n", namespace, "--", "sh", "-c",
                         f'for p in /proc/[0-9]*; do read -r c <$p/comm; [ "$c" != "{program[:15]}" ] || kill -{int(sent)} "${{p#/proc/}}"; done')
            return at
        pids = [int(p.name) for p in pathlib.Path("/proc").iterdir() if p.name.isdigit() and self._is(p, uid, program)]
        assert pids, f"no {program} runs in {pod}"
        at = time.monotonic()
        for pid in pids:
            os.kill(pid, sent)
        return at

    @staticmethod
    def _is(process, uid, program):
        try:
            return (process / "comm").read_text().strip() == program[:15] and uid in (process / "cgroup").read_text()
        except OSError:
            return False


@pytest.fixture(scope="session")
def cluster():
    if os.environ.get("KUBECONFIG"):
        yield Cluster(os.environ["KUBECONFIG"], image=os.environ.get("TURNKEEPER_IMAGE"))
        return
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run([ROOT / "scripts/build-images.sh", "--binaries", os.environ["TURNKEEPER_BIN"], "--out", directory],
                       check=True, timeout=900)
        archives = ",".join(str(path) for path in sorted(pathlib.Path(directory).glob("*.tar")))
        bed = subprocess.Popen([ROOT / "tests/support/testbed/run", "cluster", "--nodes", "2", "--images", archives],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            line = bed.stdout.readline()
            assert line, "the test bed did not start; see its messages above"
            ready = json.loads(line)
            yield Cluster(ready["kubeconfig"], ready["kubectl"], ready["helm"], ready["nodes"], ready["audit_log"])
        finally:
            bed.stdin.close()
            bed.wait(120)
