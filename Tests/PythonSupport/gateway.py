"""The gateway beside a test's deployment, and the clients that ask it."""

import http.client
import json
import os
import pathlib
import re
import ssl
import threading
import time
import urllib.error
import urllib.request

from deployment import EXECUTABLE, clean_environment
from logged_process import LoggedProcess

PROGRAM = pathlib.Path(os.environ.get("CELERIAC_GATEWAY", EXECUTABLE.with_name("celeriac-gateway")))

#: A token of each role, and the users who have them.
TOKENS = {role: f"token-of-the-{role}-for-tests" for role in ("viewer", "operator", "admin")}
USERS = {role: {"role": role, "token": token} for role, token in TOKENS.items()}


class Answer:
    """An answer of the gateway: status, headers by lower-case name, text."""

    def __init__(self, status, headers, text):
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        self.text = text

    @property
    def json(self):
        """The decoded body."""
        return json.loads(self.text)


class Gateway:
    """A running gateway on a free port; it ends with the deployment."""

    def __init__(self, deployment, *flags, level="INFO", environment=None, config=None, is_awaited=True):
        self.process = LoggedProcess(
            [PROGRAM, "--config", config or deployment.tasks_path, "--port", "0", "-l", level, *flags],
            deployment.directory, clean_environment(**(environment or {})), "gateway",
        )
        deployment.processes.append(self.process)
        if is_awaited:
            self.wait_until_ready()

    def wait_until_ready(self):
        """Waits until it listens, and notes where."""
        line = self.process.wait_for_line(r"celeriac-gateway ready on ")
        self.scheme, self.port = re.search(r"(https?)://[^ ]*?:(\d+)", line).groups()
        self.port = int(self.port)

    def request(self, path, method="GET", body=None, timeout=30, context=None, **headers):
        """Asks and returns the answer, whatever its status; underscores in headers' names stand for hyphens."""
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.scheme}://127.0.0.1:{self.port}{path}", data=data, method=method)
        if data is not None:
            request.add_header("Content-Type", "application/json")
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        try:
            with urllib.request.urlopen(request, timeout=timeout, context=context) as answer:
                return Answer(answer.status, answer.getheaders(), answer.read().decode())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers.items(), error.read().decode())

    def status(self, id, query=""):
        """The decoded status of a task."""
        answer = self.request(f"/api/tasks/{id}/status{query}")
        assert answer.status == 200, answer.text
        return answer.json

    def follow(self, id, query="", **headers):
        """Follows a task's events in the background; underscores in headers' names stand for hyphens."""
        return EventReader(self.port, f"/api/tasks/{id}/events{query}", **headers)

    def context(self, authority):
        """How to trust a certificate of this authority."""
        return ssl.create_default_context(cafile=str(authority))


class EventReader:
    """Reads server-sent events as a browser does, each with the time it came."""

    def __init__(self, port, path, **headers):
        self.events = []
        self.ended = threading.Event()
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request("GET", path, headers={"Accept": "text/event-stream", **fields})
        self._response = self._connection.getresponse()
        assert self._response.status == 200, self._response.read()
        assert self._response.getheader("Content-Type") == "text/event-stream"
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        fields = {}
        try:
            for raw in self._response:
                line = raw.decode().rstrip("\n")
                if line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                    continue
                if "event" in fields:
                    self.events.append((time.time(), fields["event"], json.loads(fields["data"])))
                fields = {}
        except (OSError, http.client.HTTPException):
            pass  # The other side ended; what came counts.
        self.ended.set()

    @property
    def statuses(self):
        """The bodies of the events `status`."""
        return [data for _, name, data in self.events if name == "status"]

    def wait(self, timeout=30):
        """Waits for the end of the stream."""
        assert self.ended.wait(timeout), f"the stream goes on: {self.events}"
        self._thread.join(5)
        self._connection.close()


def document_003_status(task):
    """What the status route of document 003 answers, written as it stands there."""
    if task.state == "PENDING":
        response = {"state": task.state, "current": 0, "total": 100, "status": "Bekliyor..."}
    elif task.state == "PROGRESS":
        response = {
            "state": task.state,
            "current": task.info.get("current", 0),
            "total": task.info.get("total", 100),
            "status": task.info.get("status", ""),
        }
    elif task.state == "SUCCESS":
        response = {"state": task.state, "current": 100, "total": 100, "status": "Tamamlandı", "result": task.info}
    else:
        response = {"state": task.state, "status": str(task.info)}
    return response


def as_fastapi_writes(value):
    """The bytes that FastAPI's default response makes of a value."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
