"""The stored result: what Celery's client reads, field by field."""

import datetime
import json

import pytest

from redis_server import RedisServer
from waiting import eventually


def record(deployment, result, database=0):
    """The stored record of a result, as text and decoded."""
    text = deployment.redis.client(database).get(f"celery-task-meta-{result.id}")
    return text, json.loads(text)


def test_a_success_has_celerys_fields_in_celerys_order(shared, app):
    result = app.tasks["proj.add"].delay(2, 3)
    result.get(timeout=60)
    text, stored = record(shared, result)
    assert list(stored) == ["status", "result", "traceback", "children", "date_done", "task_id"]
    assert stored["status"] == "SUCCESS" and stored["result"] == 5 and stored["task_id"] == result.id
    assert stored["traceback"] is None and stored["children"] == []
    # Python's own layout: other readers compare text.
    assert text.startswith('{"status": "SUCCESS", "result": 5, "traceback": null, "children": [], "date_done": "')


def test_date_done_is_the_moment_of_the_end(app):
    before = datetime.datetime.now(datetime.timezone.utc)
    result = app.tasks["proj.add"].delay(1, 1)
    result.get(timeout=60)
    done = result.date_done
    assert before - datetime.timedelta(seconds=1) <= done <= datetime.datetime.now(datetime.timezone.utc)


def test_a_failure_has_celerys_fields_in_celerys_order(shared, app):
    result = app.tasks["proj.fail"].delay("boom")
    with pytest.raises(ValueError):
        result.get(timeout=60)
    _, stored = record(shared, result)
    assert list(stored) == ["status", "result", "traceback", "children", "date_done", "task_id"]
    assert stored["status"] == "FAILURE"
    assert stored["result"] == {"exc_type": "ValueError", "exc_message": ["boom"], "exc_module": "builtins"}


def test_group_and_parent_stand_where_celery_puts_them(shared, app):
    result = app.tasks["proj.add"].apply_async((1, 1), group_id="g-1", parent_id="p-1", root_id="r-1")
    result.get(timeout=60)
    _, stored = record(shared, result)
    assert list(stored) == ["status", "result", "traceback", "children", "date_done", "group_id", "parent_id", "task_id"]
    assert (stored["group_id"], stored["parent_id"]) == ("g-1", "p-1")


def test_results_expire_after_a_day_by_default(shared, app):
    result = app.tasks["proj.add"].delay(1, 1)
    result.get(timeout=60)
    assert 86_400 - 60 < shared.client.ttl(f"celery-task-meta-{result.id}") <= 86_400


def test_a_stored_success_is_never_overwritten(shared, app):
    key = "celery-task-meta-finished-before"
    success = json.dumps({
        "status": "SUCCESS", "result": "first", "traceback": None, "children": [],
        "date_done": "2024-01-02T03:04:05.678901+00:00", "task_id": "finished-before",
    })
    shared.client.set(key, success, ex=600)
    app.tasks["proj.fail"].apply_async(("second",), task_id="finished-before")
    app.tasks["proj.add"].apply_async((1, 1), task_id="finished-before")
    shared.expect_empty()
    assert shared.client.get(key) == success


def test_result_expires_is_the_time_to_live(deployment):
    deployment.write_tasks(result_expires=77)
    deployment.start_worker()
    result = deployment.app().tasks["proj.add"].delay(1, 1)
    result.get(timeout=60)
    assert 70 < deployment.client.ttl(f"celery-task-meta-{result.id}") <= 77


def test_results_stay_for_good_when_they_shall_not_expire(deployment):
    deployment.write_tasks(result_expires=0)
    deployment.start_worker()
    result = deployment.app().tasks["proj.add"].delay(1, 1)
    result.get(timeout=60)
    assert deployment.client.ttl(f"celery-task-meta-{result.id}") == -1


def test_result_extended_adds_the_request(deployment):
    deployment.write_tasks(result_extended=True)
    deployment.start_worker(name="extended")
    app = deployment.app()
    result = app.tasks["proj.echo"].delay(1, "ı", key=[2])
    result.get(timeout=60)
    _, stored = record(deployment, result)
    assert list(stored) == [
        "status", "result", "traceback", "children", "date_done",
        "name", "args", "kwargs", "worker", "retries", "queue", "task_id",
    ]
    assert (result.name, result.args, result.kwargs) == ("proj.echo", [1, "ı"], {"key": [2]})
    assert (result.worker, result.retries, result.queue) == ("extended@test", 0, "celery")


