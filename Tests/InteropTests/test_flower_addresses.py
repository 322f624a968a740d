"""Scripts written for Flower's API get on with the gateway: each request goes to both."""

import base64
import datetime
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
        # Celeriac's worker has the queue celery, Celery's the queue python, and nobody the queue idle.
        deployment.write_tasks(
            queues={name: {"pool": "cpu"} for name in ("celery", "python", "idle")},
            gateway={"users": {"scripts": {"role": "admin", "token": TOKEN}}},
        )
        self.deployment = deployment
        self.flower = Flower(deployment)
        self.gateway = Gateway(deployment)
        deployment.start_worker("-E", "-c", "1", "-Q", "celery")
        deployment.start_celery_worker("-E", "-Q", "python")
        eventually(lambda: NODE in self.flower.get("/api/workers", refresh=1), "Flower knows the worker")

    def ask(self, path, method="GET"):
        """What the gateway answers."""
        return self.gateway.request(path, method, Authorization=f"Bearer {TOKEN}")

    def get(self, path):
        """What the two answer to a GET: decoded, Flower's first."""
        answer = self.ask(path)
        assert answer.status == 200, answer.text
        return self.flower.get(path), answer.json

    def send(self, path, body):
        """What the two answer to a body of JSON: status and decoded answer, Flower's first."""
        status, text = self.flower.page(path, "POST", body)
        # As curl sends a text, which Flower takes for JSON whatever its type says.
        answer = self.gateway.request(
            path, "POST", json.dumps(body).encode(), Authorization=f"Bearer {TOKEN}",
            Content_Type="application/x-www-form-urlencoded",
        )
        return (status, json.loads(text) if status == 200 else text), (answer.status, answer.json)

    def messages(self):
        """The messages in the queue idle, in the order in which they were sent, which takes them out."""
        raw = self.deployment.redis.client(raw=True)
        found = []
        for key in (b"idle", b"idle\x06\x163"):
            while item := raw.rpop(key):
                found.append(json.loads(item))
        return found

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
    # The history is read again a moment after it was read last.
    eventually(lambda: both.ask(path).status == 200, "the gateway saw it")
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


def test_a_real_worker_gets_the_same_task_by_either(both):
    body = {"args": [1, "ü"], "kwargs": {"to": "a@b"}, "queue": "python", "expires": "600", "timeout": 25}
    theirs, ours = both.send("/api/task/apply/proj.echo", body)
    for status, answer in (theirs, ours):
        assert status == 200
        assert answer == {
            "task-id": answer["task-id"], "state": "SUCCESS", "result": {"args": [1, "ü"], "kwargs": {"to": "a@b"}},
        }
        ran = both.deployment.redis.client(5).lrange("ran", 0, -1)
        assert f"celery {answer['task-id']}" in ran


@pytest.mark.parametrize("address", ["async-apply", "send-task"])
def test_the_same_message_is_sent_by_either(both, address):
    body = {"args": [1, "ü"], "kwargs": {"to": "a@b"}, "queue": "idle", "priority": 3}
    if address == "async-apply":  # Flower hands the time on as a text otherwise, and Celery fails.
        body["eta"] = "2090-01-31 08:00:00.500000"
    theirs, ours = both.send(f"/api/task/{address}/proj.echo", body)
    messages = both.messages()
    assert len(messages) == 2
    for (status, answer), message in zip((theirs, ours), messages):
        assert status == 200 and answer == {"task-id": message["headers"]["id"], "state": "PENDING"}
        headers = message["headers"]
        assert headers["root_id"] == headers["id"]
        assert (headers["eta"] is not None) == ("eta" in body)
        if "eta" in body:
            moment = datetime.datetime.fromisoformat(headers["eta"])
            # A time without an offset is one of UTC.
            utc = datetime.timezone.utc
            moment = moment if moment.tzinfo else moment.replace(tzinfo=utc)
            assert moment == datetime.datetime(2090, 1, 31, 8, 0, 0, 500_000, tzinfo=utc)
    first, second = messages
    assert json.loads(base64.b64decode(first["body"])) == json.loads(base64.b64decode(second["body"]))
    # Celery shows a list as the list that Flower read, ours as the tuple that calls have.
    assert first["headers"]["argsrepr"][1:-1] == second["headers"]["argsrepr"][1:-1]
    for name in ("lang", "task", "kwargsrepr", "retries", "timelimit", "expires", "parent_id", "group"):
        assert first["headers"][name] == second["headers"][name], name
    for name in ("priority", "delivery_mode", "body_encoding", "delivery_info"):
        assert first["properties"][name] == second["properties"][name], name
    assert (first["content-type"], first["content-encoding"]) == (second["content-type"], second["content-encoding"])


