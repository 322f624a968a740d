"""Tasks that the gateway runs itself where no queue can be reached: rows 002-19 and 002-05 of the users' documents."""

import http.client
import json
import os
import signal
import threading
import time

import pytest

from deployment import Deployment
from gateway import Gateway
from logged_process import is_running
from waiting import PATIENCE, eventually

TOKEN = "an-operators-token-for-tests"
TASKS = {
    "proj.echo": {"sync_fallback": True},
    "proj.sleep": {"sync_fallback": True, "time_limit": 30},
    "proj.spin": {"sync_fallback": True, "time_limit": 1},
    "proj.crash": {"sync_fallback": True},
    "proj.fail": {"sync_fallback": True},
    "proj.retry": {"sync_fallback": True},
}


def start(deployment, *, environment=None, **settings):
    """A gateway that may run the tasks above itself."""
    gateway = {"users": {"app": {"role": "operator", "token": TOKEN}}, "tasks_per_minute": 6000, **settings}
    deployment.write_tasks(tasks=TASKS, gateway=gateway)
    return Gateway(deployment, environment=environment)


def send(gateway, task, path="/api/tasks", **body):
    """Sends a task as the operator."""
    return gateway.request(
        path, method="POST", body={"task": task, **body}, timeout=PATIENCE, Authorization=f"Bearer {TOKEN}"
    )


@pytest.fixture(scope="module")
def off(tmp_path_factory):
    """A gateway whose Redis has been stopped."""
    with Deployment(tmp_path_factory.mktemp("off"), append_only=True) as deployment:
        deployment.gateway = start(deployment, sync={"idle_timeout": 2})
        deployment.redis.stop()
        yield deployment


def test_002_19_without_redis_the_reply_carries_sync_and_data_and_with_it_a_job_id(tmp_path):
    with Deployment(tmp_path, append_only=True) as deployment:
        gateway = start(deployment)
        up = send(gateway, "proj.echo", args=[1])
        assert up.status == 202 and up.json["jobId"] and "sync" not in up.json
        deployment.redis.stop()
        down = eventually(lambda: (answer := send(gateway, "proj.echo", args=[2])).status == 200 and answer, "it runs here")
        assert down.json == {"success": True, "sync": True, "data": {"args": [2], "kwargs": {}}}
        deployment.redis.start()
        again = eventually(
            lambda: (answer := send(gateway, "proj.echo", args=[3])).status == 202 and answer, "queues are used again"
        )
        assert again.json["jobId"] and "sync" not in again.json
        # Nothing that ran here is in the queue as well.
        sent = gateway.process.count_lines(r"Task proj\.echo\[.*\] sent to celery")
        worker = deployment.start_worker()
        deployment.expect_empty()
        assert worker.count_lines(r"Task proj\.echo\[.*\] received") == sent >= 2


def test_002_05_with_queues_off_tasks_run_here(tmp_path):
    with Deployment(tmp_path) as deployment:
        gateway = start(deployment, environment={"QUEUE_ENABLED": "false"})
        answer = send(gateway, "proj.echo", kwargs={"a": "ü"})
        assert answer.status == 200
        assert answer.json == {"success": True, "sync": True, "data": {"args": [], "kwargs": {"a": "ü"}}}
        assert deployment.waiting() == 0
        refused = send(gateway, "proj.noop")
        assert refused.status == 503 and refused.headers["retry-after"] == "2"


def test_a_task_that_may_not_run_here_gets_503(off):
    for body in ({"task": "proj.noop"}, {"task": "proj.echo", "countdown": 5}):
        answer = send(off.gateway, **body)
        assert answer.status == 503 and answer.json["code"] == "unavailable" and answer.headers["retry-after"] == "2"
    answer = send(off.gateway, "proj.echo", path="/api/tasks/bulk", items=[{}])
    assert answer.status == 503


def test_a_failure_is_told_with_its_exception(off):
    answer = send(off.gateway, "proj.fail", args=["no such thing"])
    assert answer.status == 500
    assert answer.json == {
        "success": False, "sync": True, "error": "ValueError: no such thing", "code": "task_failed",
        "exception": {"type": "ValueError", "message": "no such thing"},
    }


