"""Tasks that failed for good are kept with their exact messages."""

import json

import pytest

from gateway import Gateway
from producer import fail
from waiting import eventually

TOKEN = "an-admins-token-for-tests"
LETTERS = "/api/v1/admin/dead-letters"


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


@pytest.fixture
def gateway(deployment):
    deployment.write_tasks(gateway={"users": {"admin": {"role": "admin", "token": TOKEN}}})
    return Gateway(deployment)


def ask(gateway, path="", body=None):
    answer = gateway.request(
        LETTERS + path, method="GET" if body is None else "POST", body=body, Authorization=f"Bearer {TOKEN}"
    )
    assert answer.status == 200, answer.text
    return answer


def test_letters_are_grouped_listed_and_exported_over_http(deployment, gateway):
    """001-31"""
    app = deployment.app()
    results = [app.tasks["proj.fail"].apply_async((f"no {n}",), headers={"tenant_id": "t-1"}) for n in range(3)]
    sent = deployment.redis.client(raw=True).lrange("celery", 0, -1)
    deployment.start_worker()
    for result in results:
        result.get(timeout=60, propagate=False)
    unknown = app.send_task("proj.nowhere").id
    eventually(lambda: ask(gateway).json["total"] == 4, "all are kept")
    groups = ask(gateway, "/groups").json["data"]
    assert [(group["task"], group["count"]) for group in groups] == [("proj.nowhere", 1), ("proj.fail", 3)]
    kind = groups[1]["fingerprint"]
    page = ask(gateway, f"?fingerprint={kind}&start=0&end=1").json
    assert page["total"] == 3 and len(page["data"]) == 2
    first = ask(gateway, f"/{results[0].id}").json["data"]
    assert first["args"] == '["no 0"]' and first["tenant"] == "t-1" and first["exception"] == "ValueError"
    assert first["queue"] == "celery" and first["attempts"] == 1 and first["bytes"] == len(sent[-1])
    lines = [json.loads(line) for line in ask(gateway, f"/export?fingerprint={kind}").text.splitlines()]
    assert {line["item"].encode() for line in lines} == set(sent)
    assert unknown not in {line["id"] for line in lines}


def test_letters_are_sent_back_and_deleted_over_http(deployment, gateway):
    deployment.start_worker()
    app = deployment.app()
    ids = fail(app, *(f"no {number}" for number in range(6)))
    eventually(lambda: ask(gateway).json["total"] == 6, "all are kept")
    assert ask(gateway, "/redrive", {"ids": ids[:1]}).json["data"] == {"count": 1}
    again = eventually(lambda: (found := ask(gateway, f"?search={ids[0]}").json["data"]) and found[0], "it failed again")
    assert again["failures"] == 1 and app.AsyncResult(ids[0]).state == "FAILURE"
    # Spaced out: parked, each with its own moment, a tenth of a second apart.
    paced = {"filter": {"task": "proj.fail"}, "limit": 4, "per_second": 10}
    deployment.client.sadd("celeriac:paused", "celery")
    assert ask(gateway, "/redrive", paced).json["data"] == {"count": 4}
    due = [score for _, score in deployment.client.zrange("celeriac:parked", 0, -1, withscores=True)]
    assert len(due) == 4 and all(0.09 < later - earlier < 0.11 for earlier, later in zip(due, due[1:]))
    assert ask(gateway, "/delete", {"filter": {}}).json["data"] == {"count": 2}
    assert ask(gateway).json["total"] == 0
