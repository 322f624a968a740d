"""A secret argument is shown nowhere: not in logs, events, replies of inspect, history, dead letters, pages."""

import base64
import json

import pytest
from event_listener import EventListener
from gateway import Gateway
from waiting import PATIENCE, eventually

TOKEN = "an-administrators-token-for-tests"
SECRET = "hunter2-and-more"
ROW = {"card_holder": SECRET, "nested": [{"pin": SECRET}], "to": "a@b"}


@pytest.fixture(params=["mask_arguments", "history"])
def system(deployment, request):
    """A worker that tells events and logs everything, and a gateway; the names are given in the new and the old place."""
    names = ["pin", "card_*"]
    mask = {"mask_arguments": names} if request.param == "mask_arguments" else {"history": {"mask": names}}
    deployment.write_tasks(
        tasks={"proj.trouble": {"handler": "debug.fail", "max_retries": 0}},
        gateway={"users": {"root": {"role": "admin", "token": TOKEN}}}, **mask,
    )
    deployment.worker = deployment.start_worker("-E", "-c", "1", level="DEBUG")
    deployment.gateway = Gateway(deployment, level="DEBUG")
    return deployment


def test_nobody_shows_a_secret_but_the_message_itself(system):
    app = system.app(task_send_sent_event=True)
    listener = EventListener(app)
    shown = []

    def ask(path):
        answer = system.gateway.request(path, Authorization=f"Bearer {TOKEN}")
        assert answer.status == 200, path
        shown.append((path, answer.text))
        return answer

    running = app.send_task("proj.sleep", (6,))
    inspect = app.control.inspect(destination=["w1@test"], timeout=PATIENCE)
    eventually(lambda: inspect.active()["w1@test"], "it runs")
    waiting = app.send_task("proj.echo", (ROW,), kwargs=ROW)
    parked = app.send_task("proj.echo", (ROW,), kwargs=ROW, countdown=600)
    eventually(lambda: system.client.zcard("celeriac:parked") == 1, "one is parked")
    for task in (waiting, parked):
        ask(f"/api/v1/admin/jobs/celery/{task.id}")
    for state in ("waiting", "delayed", "active"):
        ask(f"/api/v1/admin/jobs/celery/jobs?state={state}&start=0&end=9")
    for method in ("active", "reserved", "scheduled"):
        shown.append((method, json.dumps(getattr(inspect, method)())))
    shown.append(("query_task", json.dumps(inspect.query_task(waiting.id, parked.id))))
    shown.append(("scheduled of the command", system.run("inspect", "scheduled").stdout))
    assert "***" in dict(shown)["scheduled"]
    running.get(timeout=60)
    assert waiting.get(timeout=60)["kwargs"]["card_holder"] == SECRET
    failed = app.send_task("proj.trouble", (ROW["to"],), kwargs=None)
    dead = app.send_task("proj.trouble", (), kwargs={"message": "no", **ROW})
    eventually(lambda: failed.state == dead.state == "FAILURE", "both have failed")
    eventually(lambda: len(system.dead_letters()) == 2, "both are kept")
    for task in (waiting, dead):
        ask(f"/api/v1/admin/jobs/celery/{task.id}")
    for state in ("completed", "failed"):
        ask(f"/api/v1/admin/jobs/celery/jobs?state={state}&start=0&end=9")
    received = eventually(
        lambda: [e for e in listener.events if e["type"] == "task-received" and e["uuid"] == waiting.id],
        "the events came",
    )
    assert "'card_holder': '***'" in received[0]["kwargs"] and "'to': 'a@b'" in received[0]["kwargs"]
    own = [event for event in listener.events if event["hostname"].startswith("w1@")]
    listener.stop()
    shown += [
        ("events", json.dumps(own)), ("the worker's log", system.worker.text),
        ("the gateway's log", system.gateway.process.text),
        ("history", json.dumps([str(system.redis.client(raw=True).xrange(f"celeriac:history:{kind}:celery"))
                                for kind in ("completed", "failed")])),
        ("facts of dead letters", str([letter["facts"] for letter in system.dead_letters()])),
    ]
    assert [place for place, text in shown if SECRET in text] == []
    # What is sent back must be what came.
    letters = {letter["id"]: letter for letter in system.dead_letters()}
    body = json.loads(letters[dead.id]["message"])["body"]
    assert SECRET in base64.b64decode(body).decode()


def test_both_places_at_once_are_refused(deployment):
    deployment.write_tasks(mask_arguments=["a"], history={"mask": ["b"]})
    answer = deployment.run("worker")
    assert answer.returncode != 0 and "mask_arguments says the same" in answer.stdout + answer.stderr
