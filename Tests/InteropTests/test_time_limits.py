"""Soft and hard time limits hold, for handlers that do not cooperate too."""

import json
import threading
import time

import pytest
from billiard.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded

from waiting import eventually

TASKS_FILE = {"task_track_started": True}


def started_then_done(deployment, app, task, arguments, **options):
    """Runs a task and returns its last record and the seconds between STARTED and its end, by Redis' messages."""
    task_id = f"timed-{task}-{sorted(options.items())}"
    listener = deployment.client.pubsub(ignore_subscribe_messages=True)
    listener.subscribe(f"celery-task-meta-{task_id}")
    listener.get_message(timeout=1)
    seen = []

    def listen():
        for message in listener.listen():
            record = json.loads(message["data"])
            seen.append((time.monotonic(), record))
            if record["status"] in ("SUCCESS", "FAILURE", "REVOKED"):
                return

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    app.tasks[task].apply_async(arguments, task_id=task_id, **options)
    thread.join(30)
    listener.close()
    assert [record["status"] for _, record in seen][0] == "STARTED"
    return seen[-1][1], seen[-1][0] - seen[0][0]


def test_the_hard_limit_of_the_message_stops_a_spinning_task_in_time(shared, app):
    record, seconds = started_then_done(shared, app, "proj.spin", (60,), time_limit=1)
    assert record["status"] == "FAILURE"
    assert record["result"] == {
        "exc_type": "TimeLimitExceeded", "exc_message": [1], "exc_module": "billiard.exceptions",
    }
    # 0.2 s is the promise on an idle machine; a busy one gets a second.
    assert 0.9 <= seconds <= 2.0


def test_the_hard_limit_re_raises_as_celerys_own_class(app):
    result = app.tasks["proj.spin"].apply_async((60,), time_limit=1)
    with pytest.raises(TimeLimitExceeded):
        result.get(timeout=60)
    assert result.traceback is None


def test_the_soft_limit_cancels_a_cooperating_task(shared, app):
    record, seconds = started_then_done(shared, app, "proj.sleep", (60,), soft_time_limit=1, time_limit=30)
    assert record["status"] == "FAILURE" and record["result"]["exc_type"] == "SoftTimeLimitExceeded"
    assert 0.9 <= seconds <= 2.0


def test_the_soft_limit_re_raises_as_celerys_own_class(app):
    with pytest.raises(SoftTimeLimitExceeded):
        app.tasks["proj.sleep"].apply_async((60,), soft_time_limit=1).get(timeout=60)


def test_a_task_deaf_to_the_soft_limit_is_stopped_by_the_hard_one(shared, app):
    record, seconds = started_then_done(shared, app, "proj.spin", (60,), soft_time_limit=1, time_limit=2)
    assert record["result"]["exc_type"] == "TimeLimitExceeded"
    assert 1.9 <= seconds <= 3.0


def test_neighbours_of_a_killed_task_finish(deployment):
    deployment.write_tasks(pools={"io": {"processes": 1, "slots": 4}}, queues={"celery": {"pool": "io"}})
    deployment.start_worker()
    app = deployment.app()
    neighbours = [app.tasks["proj.sleep"].delay(10) for _ in range(2)]
    spinning = app.tasks["proj.spin"].apply_async((60,), time_limit=1)
    with pytest.raises(TimeLimitExceeded):
        spinning.get(timeout=60)
    # The process of the spinning task takes no new work, but its replacement does, at once.
    assert app.tasks["proj.add"].delay(1, 1).get(timeout=60) == 2
    assert not any(result.ready() for result in neighbours)
    assert [result.get(timeout=60) for result in neighbours] == [10, 10]


def test_neighbours_in_other_processes_do_not_notice_a_kill(deployment):
    deployment.write_tasks(pools={"cpu": {"processes": 3, "slots": 1}}, queues={"celery": {"pool": "cpu"}})
    worker = deployment.start_worker()
    app = deployment.app()
    neighbours = [app.tasks["proj.sleep"].delay(3) for _ in range(2)]
    spinning = app.tasks["proj.spin"].apply_async((60,), time_limit=1)
    with pytest.raises(TimeLimitExceeded):
        spinning.get(timeout=60)
    assert [result.get(timeout=60) for result in neighbours] == [3, 3]
    # The replacement is there: three processes again.
    eventually(lambda: len(worker.children()) == 3, "three pool processes run")


def test_a_task_within_its_limits_is_left_alone(app):
    result = app.tasks["proj.sleep"].apply_async((1,), soft_time_limit=5, time_limit=6)
    assert result.get(timeout=60) == 1


def test_the_limits_of_the_task_hold_when_the_message_has_none(deployment):
    deployment.write_tasks(tasks={"proj.spin": {"time_limit": 1}})
    deployment.start_worker()
    with pytest.raises(TimeLimitExceeded):
        deployment.app().tasks["proj.spin"].delay(60).get(timeout=60)


def test_the_message_beats_the_task_and_the_task_beats_the_default(deployment):
    deployment.write_tasks(task_time_limit=2, tasks={"proj.sleep": {"time_limit": 20}})
    deployment.start_worker()
    app = deployment.app()
    # The task's 20 s beat the default's 2 s ...
    patient = app.tasks["proj.sleep"].delay(3.5)
    # ... the message's second beats both, and what says nothing gets the default.
    strict = app.tasks["proj.sleep"].apply_async((30,), time_limit=1)
    with pytest.raises(TimeLimitExceeded):
        strict.get(timeout=60)
    with pytest.raises(TimeLimitExceeded):
        app.tasks["proj.spin"].delay(60).get(timeout=60)
    assert patient.get(timeout=60) == 3.5


def test_the_command_lines_limit_is_the_default(deployment):
    deployment.start_worker("--time-limit", "1")
    with pytest.raises(TimeLimitExceeded):
        deployment.app().tasks["proj.spin"].delay(60).get(timeout=60)


def test_a_hard_limit_leaves_nothing_held(shared, app):
    app.tasks["proj.spin"].apply_async((60,), time_limit=1).get(timeout=60, propagate=False)
    shared.expect_empty()
