"""Scripts written for Flower's API get on with the gateway: each request goes to both."""

import json
import urllib.parse

import pytest

from deployment import Deployment
from flower_server import Flower
from gateway import Gateway
from waiting import eventually

NODE = "w1@test"
TOKEN = "a-token-for-flowers-scripts"


class Both:
    """Flower and the gateway over one deployment."""

    def __init__(self, deployment):
        deployment.write_tasks(gateway={"users": {"scripts": {"role": "admin", "token": TOKEN}}})
        self.deployment = deployment
        self.flower = Flower(deployment)
        self.gateway = Gateway(deployment)
        deployment.start_worker("-E", "-c", "1")
        eventually(lambda: NODE in self.flower.get("/api/workers", refresh=1), "Flower knows the worker")

    def get(self, path):
        """What the two answer to a GET: decoded, Flower's first."""
        answer = self.gateway.request(path, Authorization=f"Bearer {TOKEN}")
        assert answer.status == 200, answer.text
        return self.flower.get(path), answer.json

    def post(self, path, **arguments):
        """What the two answer to a form: status and members, Flower's first."""
        status, text = self.flower.page(path, "POST", **arguments)
        answer = self.gateway.request(
            path, "POST", urllib.parse.urlencode(arguments).encode(), Authorization=f"Bearer {TOKEN}",
            Content_Type="application/x-www-form-urlencoded",
        )
        assert status == 200, text
        return (status, set(json.loads(text))), (answer.status, set(answer.json))


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    with Deployment(tmp_path_factory.mktemp("addresses")) as deployment:
        yield Both(deployment)


@pytest.mark.parametrize(
    "path, arguments",
    [
        (f"/api/worker/pool/grow/{NODE}", {"n": 1}),
        (f"/api/worker/pool/shrink/{NODE}", {"n": 1}),
        (f"/api/worker/queue/add-consumer/{NODE}", {"queue": "another"}),
        (f"/api/worker/queue/cancel-consumer/{NODE}", {"queue": "another"}),
        ("/api/task/rate-limit/proj.add", {"workername": NODE, "ratelimit": "100/s"}),
        ("/api/task/timeout/proj.add", {"workername": NODE, "hard": 100}),
        ("/api/task/revoke/no-such-task", {"terminate": "false"}),
    ],
)
def test_what_is_told_to_workers_is_answered_alike(both, path, arguments):
    theirs, ours = both.post(path, **arguments)
    assert theirs == ours == (200, {"message"})


def test_a_finished_task_is_described_alike(both):
    task = both.deployment.app().send_task("proj.add", (2, 3))
    assert task.get(timeout=60) == 5
    path = f"/api/task/info/{task.id}"
    eventually(lambda: both.flower.page(path)[0] == 200 and both.flower.get(path)["state"] == "SUCCESS", "Flower saw it")
    theirs, ours = both.get(path)
    same = ("uuid", "name", "state", "worker", "retries", "result", "routing_key", "root_id")
    assert {name: theirs[name] for name in same if theirs.get(name) is not None} == {
        name: ours[name] for name in same if theirs.get(name) is not None
    }
    assert set(ours) <= set(theirs) | {"group_id"}
    for moment in ("received", "started", "succeeded"):
        assert abs(theirs[moment] - ours[moment]) < 5
    theirs, ours = both.get("/api/tasks?limit=1&sort_by=-received")
    assert set(theirs) == set(ours) == {task.id}
    theirs, ours = both.get("/api/task/types")
    assert "proj.add" in theirs["task-types"] and "proj.add" in ours["task-types"]


def test_nobody_tells_workers_anything_without_a_token(both):
    answer = both.gateway.request(f"/api/worker/shutdown/{NODE}", "POST")
    assert answer.status == 401
