"""Tasks that failed for good are kept with their exact messages."""

import json

import pytest

from waiting import eventually


def send_back(deployment, letter):
    """What `dead_letters.lua` of the gateway does with one letter."""
    raw = deployment.redis.client(raw=True)
    with raw.pipeline() as pipe:
        pipe.lpush(letter["queue"], letter["message"])
        for part in ("facts", "messages"):
            pipe.hdel(f"celeriac:dead:{part}", letter["id"])
        pipe.zrem("celeriac:dead", letter["id"])
        pipe.execute()


def test_a_letter_has_every_field_and_the_exact_bytes(deployment):
    """001-31"""
    deployment.write_tasks(tasks={"proj.retry": {"max_retries": 1}})
    app = deployment.app()
    result = app.tasks["proj.fail"].apply_async(("no",), headers={"tenant_id": "t-1"})
    sent = deployment.redis.client(raw=True).lindex("celery", 0)
    deployment.start_worker()
    with pytest.raises(ValueError):
        result.get(timeout=60)
    letter, = eventually(deployment.dead_letters, "it is kept")
    assert letter["message"] == sent and letter["queue"] == "celery" and letter["id"] == result.id
    facts = letter["facts"]
    assert facts["n"] == "proj.fail" and facts["m"] == "t-1" and facts["e"] == ["ValueError", "no"]
    assert facts["s"] == "FAILURE" and facts["w"] == "w1@test" and letter["failures"] == 1
    # One whose retries are used up, with the attempts it had.
    app.tasks["proj.retry"].apply_async(kwargs={"times": 5}).get(timeout=60, propagate=False)
    retried = eventually(lambda: len(deployment.dead_letters()) == 2 and deployment.dead_letters()[0], "it is kept")
    assert retried["facts"]["t"] == 2 and len(retried["facts"]["h"]) == 1


def test_one_that_is_sent_back_runs_under_its_id(deployment):
    worker = deployment.start_worker()
    app = deployment.app()
    result = app.send_task("proj.later", (2, 3))
    letter, = eventually(deployment.dead_letters, "it is kept")
    assert "proj.later" in letter["reason"] and result.state == "FAILURE"
    worker.terminate()
    deployment.write_tasks(tasks={"proj.later": {"handler": "debug.add"}})
    deployment.start_worker(name="w2")
    send_back(deployment, letter)
    eventually(lambda: app.AsyncResult(result.id).state == "SUCCESS", "it has run")
    assert app.AsyncResult(result.id).get(timeout=60) == 5
    assert not deployment.dead_letters()


def test_time_limits_crashes_and_rejections_are_kept_and_revoked_ones_are_not(deployment):
    deployment.write_tasks(tasks={"proj.sleep": {"time_limit": 0.5}})
    deployment.start_worker()
    app = deployment.app()
    slow = app.tasks["proj.sleep"].delay(30)
    crash = app.tasks["proj.crash"].delay()
    app.tasks["proj.add"].apply_async((1, 1), expires=-10).get(timeout=60, propagate=False)
    eventually(lambda: len(deployment.dead_letters()) == 2, "both are kept")
    kinds = {letter["id"]: letter["facts"]["e"][0] for letter in deployment.dead_letters()}
    assert kinds == {slow.id: "TimeLimitExceeded", crash.id: "WorkerLostError"}


def test_a_task_may_keep_none(deployment):
    deployment.write_tasks(tasks={"proj.fail": {"dead_letter": False}})
    deployment.start_worker()
    app = deployment.app()
    app.tasks["proj.fail"].delay("no").get(timeout=60, propagate=False)
    unknown = app.send_task("no.such.task")
    eventually(deployment.dead_letters, "the other is kept")
    assert [letter["id"] for letter in deployment.dead_letters()] == [unknown.id]
    assert json.loads(deployment.client.get(f"celery-task-meta-{unknown.id}"))["status"] == "FAILURE"
