"""What a person gets wrong on the command line: one line that says what, where and what to do, the same from
--check-config and from a start."""

import datetime
import json
import socket
import subprocess
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from running import BIN

GOLDEN = Path(__file__).parents[2] / "unit/operator/resources/golden"
CONFIG = {"servers": [{"name": "eu-0", "region": "eu", "url": "turn:127.0.0.1:9?transport=udp", "username": "u",
                       "passwordFile": "password"}]}


def pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mistakes")
    key, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "nameless")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
                   .serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
                   .sign(key, hashes.SHA256()))
    (folder / "cert").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key").write_bytes(pem(key))
    (folder / "other-key").write_bytes(pem(other))
    (folder / "junk").write_text("junk\n")
    (folder / "empty").touch()
    (folder / "directory").mkdir()
    (folder / "password").write_text("p")
    (folder / "monitor.yaml").write_text(json.dumps(CONFIG))
    return folder


def run(folder, *flags):
    listen = [] if any(flag.startswith("--listen") for flag in flags) else ["--listen=127.0.0.1:0"]
    return subprocess.run([BIN / "turnkeeper-monitor", "--config=monitor.yaml", *listen, *flags], cwd=folder,
                          capture_output=True, text=True, timeout=10)


def said(result):
    """The lines that are no log."""
    assert result.returncode in (1, 2), result
    return [line for line in result.stderr.splitlines() if not line.startswith("time=")]


EXCHANGE = ["--exchange-listen=127.0.0.1:0", "--insecure-grpc"]
TLS = ["--tls-cert=cert", "--tls-key=key", "--tls-ca=cert"]
GRPC = "--ice-grpc-listen=127.0.0.1:0"


@pytest.mark.parametrize("flags, words", [
    (["--listen=nowhere"], ["--listen", "there is no port", "HOST:PORT"]),
    (["--listen=127.0.0.1:99999"], ['"99999" is no port']),
    (["--listen=::1:80"], ["brackets"]),
    (["--listen=turn.example.org:80"], ["is no address", "numeric"]),
    (["--listen=unix:/" + "x" * 108], ["longer than 107"]),
    (["--ice-grpc-listen=nowhere"], ["--ice-grpc-listen", "there is no port", "HOST:PORT"]),
    (["--ice-grpc-listen=127.0.0.1:99999"], ["--ice-grpc-listen", '"99999" is no port']),
    (["--ice-grpc-listen=127.0.0.1"], ["--ice-grpc-listen", "there is no port"]),
    (["--ice-grpc-listen=::"], ["--ice-grpc-listen", "brackets"]),
    (["--exchange-listen=127.0.0.1:65536", "--insecure-grpc"], ["--exchange-listen", '"65536" is no port']),
    ([*EXCHANGE, "--exchange-peer=nowhere"], ["--exchange-peer", "HOST:PORT"]),
    ([*EXCHANGE, "--exchange-peers-dns=monitors:0x1"], ["--exchange-peers-dns", "NAME:PORT"]),
    (["--exchange-listen=127.0.0.1:0", "--tls-cert=cert"], ["give all three, or --insecure-grpc"]),
    (["--exchange-listen=127.0.0.1:0", "--tls-cert=cert", "--tls-key=other-key", "--tls-ca=cert"],
     ["other-key does not hold the private key of cert"]),
    (["--exchange-listen=127.0.0.1:0", *TLS], ["cert carries no DNS name"]),
    (TLS, ["--operator", "--tls-listen-cert"]),
    (["--tls-listen-cert=cert", "--tls-listen-key=other-key"], ["--tls-listen-key", "other-key", "belongs to cert"]),
    (["--tls-listen-cert=cert", "--tls-listen-key=absent"], ["cannot read absent: No such file or directory"]),
    (["--tls-listen-cert=cert", "--tls-listen-key=directory"], ["cannot read directory: Is a directory"]),
    (["--tls-listen-cert=empty", "--tls-listen-key=key"], ["certificate empty", "PEM"]),
    (["--tls-listen-cert=cert"], ["--tls-listen-key"]),
    ([GRPC, "--ice-grpc-tls-cert=cert", "--ice-grpc-tls-key=other-key"], ["--ice-grpc-tls-key", "belongs to cert"]),
    ([GRPC, "--ice-grpc-tls-cert=absent", "--ice-grpc-tls-key=key"], ["--ice-grpc-tls-cert", "cannot read absent"]),
    (["--ice-grpc-tls-cert=cert", "--ice-grpc-tls-key=key"], ["--ice-grpc-listen"]),
    (["--state=directory"], ["--state", "is a directory"]),
    (["--state=absent/history.json"], ["--state", "cannot write into absent: No such file"]),
    (["--api-key-file=directory"], ["cannot read directory: Is a directory"]),
    (["--api-keys-file=directory"], ["cannot read directory: Is a directory"]),
    (["--jwt-jwks=https://login.example.org:99999/", "--jwt-audience=a"], ["--jwt-jwks", "leads nowhere", "https://HOST"]),
    (["--jwt-jwks=https:///jwks", "--jwt-audience=a"], ["leads nowhere"]),
    (["--jwt-jwks=https://login.example.org/", "--jwt-audience=a", "--jwt-ca=absent"], ["--jwt-ca", "absent"]),
    (["--jwt-jwks=https://login.example.org/", "--jwt-audience=a", "--jwt-ca=junk"], ["--jwt-ca", "junk", "PEM"]),
    (["--region-header=X Country"], ["--region-header", "CF-IPCountry"]),
    (["--region-header=X-Country", "--region-map=DE=mars"], ["--region-map", "'mars' is no region"]),
    (["--vantage=a b"], ["--vantage", "letters"]),
    (["--max-connections=0"], ["--max-connections"]),
    (["--no-such-flag"], ["--no-such-flag", "--help"]),
])
def test_a_wrong_flag_is_told_in_one_line_before_anything_starts(folder, flags, words):
    told = [said(run(folder, *flags, *more)) for more in (["--check-config"], [])]
    assert told[0] == told[1] and len(told[0]) == 1, told
    line = told[0][0]
    assert line.startswith("turnkeeper-monitor: ") and all(word in line for word in words), line


