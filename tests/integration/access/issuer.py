"""Who makes tokens: keys of each kind, tokens good and bad, and an HTTP server for the JWKS."""

import base64
import hashlib
import hmac
import http.server
import json
import ssl
import threading
import time

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

AUDIENCE, ISSUER = "turn", "https://login.example.org"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, size=None):
    return base64url(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


class Key:
    def __init__(self, kid, algorithm):
        self.kid, self.algorithm = kid, algorithm
        if algorithm == "RS256":
            self.private = rsa.generate_private_key(65537, 2048)
            public = self.private.public_key().public_numbers()
            self.jwk = {"kty": "RSA", "n": number(public.n), "e": number(public.e)}
        elif algorithm == "ES256":
            self.private = ec.generate_private_key(ec.SECP256R1())
            public = self.private.public_key().public_numbers()
            self.jwk = {"kty": "EC", "crv": "P-256", "x": number(public.x, 32), "y": number(public.y, 32)}
        else:
            self.private = b"a secret of thirty-two bytes, at least"
            self.jwk = {"kty": "oct", "k": base64url(self.private)}
        self.jwk |= {"kid": kid, "use": "sig", "alg": algorithm}

    def public_pem(self):
        return self.private.public_key().public_bytes(serialization.Encoding.PEM,
                                                      serialization.PublicFormat.SubjectPublicKeyInfo)

    def token(self, headers=None, without=(), **claims):
        all_claims = {"sub": "alice", "aud": AUDIENCE, "iss": ISSUER, "exp": int(time.time()) + 600} | claims
        for name in without:
            del all_claims[name]
        return jwt.encode(all_claims, self.private, self.algorithm, headers={"kid": self.kid} | (headers or {}))


def by_hand(header, claims, secret=None):
    """A token that no library would make: HMAC with `secret`, or unsigned."""
    text = base64url(json.dumps(header).encode()) + "." + base64url(json.dumps(claims).encode())
    return text + "." + (base64url(hmac.new(secret, text.encode(), hashlib.sha256).digest()) if secret else "")


class JwksServer:
    """Over HTTPS with a certificate and its key, else in the clear."""

    def __init__(self, keys, certificate=None):
        self.keys, self.fetches, self.broken = keys, 0, False
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.fetches += 1
                body = json.dumps({"keys": [key.jwk for key in outer.keys]}).encode()
                self.send_response(500 if outer.broken else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http{'s' if certificate else ''}://localhost:{self.server.server_port}/jwks.json"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
