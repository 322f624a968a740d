"""HTTP as bytes on a socket, for requests that no client would send."""

import io
import pathlib
import socket
from http.client import HTTPException, HTTPMessage, parse_headers

from waiting import PATIENCE


class RawAnswer:
    """One answer: status, headers, body, and the whole as it came."""

    def __init__(self, status: int, headers: HTTPMessage, body: bytes):
        self.status = status
        self.headers = headers
        self.body = body

    def __repr__(self):
        return f"{self.status} {dict(self.headers)} {self.body[:300]!r}"


class Connection:
    """A connection to a gateway on which anything can be sent."""

    def __init__(self, gateway, timeout=PATIENCE):
        self.socket = socket.create_connection(("127.0.0.1", gateway.port), timeout=timeout)
        self._reader = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._reader.close()
        self.socket.close()

    def send(self, data):
        """Sends bytes; the other side may have closed meanwhile, which the answer tells."""
        try:
            self.socket.sendall(data.encode() if isinstance(data, str) else data)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return self

    def answer(self, to="GET"):
        """The next answer; none when the other side closes instead."""
        try:
            line = self._reader.readline(1 << 16)
            if not line:
                return None
            version, status, *_ = line.split(b" ", 2)
            assert version == b"HTTP/1.1", line
            headers = parse_headers(self._reader)
            if to == "HEAD" or int(status) in (204, 304):
                return RawAnswer(int(status), headers, b"")
            return RawAnswer(int(status), headers, self._body(headers))
        except ConnectionResetError:
            return None

    def _body(self, headers):
        if headers.get("Transfer-Encoding") == "chunked":
            body = io.BytesIO()
            while size := int(self._reader.readline().split(b";")[0], 16):
                body.write(self._reader.read(size))
                self._reader.readline()
            self._reader.readline()
            return body.getvalue()
        return self._reader.read(int(headers.get("Content-Length", 0)))

    def answers(self):
        """Every answer until the other side closes."""
        found = []
        try:
            while answer := self.answer():
                found.append(answer)
        except HTTPException as error:
            raise AssertionError(f"no HTTP came: {error}") from error
        return found

    def is_closed(self):
        """Waits until the other side closes; fails when it does not, or says something more."""
        try:
            return self._reader.read(1) == b""
        except ConnectionResetError:
            return True


def exchange(gateway, data, timeout=PATIENCE):
    """Sends bytes and returns every answer until the other side closes."""
    with Connection(gateway, timeout) as connection:
        return connection.send(data).answers()


def memory(process):
    """What a process holds of the machine's memory, in bytes."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024
