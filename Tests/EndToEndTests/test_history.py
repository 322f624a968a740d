"""What finished tasks leave behind, recorded by the real program."""

import json

import pytest

from waiting import eventually


def records(deployment, queue="celery", outcome="completed", keep=None):
    """The recorded tasks of a queue, oldest first, cut to the exact number as readers do."""
    entries = deployment.client.xrange(f"celeriac:history:{outcome}:{queue}")
    lines = [json.loads(line) for _, fields in entries for line in fields["r"].split("\n")]
    return lines if keep is None else lines[-keep:]


def count(deployment, what, queue="celery"):
    return int(deployment.client.hget("celeriac:history", f"{what}:{queue}") or 0)


def test_the_last_ten_completed_and_fifty_failed_are_kept(deployment):
    """000-19"""
    deployment.write_tasks(
        queues={"celery": {"pool": "here", "retention": {"completed": 10, "failed": 50}}},
        pools={"here": {"inline": True, "slots": 8}},
    )
    deployment.start_worker()
    app = deployment.app()
    good = [app.tasks["proj.add"].delay(number, 1) for number in range(30)]
    bad = [app.tasks["proj.fail"].delay(f"no {number}") for number in range(80)]
    for result in good + bad:
        result.get(timeout=60, propagate=False)
    eventually(lambda: count(deployment, "completed") == 30 and count(deployment, "failed") == 80, "all are counted")
    assert 10 <= len(records(deployment)) < 10 + 64
    assert 50 <= len(records(deployment, outcome="failed")) < 50 + 64
    kept = {line["i"] for line in records(deployment, outcome="failed", keep=50)}
    assert len(kept) == 50 and kept <= {result.id for result in bad}
    assert deployment.client.ttl("celeriac:history:completed:celery") > 86_000
    assert deployment.client.ttl("celeriac:history:failed:celery") > 604_000


def test_a_record_tells_of_attempts_progress_tenant_and_hides_secrets(deployment):
    """001-29, 001-30, 002-47"""
    deployment.write_tasks(tasks={"proj.retry": {"max_retries": 5}})
    deployment.start_worker()
    app = deployment.app()
    app.tasks["proj.retry"].apply_async(kwargs={"times": 2, "countdown": 0.1}).get(timeout=60)
    app.tasks["proj.progress"].apply_async(args=[4, 0.01], headers={"tenant_id": "t-1"}).get(timeout=60)
    app.tasks["proj.echo"].delay(api_key="k-123", no="INV-1").get(timeout=60)
    eventually(lambda: count(deployment, "completed") == 3, "all are recorded")
    retried, progress, echo = records(deployment)
    assert retried["t"] == 3 and len(retried["h"]) == 2 and count(deployment, "retried") == 2
    assert all(began < ended for began, ended, *_ in retried["h"])
    assert retried["w"] == "w1@test" and retried["r"] >= retried["b"] >= retried["d"] > 0
    assert progress["m"] == "t-1" and progress["p"][:2] == [4, 4]
    assert echo["k"] == {"api_key": "***", "no": "INV-1"}
    assert "k-123" not in json.dumps(echo)


def test_it_survives_restarts_of_worker_and_redis(deployment):
    worker = deployment.start_worker()
    app = deployment.app()
    ids = [app.tasks["proj.add"].delay(1, number).id for number in range(5)]
    with pytest.raises(ValueError):
        app.tasks["proj.fail"].delay("no").get(timeout=60)
    eventually(lambda: count(deployment, "completed") == 5, "all are recorded")
    worker.kill()
    worker = deployment.start_worker(name="w2")
    app.tasks["proj.add"].delay(1, 1).get(timeout=60)
    eventually(lambda: count(deployment, "completed") == 6, "the next is recorded")
    assert sorted(line["i"] for line in records(deployment)[:5]) == sorted(ids)
    failed = records(deployment, outcome="failed")[0]
    assert failed["s"] == "FAILURE" and failed["e"] == ["ValueError", "no"] and "ValueError" in failed["c"]


def test_expired_revoked_and_unknown_tasks_are_recorded_as_failed(deployment):
    deployment.start_worker()
    app = deployment.app()
    late = app.tasks["proj.add"].apply_async((1, 1), expires=-10)
    unknown = app.send_task("no.such.task")
    eventually(lambda: count(deployment, "failed") == 2, "both are recorded")
    states = {line["i"]: (line["s"], line["e"][0]) for line in records(deployment, outcome="failed")}
    assert states[late.id] == ("REVOKED", "TaskRevokedError")
    assert states[unknown.id] == ("FAILURE", "NotRegistered")
    assert count(deployment, "revoked") == 1


def test_a_task_may_keep_no_history(deployment):
    deployment.write_tasks(tasks={"proj.noop": {"history": False}})
    deployment.start_worker()
    app = deployment.app()
    app.send_task("proj.noop").get(timeout=60)
    app.tasks["proj.add"].delay(1, 1).get(timeout=60)
    eventually(lambda: count(deployment, "completed") == 1, "the other is recorded")
    assert [line["n"] for line in records(deployment)] == ["proj.add"]


def test_every_end_is_recorded_once_however_often_workers_are_killed(deployment):
    deployment.write_tasks(worker_dead_after=2)
    app = deployment.app()
    ids = [app.tasks["proj.sleep"].delay(0.01).id for _ in range(300)]
    for number in range(3):
        worker = deployment.start_worker(name=f"victim{number}")
        done = count(deployment, "completed")
        eventually(lambda: count(deployment, "completed") > done + 20, "some have ended")
        worker.kill()
    deployment.start_worker(name="last")
    deployment.expect_empty(timeout=60)
    assert count(deployment, "completed") == 300
    assert sorted(line["i"] for line in records(deployment)) == sorted(ids)
