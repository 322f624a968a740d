"""A run that reports nothing for long is told of before its limit ends it."""

import json

from event_listener import EventListener
from gateway import Gateway
from waiting import PATIENCE, eventually
from worker_metrics import port_of, samples

TOKEN = "an-administrators-token-for-tests"


def stalled_lines(worker):
    """The warnings about stalled runs."""
    return [line for line in worker.text.splitlines() if " stalled: " in line]


def test_a_hung_handler_is_told_of_before_its_hard_limit(deployment):
    deployment.write_tasks(
        tasks={"proj.sleep": {"time_limit": 15, "stalled_after": 1}},
        gateway={"users": {"root": {"role": "admin", "token": TOKEN}}},
    )
    worker = deployment.start_worker("-E", "--metrics", "0")
    gateway = Gateway(deployment)
    app = deployment.app()
    listener = EventListener(app)
    result = app.tasks["proj.sleep"].delay(300)
    worker.wait_for_line(r"proj\.sleep\[.*\] stalled: no progress for \d\.\ds; its time limit ends it in \d+\.\ds")
    assert result.state != "FAILURE"
    (event,) = eventually(lambda: [e for e in listener.events if e["type"] == "task-stalled"], "the event comes")
    assert event["uuid"] == result.id and event["time_limit"] == 15 and event["silent_for"] >= 1
    port = port_of(worker)
    total = ("celeriac_tasks_stalled_total", frozenset({("queue", "celery"), ("task", "proj.sleep")}))
    found = samples(port)
    assert found[total] == 1 and found[("celeriac_tasks_stalled", frozenset())] == 1
    (task,) = app.control.inspect(destination=["w1@test"], timeout=PATIENCE).active()["w1@test"]
    assert task["stalled_since"] > task["time_start"]
    why = gateway.request(f"/api/tasks/{result.id}/why", Authorization=f"Bearer {TOKEN}").json
    assert "stalled" in json.dumps(why)
    eventually(lambda: result.state == "FAILURE", "its hard limit ends it")
    assert len(stalled_lines(worker)) == 1
    found = samples(port)
    assert found[total] == 1 and found[("celeriac_tasks_stalled", frozenset())] == 0
    # Celery's receiver took the event as any other, and the end after it.
    eventually(lambda: listener.state.tasks[result.id].state == "FAILURE", "Celery's monitor sees the end")
    listener.stop()


def test_a_task_that_reports_its_progress_is_not_stalled(deployment):
    deployment.write_tasks(tasks={
        "proj.progress": {"stalled_after": 3},
        "proj.slow": {"handler": "debug.progress", "stalled_after": 0.5},
    })
    worker = deployment.start_worker()
    app = deployment.app()
    assert app.tasks["proj.progress"].delay(10, 0.4).get(timeout=60) == {"steps": 10}
    assert not stalled_lines(worker)
    assert app.send_task("proj.slow", (2, 2)).get(timeout=60) == {"steps": 2}
    assert len(stalled_lines(worker)) == 2
    worker.wait_for_line(r"proj\.slow\[.*\] reports progress again")


def test_the_limits_say_when_nothing_else_does(deployment):
    deployment.write_tasks(tasks={
        "proj.sleep": {"soft_time_limit": 1, "time_limit": 30},
        "proj.spin": {"time_limit": 2},
        "proj.quiet": {"handler": "debug.sleep", "time_limit": 2, "stalled_after": 0},
        "proj.free": {"handler": "debug.sleep"},
    })
    worker = deployment.start_worker("-c", "4")
    app = deployment.app()
    quiet = app.send_task("proj.quiet", (60,))
    free = app.send_task("proj.free", (3,))
    spun = app.tasks["proj.spin"].delay(60)
    eventually(lambda: spun.state == quiet.state == "FAILURE", "both reach their hard limits")
    assert free.get(timeout=60) == 3
    (line,) = stalled_lines(worker)
    assert f"proj.spin[{spun.id}] stalled: no progress for " in line