def test_an_ignored_result_is_not_stored(shared, app):
    ignored = app.tasks["proj.add"].apply_async((1, 1), ignore_result=True)
    shared.expect_empty()
    app.tasks["proj.add"].delay(1, 1).get(timeout=60)
    assert shared.client.get(f"celery-task-meta-{ignored.id}") is None


def test_a_task_configured_to_ignore_its_result_stores_none(deployment):
    deployment.write_tasks(tasks={"proj.add": {"ignore_result": True}})
    deployment.start_worker()
    app = deployment.app()
    # `send_task` leaves the choice to the worker.
    ignored = app.send_task("proj.add", (1, 1))
    app.tasks["proj.noop"].delay().get(timeout=60)
    deployment.expect_empty()
    assert deployment.client.get(f"celery-task-meta-{ignored.id}") is None


def test_errors_of_ignored_results_can_be_stored_all_the_same(deployment):
    deployment.write_tasks(task_store_errors_even_if_ignored=True)
    deployment.start_worker()
    app = deployment.app()
    failed = app.tasks["proj.fail"].apply_async(("kept",), ignore_result=True)
    eventually(lambda: deployment.statuses([failed.id]) == ["FAILURE"], "the failure is stored")


def test_started_is_stored_when_tracked(deployment):
    deployment.write_tasks(task_track_started=True)
    worker = deployment.start_worker(name="tracker")
    result = deployment.app().tasks["proj.sleep"].delay(2)
    eventually(lambda: result.state == "STARTED", "STARTED is stored")
    assert result.info["hostname"] == "tracker@test"
    assert result.info["pid"] in (worker.pid, *worker.children())
    result.get(timeout=60)


def test_started_is_not_stored_by_default(app):
    result = app.tasks["proj.sleep"].delay(0.5)
    seen = set()
    eventually(lambda: seen.add(result.state) or "SUCCESS" in seen, "the task ends")
    assert seen == {"PENDING", "SUCCESS"}


def test_results_may_live_in_another_database(deployment):
    deployment.write_tasks(backend_database=1)
    deployment.start_worker()
    app = deployment.app(backend_database=1)
    result = app.tasks["proj.add"].delay(2, 3)
    assert result.get(timeout=60) == 5
    assert record(deployment, result, database=1)[1]["result"] == 5
    assert deployment.client.get(f"celery-task-meta-{result.id}") is None


def test_results_may_live_on_another_server(deployment, tmp_path):
    other = RedisServer(tmp_path / "results")
    try:
        deployment.write_tasks(result_backend=other.url())
        deployment.start_worker()
        app = deployment.app(result_backend=other.url())
        assert app.tasks["proj.add"].delay(2, 3).get(timeout=60) == 5
        with pytest.raises(ValueError):
            app.tasks["proj.fail"].delay("there").get(timeout=60)
        deployment.expect_empty()
    finally:
        other.kill()


def test_the_configured_timezone_shows_in_date_done(deployment):
    deployment.write_tasks(timezone="Asia/Kolkata")
    deployment.start_worker()
    result = deployment.app(timezone="Asia/Kolkata").tasks["proj.add"].delay(1, 1)
    result.get(timeout=60)
    assert record(deployment, result)[1]["date_done"].endswith("+05:30")


def test_key_prefixes_of_broker_and_results_are_kept(deployment):
    options = {"global_keyprefix": "shop1:"}
    deployment.write_tasks(broker_transport_options=options, result_backend_transport_options={"global_keyprefix": "res1"})
    deployment.start_worker()
    app = deployment.app(
        broker_transport_options=options, result_backend_transport_options={"global_keyprefix": "res1"}
    )
    result = app.tasks["proj.add"].delay(2, 3)
    assert result.get(timeout=60) == 5
    app.tasks["proj.add"].apply_async((1, 1), countdown=1).get(timeout=60)
    keys = set(deployment.client.keys("*"))
    assert f"res1_celery-task-meta-{result.id}" in keys
    assert {key for key in keys if not key.startswith(("shop1:", "res1_"))} == set()


def test_a_worker_without_a_result_backend_runs_tasks(deployment):
    deployment.write_tasks(result_backend="disabled")
    worker = deployment.start_worker()
    app = deployment.app()
    task = app.tasks["proj.add"].delay(1, 1)
    worker.wait_for_line(rf"proj\.add\[{task.id}\] succeeded")
    deployment.expect_empty()
    assert deployment.client.get(f"celery-task-meta-{task.id}") is None
