"""The gateway's OpenAPI document, against the running gateway."""

import os
import pathlib
import subprocess

import pytest

from deployment import ROOT, Deployment
from gateway import Gateway

TOKEN = "an-admins-token-for-tests"
PROGRAM = pathlib.Path(os.environ.get("SCHEMATHESIS", ROOT / ".build" / "venv-schemathesis" / "bin" / "schemathesis"))


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    """A gateway that is not to be kept from answering by its own bounds."""
    with Deployment(tmp_path_factory.mktemp("openapi")) as deployment:
        deployment.write_tasks(
            tenants={},
            gateway={
                "users": {"app": {"role": "admin", "token": TOKEN}},
                "start_routes": {
                    "/api/reports/start": {"task": "proj.echo", "arguments": ["year"], "access": "public"},
                    "/api/reports/guarded": {"task": "proj.echo"},
                },
                "tasks_per_minute": 1_000_000, "failed_tokens_per_minute": 1_000_000, "max_wait": 1,
            }
        )
        yield Gateway(deployment)


def test_schemathesis_finds_nothing(gateway, tmp_path):
    assert PROGRAM.exists(), f"{PROGRAM} is missing: Scripts/test makes it"
    # Streams of events of tasks that nobody runs have no end; test_gateway_status.py follows them.
    done = subprocess.run(
        [
            PROGRAM, "run", f"http://127.0.0.1:{gateway.port}/openapi.json", "-H", f"Authorization: Bearer {TOKEN}",
            "--checks", "all", "--phases", "coverage,fuzzing", "--max-examples", "20", "--seed", "1",
            "--suppress-health-check", "all", "--exclude-path-regex", "/events$", "--request-timeout", "10", "--no-color",
        ],
        cwd=tmp_path, capture_output=True, text=True, timeout=110,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_a_crawler_without_a_token_is_let_in_only_where_it_may_be(gateway):
    document = gateway.request("/openapi.json").json
    let_in = set()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method not in ("get", "post", "delete", "put", "patch") or path.endswith("/events"):
                continue
            body = {} if method == "post" else None
            url = path
            for name, value in {
                "{task_id}": "some-task", "{queue}": "celery", "{worker}": "celery@nobody", "{entry}": "nightly",
                "{tenant}": "acme", "{name}": "proj.add",
            }.items():
                url = url.replace(name, value)
            assert "{" not in url
            answer = gateway.request(url, method=method.upper(), body=body)
            assert (answer.status == 401) == ("security" in operation), (path, answer.status)
            if answer.status != 401:
                let_in.add(path)
            wrong = gateway.request(url, method=method.upper(), body=body, Authorization="Bearer of-bad-news-and-more")
            assert (wrong.status == 401) == ("security" in operation), (path, wrong.status)
    assert let_in == {
        "/livez", "/readyz", "/startupz", "/healthcheck", "/openapi.json", "/api/tasks/{task_id}/status",
        "/tasks/{task_id}/status", "/api/reports/start",
    }


def test_another_method_is_refused_with_those_there_are(gateway):
    answer = gateway.request("/api/tasks", method="PUT", body={})
    assert answer.status == 405 and answer.headers["allow"] == "GET, HEAD, POST"
    answer = gateway.request("/api/tasks/x/status", method="DELETE")
    assert answer.status == 405 and answer.headers["allow"] == "GET, HEAD"
    assert gateway.request("/api/tasks/x/status", method="HEAD").status == 200
