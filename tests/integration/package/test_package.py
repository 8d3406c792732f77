"""The TURN library as another project gets it: installed, found by CMake, built against, and used on a real relay."""

import base64
import hashlib
import hmac
import os
import pathlib
import socket
import subprocess
import time

import pytest

from testbed.certificates import Authority

ROOT = pathlib.Path(__file__).resolve().parents[3]
SECRET = "north"
USER = f"{int(time.time()) + 3600}:example"
PASSWORD = base64.b64encode(hmac.new(SECRET.encode(), USER.encode(), hashlib.sha1).digest()).decode()


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=240, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def sanitizer_flags():
    sanitizers = os.environ["TURNKEEPER_SANITIZE"]
    return [f"-DCMAKE_CXX_FLAGS=-fsanitize={sanitizers}"] if sanitizers else []


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    path = tmp_path_factory.mktemp("prefix")
    run("cmake", "--install", os.environ["TURNKEEPER_BUILD"], "--component", "turn", "--prefix", path)
    return path


@pytest.fixture(scope="module")
def example(prefix, tmp_path_factory):
    build = tmp_path_factory.mktemp("build")
    run("cmake", "-G", "Ninja", "-S", ROOT / "examples/turn-client", "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}",
        f"-DCMAKE_CXX_COMPILER={os.environ['CXX_COMPILER']}", *sanitizer_flags())
    run("cmake", "--build", build)
    return build / "turn-client"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port):
    """A Binding request of RFC 8489, over UDP."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(0.1)
        probe.connect(("127.0.0.1", port))
        try:
            probe.send(bytes.fromhex("000100002112a442") + os.urandom(12))
            return probe.recv(512)[:2] == b"\x01\x01"
        except OSError:
            return False


@pytest.fixture(scope="module")
def relay(tmp_path_factory):
    """URIs by transport, the certificate authority's file and the password's."""
    folder = tmp_path_factory.mktemp("relay")
    authority = Authority(folder)
    certificate, key = authority.issue("relay", "relay", addresses=["127.0.0.1"])
    plain, secure = free_port(), free_port()
    (folder / "password").write_text(PASSWORD + "\n")
    (folder / "turnserver.conf").write_text("\n".join([
        "listening-ip=127.0.0.1", "relay-ip=127.0.0.1", f"listening-port={plain}", f"tls-listening-port={secure}",
        "realm=example.org", "use-auth-secret", f"static-auth-secret={SECRET}", f"userdb={folder}/turndb",
        f"pidfile={folder}/pid", "log-file=stdout", "no-cli", "allow-loopback-peers", f"cert={certificate}",
        f"pkey={key}", ""]))
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(["turnserver", "-c", folder / "turnserver.conf"], stdout=log, stderr=log, cwd=folder)
    try:
        deadline = time.monotonic() + 30
        while not (answers(plain) and answers(secure)):
            assert process.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.02)
        yield {
            "udp": f"turn:127.0.0.1:{plain}?transport=udp",
            "tcp": f"turn:127.0.0.1:{plain}?transport=tcp",
            "tls": f"turns:127.0.0.1:{secure}?transport=tcp",
            "dtls": f"turns:127.0.0.1:{secure}?transport=udp",
            "trust": authority.path("ca.crt"),
            "password": folder / "password",
        }
    finally:
        process.kill()
        process.wait()


def test_every_installed_header_finds_what_it_includes(prefix, tmp_path):
    headers = [header.relative_to(prefix / "include") for header in sorted((prefix / "include").rglob("*.hpp"))]
    assert pathlib.Path("turnkeeper/turn/session.hpp") in headers
    (tmp_path / "all.cpp").write_text("".join(f'#include "{header}"\n' for header in headers))
    run(os.environ["CXX_COMPILER"], "-std=c++20", "-fsyntax-only", "-I", prefix / "include", tmp_path / "all.cpp")


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls", "dtls"])
def test_example_hears_itself_over(transport, example, relay):
    said = run(example, relay[transport], USER, relay["password"], relay["trust"])
    assert f"server   {transport} 127.0.0.1:" in said
    assert "relayed  127.0.0.1:" in said
    assert "heard    hello" in said
    assert ("certificate until" in said) == transport.endswith("tls")


def test_example_says_what_is_wrong(example, relay, tmp_path):
    (tmp_path / "wrong").write_text("wrong")
    failed = subprocess.run([example, relay["udp"], USER, tmp_path / "wrong"], capture_output=True, text=True, timeout=30)
    assert failed.returncode == 1
    assert "Allocate: 401" in failed.stderr
