"""`celeriac call`, `result`, `purge` and `run`."""

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
    assert deployment.app().AsyncResult(task_id).get(timeout=60) == 42


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


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--serializer", "pickle"], "--serializer: expected one of json, yaml, msgpack, got pickle"),
        (["--priority", "300"], "--priority"), (["--priority=-1"], "--priority"), (["--countdown", "nan"], "--countdown"),
        (["--countdown=-5"], "--countdown"), (["--expires", "inf"], "--expires"), (["--eta", "soon"], "--eta"),
    ],
)
def test_call_refuses_values_that_mean_nothing(deployment, arguments, words):
    done = deployment.run("call", "proj.add", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert deployment.client.keys("*") == []


@pytest.mark.parametrize("seconds", ["nan", "inf", "1e300", "-1"])
def test_result_refuses_a_time_that_is_none(deployment, seconds):
    done = deployment.run("result", "x", f"--timeout={seconds}")
    assert done.returncode == 2
    assert "--timeout" in done.stderr


def test_result_is_woken_by_the_task_and_does_not_poll(deployment):
    deployment.start_worker()
    task_id = deployment.run("call", "proj.sleep", "--args", "[3]").stdout.strip()
    waiting = deployment.spawn("--config", deployment.tasks_path, "result", task_id)
    channel = f"celery-task-meta-{task_id}"
    eventually(lambda: deployment.client.pubsub_numsub(channel)[0][1] == 1, "it has subscribed")
    deployment.client.config_resetstat()
    waiting.wait_for_line("^3")
    assert waiting.exit_code() == 0
    # Once a second, for what no channel tells, and once when it is told.
    assert deployment.client.info("commandstats")["cmdstat_get"]["calls"] <= 6


def test_result_finds_what_was_stored_without_a_word(deployment):
    waiting = deployment.spawn("--config", deployment.tasks_path, "result", "silent")
    channel = "celery-task-meta-silent"
    eventually(lambda: deployment.client.pubsub_numsub(channel)[0][1] == 1, "it has subscribed")
    record = {"status": "SUCCESS", "result": 7, "traceback": None, "children": [], "date_done": None, "task_id": "silent"}
    deployment.client.set(channel, json.dumps(record))
    waiting.wait_for_line("^7")
    assert waiting.exit_code() == 0


def test_result_waits_without_the_right_to_subscribe(deployment):
    deployment.client.execute_command("ACL", "SETUSER", "quiet", "on", ">pw", "~*", "resetchannels", "+@all")
    url = deployment.redis.url().replace("redis://", "redis://quiet:pw@")
    waiting = deployment.spawn("-b", url, "--result-backend", url, "result", "told", "--timeout", "60")
    eventually(lambda: "get" in str(deployment.client.info("commandstats")), "it has looked")
    record = {"status": "SUCCESS", "result": 8, "traceback": None, "children": [], "date_done": None, "task_id": "told"}
    deployment.client.set("celery-task-meta-told", json.dumps(record))
    waiting.wait_for_line("^8")
    assert waiting.exit_code() == 0


def test_result_gives_up_when_the_time_is_over(deployment):
    done = deployment.run("result", "nobody", "--timeout", "0.3")
    assert done.returncode == 1
    assert "nobody" in done.stderr


def test_purge_erases_all_but_what_it_is_to_leave(deployment):
    deployment.write_tasks(queues={name: {"pool": "cpu"} for name in ("pdf", "sms", "email")})
    for queue in ("pdf", "sms", "email"):
        deployment.run("call", "proj.add", "--queue", queue, "--priority", "9")
    assert deployment.run("purge").returncode == 1  # nobody said yes
    done = deployment.run("purge", "-f", "-X", "sms,email")
    assert done.stdout == "Purged 1 message(s) from 1 queue(s).\n"
    assert [deployment.waiting(queue) for queue in ("pdf", "sms", "email")] == [0, 1, 1]
    assert deployment.run("purge", "-f", "-Q", "sms,pdf").stdout == "Purged 1 message(s) from 2 queue(s).\n"
    assert deployment.run("purge", "-f", "-Q", "sms").stdout == "No messages purged from 1 queue(s)\n"
    assert deployment.waiting("email") == 1


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
