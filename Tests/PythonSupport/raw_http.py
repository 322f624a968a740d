"""HTTP as bytes on a socket, for requests that no client would send."""

import io
import socket
from http.client import HTTPException, HTTPMessage, parse_headers

from waiting import PATIENCE


class RawAnswer:
    """One answer: status, headers with all their lines, and the body as bytes."""

    def __init__(self, status: int, headers: HTTPMessage, body: bytes):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def text(self):
        """The body as text."""
        return self.body.decode()

    def __repr__(self):
        return f"{self.status} {dict(self.headers)} {self.body[:300]!r}"


class Connection:
    """A connection to a gateway on which anything can be sent; encrypted where a context says how."""

    def __init__(self, gateway, timeout=PATIENCE, context=None):
        self.socket = socket.create_connection(("127.0.0.1", gateway.port), timeout=timeout)
        if context is not None:
            try:
                self.socket = context.wrap_socket(self.socket)
            except OSError:
                self.socket.close()
                raise
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

    def send_until_refused(self, piece, most):
        """Sends a piece again and again until the other side has closed, at most so many bytes.

        Returns how many bytes went out. What the machine holds between both sides is among them.
        """
        sent = 0
        try:
            while sent < most:
                self.socket.sendall(piece)
                sent += len(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return sent

    def answer(self, to="GET"):
        """The next answer, whole; none when the other side closes instead."""
        try:
            line = self._reader.readline(1 << 16)
        except ConnectionResetError:
            return None
        if not line:
            return None
        version, status, *_ = line.split(b" ", 2)
        assert version == b"HTTP/1.1", line
        headers = parse_headers(self._reader)
        if to == "HEAD" or int(status) in (204, 304):
            return RawAnswer(int(status), headers, b"")
        return RawAnswer(int(status), headers, self._body(headers))

    def _body(self, headers):
        if headers.get("Transfer-Encoding") != "chunked":
            return self._exactly(int(headers["Content-Length"]))
        body = io.BytesIO()
        while size := int(self._reader.readline().split(b";")[0], 16):
            body.write(self._exactly(size))
            assert self._reader.readline() == b"\r\n"
        assert self._reader.readline() == b"\r\n"
        return body.getvalue()

    def _exactly(self, size):
        data = self._reader.read(size)
        assert len(data) == size, f"{len(data)} bytes came of {size}: {data[:300]!r}"
        return data

    def answers(self):
        """Every answer until the other side closes."""
        found = []
        try:
            while answer := self.answer():
                found.append(answer)
        except HTTPException as error:
            raise AssertionError(f"no HTTP came: {error}") from error
        return found

    def is_silent(self):
        """Whether the other side has neither closed nor said anything."""
        self.socket.setblocking(False)
        try:
            self.socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except ConnectionResetError:
            pass
        finally:
            self.socket.settimeout(PATIENCE)
        return False


def exchange(gateway, data, timeout=PATIENCE):
    """Sends bytes and returns every answer until the other side closes."""
    with Connection(gateway, timeout) as connection:
        return connection.send(data).answers()
