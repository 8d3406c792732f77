"""What a call's messages travel over: a UDP socket, or a TLS connection whose certificate is verified."""

import re
import socket
import ssl


def wire_to(url, trust=None, patience=3.0):
    """The wire for a turn: or turns: URL with an address in it. `trust`: an SSL context, for turns:."""
    scheme, host, port = re.match(r"(turns?):([^:?]+):(\d+)", url).groups()
    return Tls(host, int(port), trust, patience) if scheme == "turns" else Udp(host, int(port))


class Udp:
    def __init__(self, host, port):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect((host, port))
        self._socket.setblocking(False)
        self.host = host

    def fileno(self):
        return self._socket.fileno()

    def send(self, message):
        self._socket.send(message)

    def arrived(self):
        """Each message that is there. Raises OSError when the relay cannot be reached."""
        while True:
            try:
                yield self._socket.recv(2048)
            except BlockingIOError:
                return

    def close(self):
        self._socket.close()


class Tls:
    """`serial`: of the certificate that the relay showed, lower-case hexadecimal."""

    def __init__(self, host, port, trust, patience):
        connection = socket.create_connection((host, port), timeout=patience)
        try:
            self._socket = trust.wrap_socket(connection, server_hostname=host)
        except OSError:
            connection.close()
            raise
        self._socket.setblocking(False)
        self._bytes = b""
        self.host = host
        self.serial = self._socket.getpeercert()["serialNumber"].lower()

    def fileno(self):
        return self._socket.fileno()

    def send(self, message):
        self._socket.send(message + b"\0" * (-len(message) % 4))

    def arrived(self):
        while True:
            try:
                data = self._socket.recv(4096)
            except ssl.SSLWantReadError:
                data = None
            if data == b"":
                raise ConnectionResetError("the relay has closed the connection")
            self._bytes += data or b""
            while len(self._bytes) >= 4 and len(self._bytes) >= (length := self._length()):
                message, self._bytes = self._bytes[:length], self._bytes[length:]
                yield message
            if data is None:
                return

    def _length(self):
        length = int.from_bytes(self._bytes[2:4], "big")
        is_channel_data = self._bytes[0] & 0xC0
        return 4 + length + -length % 4 if is_channel_data else 20 + length

    def close(self):
        self._socket.close()
