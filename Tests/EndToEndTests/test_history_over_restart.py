"""What is known of finished tasks is there after a restart of Redis, of the worker and of the gateway."""

import pytest

from deployment import Deployment
from gateway import Gateway
from waiting import eventually

TOKEN = "an-admins-token-for-tests"
JOBS = "/api/v1/admin/jobs/celery"
LETTERS = "/api/v1/admin/dead-letters"
GATEWAY = {"users": {"admin": {"role": "admin", "token": TOKEN}}}


@pytest.fixture
def durable(tmp_path):
    """A deployment whose Redis keeps an append-only file."""
    with Deployment(tmp_path, append_only=True) as deployment:
        deployment.write_tasks(tasks={"proj.retry": {"max_retries": 5}}, gateway=GATEWAY)
        yield deployment


def get(gateway, path):
    """The data of an answer to an administrator."""
    answer = gateway.request(path, Authorization=f"Bearer {TOKEN}")
    assert answer.status == 200, answer.text
    return answer.json["data"]


def ids(gateway, state):
    """The listed tasks of a state."""
    return [job["id"] for job in get(gateway, f"{JOBS}/jobs?state={state}")]


def known(gateway, sent):
    """Everything that the gateway tells of these tasks, and of their queue."""
    return {
        "counts": get(gateway, f"{JOBS}/stats"),
        "completed": get(gateway, f"{JOBS}/jobs?state=completed"),
        "failed": get(gateway, f"{JOBS}/jobs?state=failed"),
        "details": {id: get(gateway, f"{JOBS}/{id}") for id in sent},
        "statuses": {id: gateway.status(id, "?plain=1") for id in sent},
        "letters": get(gateway, LETTERS),
    }


@pytest.mark.parametrize("end", ["shutdown", "kill"])
def test_lists_counts_attempts_traces_and_progress_are_there_after_a_restart(durable, end):
    """000-19, 001-29: are there after restarts"""
    worker = durable.start_worker()
    gateway = Gateway(durable)
    app = durable.app()
    added = app.tasks["proj.add"].delay(2, 3).id
    followed = app.tasks["proj.progress"].apply_async((4, 0.01), headers={"tenant_id": "t-1"}).id
    retried = app.tasks["proj.retry"].apply_async(kwargs={"times": 2, "countdown": 0.1}).id
    failed = app.tasks["proj.fail"].delay("no such invoice").id
    crashed = app.tasks["proj.crash"].delay().id
    good, bad = {added, followed, retried}, {failed, crashed}
    eventually(lambda: set(ids(gateway, "completed")) == good and set(ids(gateway, "failed")) == bad, "all have ended")
    durable.expect_empty()
    before = known(gateway, good | bad)

    assert worker.terminate() == 0
    assert gateway.process.terminate() == 0
    if end == "shutdown":
        durable.redis.stop()
    else:
        durable.redis.kill()
    durable.redis.start()
    durable.start_worker(name="w2")
    gateway = Gateway(durable)

    after = known(gateway, good | bad)
    assert after == before
    # What is equal is also what it should be.
    assert (after["counts"]["completed"], after["counts"]["failed"]) == (3, 2)
    assert after["details"][retried]["attempts"] == 3
    assert after["details"][followed]["progress"]["percent"] == 100
    assert any("no such invoice" in line for line in after["details"][failed]["stacktrace"])
    assert {letter["id"] for letter in after["letters"]} == bad

    # And it goes on from there.
    again = durable.app().tasks["proj.add"].delay(1, 1).id
    eventually(lambda: set(ids(gateway, "completed")) == good | {again}, "the next one is listed too")
    assert get(gateway, f"{JOBS}/stats")["completed"] == 4