@pytest.mark.parametrize("flags, words", [
    (["--operator=nowhere", "--insecure-grpc"], ["--operator", "HOST:PORT"]),
    (["--operator=operator:99999", "--insecure-grpc"], ["--operator", "HOST:PORT"]),
    (["--operator=operator:9443"], ["--tls-cert, --tls-key and --tls-ca", "--insecure-grpc"]),
    (["--operator=operator:9443", "--tls-cert=cert", "--tls-key=other-key", "--tls-ca=cert"],
     ["other-key does not hold the private key of cert"]),
    (["--operator=operator:9443", "--tls-cert=cert", "--tls-key=key", "--tls-ca=junk"], ["--tls-ca", "junk"]),
    (["--operator=operator:9443", "--insecure-grpc", "--cluster=calls"], ["--cluster", "NAMESPACE/NAME"]),
])
def test_a_wrong_way_to_the_operator_is_told(folder, flags, words):
    for more in (["--check-config"], []):
        result = subprocess.run([BIN / "turnkeeper-monitor", "--listen=127.0.0.1:0", *flags, *more], cwd=folder,
                                capture_output=True, text=True, timeout=10)
        lines = said(result)
        assert len(lines) == 1 and all(word in lines[0] for word in words), lines


def test_all_that_is_wrong_is_told_at_once(folder):
    result = subprocess.run([BIN / "turnkeeper-monitor", "--jwt-jwks=https://login.example.org/jwks", "--listen=nowhere"],
                            cwd=folder, capture_output=True, text=True, timeout=10)
    assert [line.split(": ")[1].split(";")[0] for line in said(result)] == ["nothing to watch", "--listen", "--jwt-jwks"]


def test_an_address_that_is_taken_or_anothers_is_told_without_what_gRPC_has_to_say(folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        for flag in (["--listen"], ["--ice-grpc-listen"], ["--exchange-listen", "--insecure-grpc"]):
            for place in (address, "192.0.2.1:8480"):
                lines = said(run(folder, f"{flag[0]}={place}", *flag[1:]))
                assert len(lines) == 1 and place in lines[0] and "; " in lines[0], lines


@pytest.mark.parametrize("deployment", ["vantage_deployment", "vantage_deployment_other_site"])
def test_what_the_operator_starts_vantages_with_is_understood(folder, deployment):
    golden = yaml.safe_load((GOLDEN / f"{deployment}.yaml").read_text())
    arguments = golden["spec"]["template"]["spec"]["containers"][0]["args"]
    # The Secrets are not mounted here.
    plain = [argument for argument in arguments if not argument.startswith(("--tls-", "--snapshot="))]
    assert len(plain) > 4
    result = subprocess.run([BIN / "turnkeeper-monitor", *plain, "--insecure-grpc", "--check-config"], cwd=folder,
                            capture_output=True, text=True, timeout=10)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("name", ["a b", "a//b", "/a", "a/", "a" * 64, "a/b/" + "c" * 254])
def test_what_is_no_name_of_a_vantage(folder, name):
    lines = said(run(folder, f"--vantage={name}", "--check-config"))
    assert len(lines) == 1 and "--vantage" in lines[0] and "is no name" in lines[0], lines


def test_every_form_of_address_that_is_offered_can_be_listened_on(folder):
    for place in ("localhost:0", "*:0", "127.0.0.1:0", f"unix:{folder}/ice.sock"):
        assert run(folder, f"--ice-grpc-listen={place}", "--check-config").returncode == 0
        with subprocess.Popen([BIN / "turnkeeper-monitor", "--config=monitor.yaml", "--listen=127.0.0.1:0",
                               f"--ice-grpc-listen={place}"], cwd=folder, stderr=subprocess.PIPE, text=True) as monitor:
            try:
                told = next(line for line in monitor.stderr if "gRPC clients connect to" in line or "turnkeeper-monitor:" in line)
            finally:
                monitor.kill()
        assert "gRPC clients connect to" in told, told
        assert f"address={place.removesuffix('0')}" in told and not told.rstrip().endswith(":0"), told
