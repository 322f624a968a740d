"""`celeriac call`, `result` and `run`."""

import json

import pytest

from messages import decode
from waiting import eventually


def test_call_sends_a_task_and_result_prints_its_value(deployment):
    deployment.start_worker()
    called = deployment.run("call", "proj.add", "--args", "[2, 3]")
    assert called.returncode == 0, called.stderr
    task_id = called.stdout.strip()
    done = deployment.run("result", task_id)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == 5


def test_call_writes_what_a_celery_producer_would(deployment):
    app = deployment.app()
    theirs = app.tasks["proj.echo"].delay(1, "ı", key=[True])
    celery_item = deployment.client.rpop("celery")
    ours = deployment.run("call", "proj.echo", "-a", '[1, "ı"]', "-k", '{"key": [true]}').stdout.strip()
    item = deployment.client.rpop("celery")
    expected, written = decode(celery_item), decode(item)
    assert theirs.id != ours == written["headers"]["id"]
    assert list(written) == list(expected)
    assert list(written["headers"]) == list(expected["headers"])
    assert list(written["properties"]) == list(expected["properties"])
    assert written["decoded"] == expected["decoded"]
    for name in ("lang", "task", "eta", "expires", "retries", "timelimit", "argsrepr", "kwargsrepr", "stamps"):
        assert written["headers"][name] == expected["headers"][name], name
    assert written["properties"]["delivery_info"] == expected["properties"]["delivery_info"]
    # A Celery worker would find the queue bound.
    assert deployment.client.sismember("_kombu.binding.celery", "celery\x06\x16\x06\x16celery")


def test_a_called_task_is_run_by_a_real_celery_worker(deployment):
    deployment.start_celery_worker("--without-gossip", "--without-mingle")
    task_id = deployment.run("call", "proj.add", "--args", "[20, 22]").stdout.strip()
    assert deployment.app().AsyncResult(task_id).get(timeout=20) == 42


def test_call_takes_celerys_options(deployment):
    task_id = deployment.run(
        "call", "proj.add", "--args", "[1, 1]", "--queue", "later", "--countdown", "60", "--expires", "3600"
    ).stdout.strip()
    message = decode(deployment.client.rpop("later"))
    assert message["headers"]["id"] == task_id
    assert message["headers"]["eta"] and message["headers"]["expires"]


def test_call_refuses_arguments_that_are_no_json(deployment):
    done = deployment.run("call", "proj.add", "--args", "[1,")
    assert done.returncode == 2
    assert deployment.waiting() == 0


def test_result_of_a_failed_task_tells_the_error(deployment):
    deployment.start_worker()
    task_id = deployment.run("call", "proj.fail", "--args", '["boom"]').stdout.strip()
    eventually(lambda: deployment.statuses([task_id]) == ["FAILURE"], "it has failed")
    done = deployment.run("result", task_id)
    assert done.returncode == 1
    assert "ValueError" in done.stdout + done.stderr and "boom" in done.stdout + done.stderr


def test_run_runs_a_task_in_the_foreground_and_prints_json(deployment):
    done = deployment.run("run", "proj.add", "--args", "[2, 3]")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == 5
    assert deployment.client.keys("*") == []


def test_run_needs_no_redis(deployment):
    deployment.redis.kill()
    done = deployment.run("run", "proj.echo", "--kwargs", '{"key": "değer"}')
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"args": [], "kwargs": {"key": "değer"}}


@pytest.mark.parametrize(
    ("task", "arguments", "words"),
    [("proj.fail", '["boom"]', ["ValueError", "boom"]), ("proj.sleep", '["x"]', ["TypeError", "seconds"])],
)
def test_run_of_a_failing_task_ends_with_1_and_the_error(deployment, task, arguments, words):
    done = deployment.run("run", task, "--args", arguments)
    assert done.returncode == 1
    assert all(word in done.stderr + done.stdout for word in words)


def test_run_of_an_unknown_task_names_it(deployment):
    done = deployment.run("run", "proj.nothing")
    assert done.returncode in (1, 2)
    assert "proj.nothing" in done.stderr + done.stdout
