"""A certificate authority for one instance, with OpenSSL's command line."""

import pathlib
import subprocess

from .failure import Failure


class Authority:
    """Makes <directory>/ca.crt, and with issue() a key and a certificate for each name."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        # A configuration of its own: the machine's would add extensions.
        pathlib.Path(self.path("openssl.cnf")).write_text("[req]\ndistinguished_name=dn\n[dn]\n")
        self._certificate("ca.crt", "ca.key", "/CN=testbed-ca",
                          ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign,digitalSignature"])

    def path(self, name):
        return str(self.directory / name)

    def issue(self, name, common_name, organization="", addresses=(), names=(), days=30):
        """(certificate path, key path); good for clients and for servers."""
        subject = (f"/O={organization}" if organization else "") + f"/CN={common_name}"
        alternatives = [f"IP:{a}" for a in addresses] + [f"DNS:{n}" for n in names]
        extensions = ["extendedKeyUsage=clientAuth,serverAuth", "basicConstraints=CA:FALSE"]
        if alternatives:
            extensions.append(f"subjectAltName={','.join(alternatives)}")
        self._certificate(f"{name}.crt", f"{name}.key", subject, extensions,
                          ["-CA", self.path("ca.crt"), "-CAkey", self.path("ca.key")], days)
        return self.path(f"{name}.crt"), self.path(f"{name}.key")

    def signing_pair(self, name):
        """(private key path, public key path), for service account tokens."""
        private, public = self.path(f"{name}.key"), self.path(f"{name}.pub")
        _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", private)
        _openssl("pkey", "-in", private, "-pubout", "-out", public)
        return private, public

    def _certificate(self, certificate, key, subject, extensions, signer=(), days=30):
        _openssl("req", "-x509", "-config", self.path("openssl.cnf"), "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                 "-nodes", "-subj", subject, "-days", str(days), "-keyout", self.path(key), "-out", self.path(certificate),
                 *signer, *(word for extension in extensions for word in ("-addext", extension)))


def _openssl(*arguments):
    result = subprocess.run(["openssl", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode != 0:
        raise Failure(f"openssl {' '.join(arguments)}: {result.stdout}")
