"""What a message asks for wins over what its task and queue say: priority, attempts, backoff."""

import json

import pytest
from gateway import Gateway
from waiting import eventually

TOKEN = "an-operators-token-for-tests"


@pytest.fixture
def system(deployment):
    """A worker whose tasks are never tried again by themselves, and a gateway."""
    deployment.write_tasks(
        tasks={"proj.fail": {"max_retries": 7, "default_retry_delay": 50}},
        gateway={"users": {"app": {"role": "operator", "token": TOKEN}}},
    )
    deployment.worker = deployment.start_worker()
    deployment.gateway = Gateway(deployment)
    return deployment


def post(system, path, body):
    """Asks the gateway as an operator."""
    return system.gateway.request(path, method="POST", body=body, Authorization=f"Bearer {TOKEN}")


def job(system, task):
    """Everything the gateway tells of a job."""
    answer = system.gateway.request(f"/api/v1/admin/jobs/celery/{task}", Authorization=f"Bearer {TOKEN}")
    return answer.json.get("data")


def failed(system, task):
    """The job, once it has failed for good."""
    return eventually(lambda: (found := job(system, task)) and found["state"] == "failed" and found, "it has failed")


def retries(system, task):
    """The delays that the worker's log names for a task."""
    return [line.split("Retry in ")[1].split("s")[0] for line in system.worker.text.splitlines()
            if task in line and "Retry in " in line]


def test_attempts_and_backoff_by_name_win_over_the_tasks_own(system):
    body = {"task": "proj.fail", "attempts": 3, "backoff": {"type": "exponential", "delay": 40}}
    task = post(system, "/api/tasks", body).json["task_id"]
    assert failed(system, task)["attempts"] == 3
    assert retries(system, task) == ["0.04", "0.08"]


def test_they_come_with_a_job_of_a_queue_too(system):
    options = {"attempts": 2, "backoff": {"type": "fixed", "delay": 30}, "priority": 3}
    sent = post(system, "/api/v1/admin/jobs/celery", {"type": "fail", "options": options})
    task = sent.json["jobId"]
    assert failed(system, task)["attempts"] == 2
    assert retries(system, task) == ["0.03"]


def test_one_attempt_is_one(system):
    task = post(system, "/api/tasks", {"task": "proj.fail", "attempts": 1}).json["task_id"]
    assert failed(system, task)["attempts"] == 1
    assert not retries(system, task)


def test_a_python_producer_asks_with_a_header(system):
    header = {"celeriac_retry": {"attempts": 4, "backoff": 10}}
    result = system.app().tasks["proj.fail"].apply_async(headers=header)
    with pytest.raises(ValueError):
        result.get(timeout=60)
    assert retries(system, result.id) == ["0.01"] * 3


def test_a_header_that_makes_no_sense_counts_for_nothing_and_is_said(system):
    result = system.app().tasks["proj.fail"].apply_async(headers={"celeriac_retry": {"attempts": "many"}})
    with pytest.raises(ValueError):
        result.get(timeout=60)
    system.worker.wait_for_line("the header celeriac_retry counts for nothing: attempts: Expected a whole number")
    assert not retries(system, result.id)


def test_celerys_own_worker_passes_the_header_over(deployment):
    deployment.start_celery_worker()
    header = {"celeriac_retry": {"attempts": 4, "backoff": {"type": "exponential", "delay": 10}}}
    app = deployment.app()
    assert app.tasks["proj.add"].apply_async((1, 2), headers=header).get(timeout=60) == 3
    with pytest.raises(ValueError):
        app.tasks["proj.fail"].apply_async(headers=header).get(timeout=60)


def test_every_attempt_is_there_to_see(system):
    result = system.app().tasks["proj.retry"].apply_async((2, 0.05))
    assert result.get(timeout=60) == {"retries": 2}
    found = eventually(
        lambda: (shown := job(system, result.id)) and shown["state"] == "completed" and shown, "it is in the history"
    )
    log = found["attemptsLog"]
    assert [(entry["attempt"], entry["outcome"]) for entry in log] == [(1, "RETRY"), (2, "RETRY"), (3, "SUCCESS")]
    assert {entry["worker"] for entry in log} == {"w1@test"}
    for entry in log:
        assert entry["runtime"] >= 0 and entry["processedOn"] <= entry["finishedOn"]
    assert [entry["finishedOn"] for entry in log] == sorted(entry["finishedOn"] for entry in log)
    assert log[0]["error"] == {"type": "RuntimeError", "message": "failed on purpose, run 1 of 3"}
    assert "error" not in log[2]


def test_attempts_are_there_while_a_job_waits_for_its_next_one(system):
    result = system.app().tasks["proj.retry"].apply_async((3, 0), headers={"celeriac_retry": {"attempts": 2}})
    with pytest.raises(RuntimeError):
        result.get(timeout=60)
    header = {"celeriac_retry": {"attempts": 5, "backoff": 600_000}}
    waiting = system.app().tasks["proj.fail"].apply_async(headers=header)
    found = eventually(
        lambda: (shown := job(system, waiting.id)) and shown["state"] == "delayed" and shown, "it is parked"
    )
    (entry,) = found["attemptsLog"]
    assert (entry["attempt"], entry["outcome"], entry["error"]["type"]) == (1, "RETRY", "ValueError")


def test_only_the_newest_twenty_attempts_are_kept(system):
    task = post(system, "/api/tasks", {"task": "proj.fail", "attempts": 30, "backoff": 0}).json["task_id"]
    log = failed(system, task)["attemptsLog"]
    assert [entry["attempt"] for entry in log] == list(range(10, 31))
    assert log[-1]["outcome"] == "FAILURE"


def test_a_task_that_is_not_tried_again_carries_nothing(system):
    result = system.app().tasks["proj.add"].delay(1, 2)
    assert result.get(timeout=60) == 3
    found = eventually(
        lambda: (shown := job(system, result.id)) and shown["state"] == "completed" and shown, "it is in the history"
    )
    assert [entry["attempt"] for entry in found["attemptsLog"]] == [1]
    assert "celeriac_attempts" not in json.dumps(found)
