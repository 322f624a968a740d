"""A redis-server of the test's own."""

import shutil
import signal
import socket
import subprocess

import redis

from waiting import eventually


def free_port():
    """A loopback port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class RedisServer:
    """Starts redis-server on a free loopback port; it can be stopped, killed and started again on the same data."""

    def __init__(self, directory, append_only=False, password=None, arguments=()):
        self.directory = directory
        self.port = free_port()
        self.password = password
        self._append_only = append_only
        self._arguments = arguments
        self._process = None
        self._clients = {}
        self.directory.mkdir(parents=True, exist_ok=True)
        self.start()

    def start(self):
        """Starts the server and waits until it answers."""
        program = shutil.which("redis-server")
        assert program, "redis-server is not installed"
        with open(self.directory / "redis.log", "ab") as log:
            self._process = subprocess.Popen(
                [
                    program, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.directory),
                    "--save", "", "--appendonly", "yes" if self._append_only else "no", "--appendfsync", "always",
                    "--loglevel", "warning", *(["--requirepass", self.password] if self.password else []),
                    *self._arguments,
                ],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )
        eventually(self._answers, "redis-server answers")

    def _answers(self):
        assert self._process.poll() is None, (self.directory / "redis.log").read_text()
        try:
            return self.client().ping()
        except redis.ConnectionError:
            return False

    def url(self, database=0):
        """The URL under which clients reach the server."""
        credentials = f":{self.password}@" if self.password else ""
        return f"redis://{credentials}127.0.0.1:{self.port}/{database}"

    def client(self, database=0, raw=False):
        """A client of the server, one per database; a raw one answers bytes."""
        if (database, raw) not in self._clients:
            self._clients[database, raw] = redis.Redis(
                host="127.0.0.1", port=self.port, db=database, password=self.password, decode_responses=not raw
            )
        return self._clients[database, raw]

    @property
    def is_running(self):
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def stop(self):
        """Ends the server in an orderly way."""
        self._end(signal.SIGTERM)

    def kill(self):
        """Ends the server by SIGKILL."""
        self._end(signal.SIGKILL)

    def _end(self, number):
        if self._process and self._process.poll() is None:
            self._process.send_signal(number)
            self._process.wait(10)
        for client in self._clients.values():
            client.close()
