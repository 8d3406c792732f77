#!/usr/bin/env python3
"""An API server that misbehaves on command: a plain HTTP proxy in front of a real one.

    faulty_proxy.py SERVER CA TOKEN        prints "port N"
    PUT /_fault with the body "errors" (500), "throttle" (429), "slow" (2 s more), "gone" (watches end with 410), "cut"
    (watches end in the middle of a line, and requests without an answer), "turncluster" (a write of a TurnCluster or of its
    status waits 1 s before and 1 s after it is done), "hold" (it waits until the fault is another, and 1 s after it is done) or
    "none". Each change also ends the watches that are open, as "cut" does.
    GET /_held answers how many such writes are waiting or have waited."""

import contextlib
import http.client
import json
import socket
import ssl
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SERVER, CA, TOKEN = sys.argv[1:4]
UPSTREAM = urllib.parse.urlsplit(SERVER)
CONTEXT = ssl.create_default_context(cafile=CA)
fault, held, watches, changed = "none", 0, set(), threading.Lock()


def status(code, reason):
    return json.dumps({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason,
                       "message": "injected"}).encode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, code, body, headers=()):
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def handle_one(self):
        global fault, held
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/_fault":
            with changed:
                fault = body.decode()
                for connection in watches:
                    with contextlib.suppress(OSError):
                        connection.shutdown(socket.SHUT_RDWR)
                watches.clear()
            return self.answer(200, b"{}")
        if self.path == "/_held":
            return self.answer(200, b"%d" % held)
        now = fault
        watch = "watch=true" in self.path
        if now == "errors":
            return self.answer(500, status(500, "InternalError"))
        if now == "throttle":
            return self.answer(429, status(429, "TooManyRequests"), [("Retry-After", "1")])
        if now == "cut":
            self.close_connection = True
            return None
        if now == "slow":
            time.sleep(2)
        if now == "gone" and watch:
            event = {"type": "ERROR", "object": json.loads(status(410, "Expired"))}
            return self.answer(200, json.dumps(event).encode() + b"\n")
        waits = now in ("turncluster", "hold") and self.command == "PATCH" and "/turnclusters/" in self.path
        if waits:
            with changed:
                held += 1
            time.sleep(1)
            while now == fault == "hold":
                time.sleep(0.02)
        return self.forward(body, watch, 1 if waits else 0)

    def forward(self, body, watch, wait):
        upstream = http.client.HTTPSConnection(UPSTREAM.hostname, UPSTREAM.port, context=CONTEXT, timeout=None if watch else 30)
        headers = {name: value for name, value in self.headers.items() if name in ("Accept", "Content-Type", "User-Agent")}
        try:
            upstream.request(self.command, self.path, body, {**headers, "Authorization": f"Bearer {TOKEN}"})
            connection = upstream.sock  # the answer takes it away
            reply = upstream.getresponse()
            if not watch or reply.status != 200:
                time.sleep(wait)
                return self.answer(reply.status, reply.read())
            with changed:
                watches.add(connection)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.close_connection = True
            with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
                while data := reply.read1(65536):
                    self.chunk(data)
            with changed:
                cut = connection not in watches
                watches.discard(connection)
            if cut:
                return self.chunk(b'{"type": "ADD')
            return self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.close_connection = True
        finally:
            upstream.close()

    do_GET = do_PATCH = do_POST = do_PUT = do_DELETE = handle_one


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print("port", server.server_address[1], flush=True)
server.serve_forever()