@pytest.mark.parametrize(
    "path, body, status",
    [
        ("/api/task/apply/proj.nobody", {}, 404), ("/api/task/async-apply/proj.nobody", {}, 404),
        ("/api/task/apply/proj.add", {"args": 1}, 400), ("/api/task/send-task/proj.add", {"args": "1"}, 400),
        ("/api/task/apply/proj.add", {"timeout": "soon"}, 400), ("/api/task/async-apply/proj.add", [1], 400),
        ("/api/task/async-apply/proj.add", {"eta": "soon"}, 400),
    ],
)
def test_what_cannot_be_sent_is_refused_alike(both, path, body, status):
    theirs, ours = both.send(path, body)
    assert theirs[0] == ours[0] == status


def test_what_became_of_a_task_is_told_alike(both):
    app = both.deployment.app()
    done = app.send_task("proj.add", (2, 3), queue="python")
    failed = app.send_task("proj.fail", ("no",), queue="python")
    assert done.get(timeout=60) == 5 and failed.get(timeout=60, propagate=False)
    for id in (done.id, failed.id, "no-such-task"):
        theirs, ours = both.get(f"/api/task/result/{id}")
        assert theirs == ours
        theirs, ours = both.get(f"/api/task/result/{id}?timeout=0.2")
        assert theirs.pop("result", None) == ours.pop("result", None) and theirs == ours
    theirs, ours = both.get(f"/api/task/result/{failed.id}")
    assert ours["result"] == "ValueError('no')" and "ValueError: no" in ours["traceback"]


def test_a_task_that_looks_is_told_to_give_up_by_either(both):
    app = both.deployment.app()
    for place in range(2):
        task = app.send_task("proj.until_aborted", queue="python")
        journal = both.deployment.redis.client(5)
        eventually(lambda task=task: f"celery {task.id}" in journal.lrange("ran", 0, -1), "the task runs")
        path = f"/api/task/abort/{task.id}"
        if place == 0:
            status, text = both.flower.page(path, "POST")
            answer = json.loads(text)
        else:
            asked = both.ask(path, "POST")
            status, answer = asked.status, asked.json
        assert (status, answer) == (200, {"message": f"Aborted '{task.id}'"})
        assert task.get(timeout=60) == "gave up"
    again = both.ask(path, "POST")
    assert again.json == {"message": f"'{task.id}' has ended already"} and task.state == "SUCCESS"


def test_tasks_stand_in_the_same_order(both):
    app = both.deployment.app()
    for name, arguments in (("proj.noop", ()), ("proj.fail", ("no",)), ("proj.add", (1, 2)), ("proj.noop", ())):
        app.send_task(name, arguments).get(timeout=60, propagate=False)
    mine = {"workername": NODE}

    def ended():
        tasks = both.flower.get("/api/tasks", **mine)
        have_ended = len(tasks) >= 4 and all(task["state"] in ("SUCCESS", "FAILURE") for task in tasks.values())
        return have_ended and set(tasks) == set(both.ask(f"/api/tasks?workername={NODE}").json)

    eventually(ended, "both saw how they ended")
    for order in ("name", "state", "received", "started"):
        for sign in ("", "-"):
            for page in ({}, {"limit": 2, "offset": 1}, {"limit": 0}):
                query = urllib.parse.urlencode({**mine, "sort_by": sign + order, **page})
                theirs, ours = both.get(f"/api/tasks?{query}")
                assert list(theirs) == list(ours), query
    assert both.flower.page("/api/tasks", sort_by="size")[0] == 400
    assert both.ask("/api/tasks?sort_by=size").status == 400


def test_both_say_that_they_run(both):
    answer = both.gateway.request("/healthcheck")
    assert both.flower.page("/healthcheck") == (answer.status, answer.text) == (200, "OK")


def test_nobody_tells_workers_anything_without_a_token(both):
    answer = both.gateway.request(f"/api/worker/shutdown/{NODE}", "POST")
    assert answer.status == 401