def test_a_retry_is_not_made(off):
    answer = send(off.gateway, "proj.retry", args=[1])
    assert answer.status == 500 and answer.json["code"] == "task_failed"


def test_a_hung_task_is_cut_by_its_hard_limit_and_others_go_on(off):
    begin = time.monotonic()
    answer = send(off.gateway, "proj.spin", args=[1000])
    assert answer.status == 500 and answer.json["exception"]["type"] == "TimeLimitExceeded"
    assert time.monotonic() - begin < PATIENCE
    assert send(off.gateway, "proj.echo").status == 200


def test_the_crash_of_a_process_is_told_and_others_go_on(off):
    answer = send(off.gateway, "proj.crash")
    assert answer.status == 500 and answer.json["exception"]["type"] == "WorkerLostError"
    assert send(off.gateway, "proj.echo").status == 200


def test_equal_ids_at_once_run_once(off):
    answers = at_once(4, lambda: send(off.gateway, "proj.sleep", args=[4], id="sleep:1"))
    assert [answer.status for answer in answers] == [200] * 4
    off.gateway.process.wait_for_line(r"Task proj\.sleep\[sleep:1\] ran here")
    assert off.gateway.process.count_lines(r"Task proj\.sleep\[sleep:1\] ran here") == 1


def test_so_many_wait_and_no_more(tmp_path):
    with Deployment(tmp_path) as deployment:
        gateway = start(
            deployment, environment={"QUEUE_ENABLED": "false"}, sync={"processes": 1, "waiting": 1}, shutdown_timeout=1,
        )
        answers = at_once(4, lambda: send(gateway, "proj.sleep", args=[4]))
        assert sorted(answer.status for answer in answers) == [200, 200, 503, 503]
        for busy in (answer for answer in answers if answer.status == 503):
            assert busy.json["code"] == "busy" and busy.headers["retry-after"] == "5"


def at_once(count, ask):
    """What so many threads get that ask at the same time."""
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(ask())) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    return answers


def begin(gateway, task, args):
    """Asks for a task and does not wait for the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=PATIENCE)
    connection.request(
        "POST", "/api/tasks", json.dumps({"task": task, "args": args}),
        {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
    )
    return connection


def test_processes_start_when_they_are_needed_and_end_when_they_are_not(tmp_path):
    with Deployment(tmp_path) as deployment:
        gateway = start(deployment, environment={"QUEUE_ENABLED": "false"}, sync={"idle_timeout": 1})
        assert not gateway.process.children()
        assert send(gateway, "proj.echo").status == 200
        assert gateway.process.children()
        eventually(lambda: not gateway.process.children(), "idle processes end")
        assert send(gateway, "proj.echo").status == 200


def test_a_client_that_goes_ends_nothing_and_term_ends_everything(tmp_path):
    with Deployment(tmp_path) as deployment:
        gateway = start(deployment, environment={"QUEUE_ENABLED": "false"}, shutdown_timeout=1)
        connection = begin(gateway, "proj.sleep", [25])
        children = eventually(gateway.process.children, "the task's process is there")
        gateway.process.wait_for_line(r"No queue can be reached: task proj\.sleep")
        connection.close()
        time.sleep(0.2)
        assert any(is_running(pid) for pid in children)
        os.kill(gateway.process.pid, signal.SIGTERM)
        eventually(lambda: not gateway.process.running, "the gateway ends")
        for pid in children:
            eventually(lambda pid=pid: not is_running(pid), "its processes end with it")


def test_a_program_that_is_not_there_is_said_at_the_start_and_gives_503(tmp_path):
    with Deployment(tmp_path) as deployment:
        gateway = start(deployment, environment={"QUEUE_ENABLED": "false"}, sync={"program": "nowhere/worker"})
        assert "is no program" in gateway.process.text
        answer = send(gateway, "proj.echo")
        assert answer.status == 503 and answer.json["code"] == "unavailable"
