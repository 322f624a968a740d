"""Retries as Celery's clients and messages see them."""

import json
import threading

import pytest

from messages import decode
from waiting import eventually


def test_a_retried_task_succeeds_after_its_retries(app):
    result = app.tasks["proj.retry"].delay(2, 0.2)
    result.get(timeout=60)
    assert result.state == "SUCCESS"


def test_retry_is_stored_between_the_attempts(shared, app):
    states = []
    task_id = "seen-retrying"
    listener = shared.client.pubsub(ignore_subscribe_messages=True)
    listener.subscribe(f"celery-task-meta-{task_id}")
    listener.get_message(timeout=1)

    def listen():
        for message in listener.listen():
            states.append(json.loads(message["data"]))
            if states[-1]["status"] == "SUCCESS":
                return

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    app.tasks["proj.retry"].apply_async((2, 0.2), task_id=task_id).get(timeout=60)
    thread.join(5)
    listener.close()
    assert [state["status"] for state in states] == ["RETRY", "RETRY", "SUCCESS"]
    first = states[0]
    assert first["date_done"] is None
    assert set(first["result"]) == {"exc_type", "exc_message", "exc_module"}
    # As with Celery, the retry counts as sent by the task itself.
    assert first["children"] == [[[task_id, None], None]]


def test_the_client_sees_the_retry_state_while_it_waits(shared, app):
    result = app.tasks["proj.retry"].delay(1, 3)
    eventually(lambda: result.state == "RETRY", "RETRY is stored")
    result.get(timeout=60)


def test_the_attempt_counter_travels_in_the_message(deployment):
    worker = deployment.start_worker()
    app = deployment.app()
    result = app.tasks["proj.retry"].apply_async(
        (1, 60), headers={"x-tenant": "t1"}, priority=6, expires=3600, shadow="shadowed"
    )
    eventually(lambda: result.state == "RETRY", "RETRY is stored")
    worker.terminate()
    # The attempt to come is parked in Redis, so that a stopped worker loses nothing.
    parked = deployment.client.hgetall("celeriac:parked:messages")
    assert len(parked) == 1
    queue, _, item = next(iter(parked.values())).partition("\n")
    message = decode(item)
    headers = message["headers"]
    assert queue == "celery\x06\x166"
    assert headers["retries"] == 1 and headers["id"] == result.id
    assert headers["parent_id"] == result.id and headers["root_id"] == result.id
    assert headers["x-tenant"] == "t1" and headers["shadow"] == "shadowed" and headers["expires"]
    assert headers["eta"].endswith("+00:00")
    assert message["properties"]["priority"] == 6
    assert message["decoded"][0] == [1, 60]


def test_a_parked_retry_is_run_by_another_worker(deployment):
    first = deployment.start_worker(name="first")
    app = deployment.app()
    result = app.tasks["proj.retry"].delay(1, 3)
    eventually(lambda: result.state == "RETRY", "RETRY is stored")
    first.kill()
    deployment.start_worker(name="second")
    result.get(timeout=60)
    deployment.expect_empty()


def test_retries_end_with_the_error_when_they_are_used_up(deployment):
    deployment.write_tasks(tasks={"proj.retry": {"max_retries": 1}})
    worker = deployment.start_worker()
    result = deployment.app().tasks["proj.retry"].delay(5, 0.1)
    with pytest.raises(Exception):
        result.get(timeout=60)
    assert result.state == "FAILURE"
    assert worker.count_lines(rf"proj\.retry\[{result.id}\] received") == 2


def test_autoretry_retries_the_named_errors_only(deployment):
    deployment.write_tasks(
        tasks={
            "proj.fail": {
                "autoretry_for": ["ValueError"], "max_retries": 2, "retry_backoff": 1, "retry_jitter": False,
            },
        }
    )
    worker = deployment.start_worker()
    result = deployment.app().tasks["proj.fail"].delay("again")
    with pytest.raises(ValueError, match="again"):
        result.get(timeout=60)
    assert worker.count_lines(rf"proj\.fail\[{result.id}\] received") == 3
