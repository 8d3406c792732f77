"""A coturn process without a container, for tests that need a relay and no Kubernetes.

    with Relay("4.18.0", address="127.77.3.2", options=["use-auth-secret", "static-auth-secret=s"]) as relay:
        relay.address, relay.port
"""

import ctypes
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

# `turnserver` command lines by coturn version; Debian 12 has the first.
TURNSERVERS = {"4.6.1": "turnserver", "4.18.0": str(pathlib.Path(__file__).parents[1] / "bin" / "turnserver-4.18")}
_libc = ctypes.CDLL(None)


def free_port(address):
    with socket.socket() as tcp:
        tcp.bind((address, 0))
        return tcp.getsockname()[1]


class Relay:
    """Listens on address:port (UDP and TCP), relays from the same address; `options` are turnserver.conf lines.

    `enter` is a command put before it, such as a region's. Ready when TCP connects.
    """

    def __init__(self, version="4.6.1", address="127.0.0.1", port=0, realm="turn.example.org", options=(), enter=()):
        self.address = address
        self.port = port or free_port(address)
        self.realm = realm
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="turnkeeper-relay-"))
        self.log = self.directory / "turnserver.log"
        config = self.directory / "turnserver.conf"
        config.write_text("\n".join([
            f"listening-ip={address}", f"relay-ip={address}", f"listening-port={self.port}", f"realm={realm}",
            f"pidfile={self.directory}/turnserver.pid", f"userdb={self.directory}/turndb", "log-file=stdout", "simple-log",
            "no-cli", "no-tls", "fingerprint", *(["no-dtls"] if version == "4.6.1" else []), *options, ""]))
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [*enter, TURNSERVERS[version], "-c", str(config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=self.directory, preexec_fn=lambda: _libc.prctl(1, signal.SIGKILL))  # PR_SET_PDEATHSIG
        try:
            self._wait(10)
        except BaseException:
            self.close()
            raise

    def _wait(self, seconds):
        deadline = time.monotonic() + seconds
        while True:
            try:
                socket.create_connection((self.address, self.port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"turnserver did not start:\n{self.log.read_text()[-2000:]}") from None
                time.sleep(0.05)

    def close(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
