"""Flower 2.2 sees the worker, its queues and its tasks, and its buttons act."""

import os
import pathlib
import subprocess

import pytest

from deployment import Deployment
from flower_server import Flower
from waiting import eventually
from worker_under_test import start_worker_under_test

NODE = "w1@test"


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A deployment with the worker under test, its events on, and a Flower that knows the worker."""
    with Deployment(tmp_path_factory.mktemp("flower")) as deployment:
        deployment.flower = Flower(deployment)
        deployment.worker = start_worker_under_test(deployment, "-c", "2", "-E", "--without-gossip")
        eventually(lambda: NODE in deployment.flower.get("/api/workers", refresh=1), "Flower knows the worker", 30)
        yield deployment


@pytest.fixture(scope="module")
def flower(watched):
    """The running Flower."""
    return watched.flower


def worker(flower):
    """What Flower knows of the worker, asked anew."""
    return flower.get("/api/workers", refresh=1, workername=NODE)[NODE]


def shown_task(flower, task_id):
    """What Flower knows of a task; None while it knows nothing."""
    status, _ = flower.page(f"/api/task/info/{task_id}")
    return flower.get(f"/api/task/info/{task_id}") if status == 200 else None


def test_the_worker_is_online_with_its_pool_and_queues(watched, flower):
    assert flower.get("/api/workers", status=1) == {NODE: True}
    known = worker(flower)
    assert known["stats"]["pool"]["max-concurrency"] == 2
    assert len(known["stats"]["pool"]["processes"]) == 2
    assert known["stats"]["pid"] == watched.worker.pid
    assert [queue["name"] for queue in known["active_queues"]] == ["celery"]
    assert {"proj.add", "proj.echo", "proj.noop", "proj.sleep"} <= {name.split()[0] for name in known["registered"]}
    assert known["conf"]["broker_url"].endswith("/0")


def test_a_task_applied_by_flower_runs_and_is_shown(flower):
    applied = flower.post("/api/task/async-apply/proj.add", {"args": [20, 22]})
    task_id = applied["task-id"]

    def succeeded():
        known = shown_task(flower, task_id)
        return known if known and known["state"] == "SUCCESS" else None

    known = eventually(succeeded, "Flower shows the task's end", 20)
    assert known["name"] == "proj.add" and known["args"].replace("[", "(").replace("]", ")") == "(20, 22)"
    assert known["result"] == "42" and known["worker"] == NODE
    assert known["received"] <= known["started"] <= known["succeeded"] and known["runtime"] >= 0
    result = flower.get(f"/api/task/result/{task_id}")
    assert (result["state"], result["result"]) == ("SUCCESS", 42)
    assert task_id in flower.get("/api/tasks", taskname="proj.add", workername=NODE)
    assert "proj.add" in flower.get("/api/task/types")["task-types"]


def test_a_failure_is_shown_with_its_exception(watched, flower):
    result = watched.app().tasks["proj.add"].delay("text", None)

    def failed():
        known = shown_task(flower, result.id)
        return known if known and known["state"] == "FAILURE" else None

    known = eventually(failed, "Flower shows the failure", 20)
    assert known["exception"].startswith("TypeError(") and known["failed"]


def test_a_running_task_is_terminated_by_a_button(watched, flower):
    result = watched.app().tasks["proj.sleep"].delay(120)
    eventually(lambda: (shown_task(flower, result.id) or {}).get("state") == "STARTED", "Flower shows it run", 20)
    assert [task["id"] for task in worker(flower)["active"]] == [result.id]
    answer = flower.post(f"/api/task/revoke/{result.id}", terminate="true", signal="SIGKILL")
    assert result.id in answer["message"]
    eventually(lambda: (shown_task(flower, result.id) or {}).get("state") == "REVOKED", "Flower shows it revoked", 20)
    assert result.state == "REVOKED"


def test_the_pool_grows_and_shrinks_by_buttons(flower):
    flower.post(f"/api/worker/pool/grow/{NODE}", n=1)
    eventually(lambda: len(worker(flower)["stats"]["pool"]["processes"]) == 3, "three processes", 20)
    flower.post(f"/api/worker/pool/shrink/{NODE}", n=1)
    eventually(lambda: len(worker(flower)["stats"]["pool"]["processes"]) == 2, "two processes", 20)


def test_autoscaling_that_is_off_is_refused_with_the_reason(flower):
    status, text = flower.page(f"/api/worker/pool/autoscale/{NODE}", "POST", min=1, max=3)
    assert status == 403 and "Autoscale not enabled" in text


def test_consumers_are_added_and_cancelled_by_buttons(flower):
    added = flower.post(f"/api/worker/queue/add-consumer/{NODE}", queue="more")
    assert "add consumer more" in added["message"]
    eventually(lambda: {q["name"] for q in worker(flower)["active_queues"]} == {"celery", "more"}, "two queues", 20)
    cancelled = flower.post(f"/api/worker/queue/cancel-consumer/{NODE}", queue="more")
    assert "no longer consuming from more" in cancelled["message"]
    eventually(lambda: {q["name"] for q in worker(flower)["active_queues"]} == {"celery"}, "one queue", 20)


def test_limits_are_set_by_buttons(flower):
    limited = flower.post("/api/task/rate-limit/proj.noop", workername=NODE, ratelimit="100/m")
    assert limited["message"] == "new rate limit set successfully"
    timed = flower.post("/api/task/timeout/proj.noop", workername=NODE, soft=10, hard=20)
    assert "time limits set successfully" in timed["message"]


def test_the_length_of_queues_is_shown(watched, flower):
    watched.client.lpush("idle", "{}")
    queues = {queue["name"]: queue["messages"] for queue in flower.get("/api/queues/length")["active_queues"]}
    assert queues == {"celery": 0}


@pytest.mark.parametrize("path, expected", [
    ("/workers", NODE), (f"/worker/{NODE}", "Max concurrency"), ("/tasks", "UUID"), ("/broker", "celery"),
    ("/metrics", f'flower_worker_online{{worker="{NODE}"}} 1.0'),
])
def test_every_page_shows_the_worker(flower, path, expected):
    status, text = flower.page(path)
    assert status == 200 and expected in text


def test_a_browser_renders_the_workers(flower, tmp_path):
    picture = pathlib.Path(os.environ.get("SCREENSHOTS", tmp_path)) / "flower-workers.png"
    subprocess.run(
        [
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1400,700",
            "--virtual-time-budget=8000", f"--screenshot={picture}", f"http://127.0.0.1:{flower.port}/workers",
        ],
        check=True, capture_output=True, timeout=90,
    )
    assert picture.stat().st_size > 10_000


def test_the_worker_goes_offline_by_a_button(watched, flower):
    """The last one: it ends the worker."""
    answer = flower.post(f"/api/worker/shutdown/{NODE}")
    assert "Shutting down" in answer["message"]
    assert watched.worker.exit_code(20) == 0
    eventually(lambda: flower.get("/api/workers", status=1).get(NODE) is not True, "Flower shows it offline", 30)
