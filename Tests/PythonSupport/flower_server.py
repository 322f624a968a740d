"""Flower beside a test's deployment, and requests to its pages and its API."""

import json
import os
import pathlib
import urllib.error
import urllib.parse
import urllib.request

from deployment import HERE, clean_environment
from logged_process import LoggedProcess
from redis_server import free_port
from waiting import eventually

PYTHON = pathlib.Path(os.environ.get("FLOWER_PYTHON", HERE.parent.parent / ".build" / "venv-flower" / "bin" / "python"))


class Flower:
    """A running Flower that watches a deployment; it ends with the deployment."""

    def __init__(self, deployment):
        assert PYTHON.exists(), f"{PYTHON} is missing: Scripts/test makes it"
        self.port = free_port()
        self.process = LoggedProcess(
            [
                PYTHON, "-m", "celery", "-A", "worker_app", "-b", deployment.redis.url(), "flower",
                "--address=127.0.0.1", f"--port={self.port}", "--inspect_timeout=5000",
            ],
            deployment.directory,
            clean_environment(
                REDIS_PORT=str(deployment.redis.port), PYTHONPATH=str(HERE), FLOWER_UNAUTHENTICATED_API="true",
            ),
            "flower",
        )
        deployment.processes.append(self.process)
        self.process.wait_for_line("Connected to redis", timeout=40)
        eventually(lambda: self.page("/healthcheck")[0] == 200, "Flower answers")

    def page(self, path, method="GET", body=None, **query):
        """The status and the text of an answer."""
        url = f"http://127.0.0.1:{self.port}{path}"
        data = None
        if method == "POST":
            data = json.dumps(body).encode() if body is not None else urllib.parse.urlencode(query).encode()
        elif query:
            url += "?" + urllib.parse.urlencode(query)
        request = urllib.request.Request(url, data=data, method=method)
        if body is not None:
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except urllib.error.URLError:
            return 0, ""

    def get(self, path, **query):
        """The decoded answer to a GET that succeeds."""
        status, text = self.page(path, **query)
        assert status == 200, f"{path}: {status} {text[:500]}"
        return json.loads(text)

    def post(self, path, body=None, **query):
        """The decoded answer to a POST that succeeds."""
        status, text = self.page(path, "POST", body, **query)
        assert status == 200, f"{path}: {status} {text[:500]}"
        return json.loads(text)
