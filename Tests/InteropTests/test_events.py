"""Events as Celery's own receiver and state understand them, and what they cost when nobody listens."""

import time

import pytest

from event_listener import EventListener
from waiting import PATIENCE, eventually


class Capture(EventListener):
    """Every event about a task, in order."""

    def types(self, uuid):
        """The types of the events about a task, in the order in which they came."""
        return [event["type"] for event in list(self.events) if event.get("uuid") == uuid]


@pytest.fixture
def watched(deployment):
    """A worker with -E, and a receiver."""
    deployment.worker = deployment.start_worker("-E")
    deployment.capture = Capture(deployment.app())
    yield deployment
    deployment.capture.stop()


def test_a_task_goes_through_the_states_of_celerys_monitor(watched):
    app = watched.app()
    result = app.tasks["proj.add"].delay(2, 3)
    assert result.get(timeout=60) == 5
    capture = watched.capture
    eventually(lambda: "task-succeeded" in capture.types(result.id), "the success is told")
    assert capture.types(result.id) == ["task-received", "task-started", "task-succeeded"]
    task = capture.state.tasks[result.id]
    assert (task.name, task.state, task.args, task.result) == ("proj.add", "SUCCESS", "(2, 3)", "5")
    assert task.worker.hostname == "w1@test"
    assert task.runtime >= 0
    assert capture.state.workers["w1@test"].alive


def test_failures_retries_and_revokes_are_told(watched):
    app = watched.app()
    capture = watched.capture
    failed = app.tasks["proj.fail"].delay("boom")
    retried = app.tasks["proj.retry"].delay(1, 0.1)
    late = app.tasks["proj.noop"].apply_async(expires=-1)
    revoked = app.tasks["proj.sleep"].delay(60)
    eventually(lambda: "task-started" in capture.types(revoked.id), "the long task runs")
    revoked.revoke(terminate=True)
    eventually(lambda: "task-failed" in capture.types(failed.id), "the failure is told")
    eventually(lambda: "task-succeeded" in capture.types(retried.id), "the retry is told")
    eventually(lambda: "task-revoked" in capture.types(revoked.id), "the end is told")
    eventually(lambda: "task-revoked" in capture.types(late.id), "the expiry is told")
    assert "ValueError('boom')" == capture.state.tasks[failed.id].exception
    assert "task-retried" in capture.types(retried.id)
    (event,) = [e for e in capture.events if e["type"] == "task-revoked" and e["uuid"] == revoked.id]
    assert (event["terminated"], event["signum"], event["expired"]) == (True, 15, False)
    (event,) = [e for e in capture.events if e["type"] == "task-revoked" and e["uuid"] == late.id]
    assert (event["terminated"], event["expired"]) == (False, True)


def test_the_worker_tells_of_itself_until_it_goes(watched):
    capture = watched.capture
    eventually(lambda: sum(e["type"] == "worker-heartbeat" for e in capture.events) >= 3, "heartbeats come")
    beat = [e for e in capture.events if e["type"] == "worker-heartbeat" and "active" in e][-1]
    assert beat["freq"] == 2.0 and beat["sw_ident"] == "py-celery" and len(beat["loadavg"]) == 3
    watched.worker.terminate()
    eventually(lambda: any(e["type"] == "worker-offline" for e in capture.events), "the end is told")


def test_two_thousand_tasks_are_all_told_in_order(watched):
    app = watched.app()
    results = [app.tasks["proj.noop"].delay() for _ in range(2000)]
    for result in results:
        result.get(timeout=60)
    capture = watched.capture
    ids = {result.id for result in results}
    eventually(
        lambda: sum(e["type"] == "task-succeeded" and e["uuid"] in ids for e in list(capture.events)) == 2000,
        "every success is told", 30,
    )
    for uuid in ids:
        assert capture.types(uuid) == ["task-received", "task-started", "task-succeeded"]


def test_without_the_flag_tasks_are_told_only_after_a_command(deployment):
    deployment.start_worker()
    app = deployment.app()
    capture = Capture(deployment.app())
    quiet = app.tasks["proj.noop"].delay()
    quiet.get(timeout=60)
    assert app.control.enable_events(destination=["w1@test"], reply=True, timeout=PATIENCE)
    loud = app.tasks["proj.noop"].delay()
    eventually(lambda: "task-succeeded" in capture.types(loud.id), "the task is told")
    assert capture.types(quiet.id) == []
    capture.stop()


def test_a_listener_that_comes_to_a_busy_worker_misses_nothing(deployment):
    deployment.start_worker("-E")
    app = deployment.app()
    for result in [app.tasks["proj.noop"].delay() for _ in range(200)]:
        result.get(timeout=60)
    capture = Capture(deployment.app())
    eventually(lambda: capture.events, "the listener hears something")
    first = app.tasks["proj.noop"].delay()
    first.get(timeout=60)
    eventually(lambda: "task-succeeded" in capture.types(first.id), "the first task is told")
    assert capture.types(first.id) == ["task-received", "task-started", "task-succeeded"]
    capture.stop()


def test_events_that_nobody_hears_are_hardly_sent(deployment):
    deployment.start_worker("-E")
    app = deployment.app()
    before = deployment.client.info("commandstats").get("cmdstat_publish", {}).get("calls", 0)
    results = [app.tasks["proj.noop"].delay() for _ in range(500)]
    for result in results:
        result.get(timeout=60)
    calls = deployment.client.info("commandstats")["cmdstat_publish"]["calls"] - before
    # One for each result; heartbeats and a try now and again beside.
    assert calls - 500 < 30


def test_an_idle_worker_sends_fewer_than_two_commands_a_second(deployment):
    deployment.start_worker("-E")
    time.sleep(5)  # The start is over.

    def sent():
        return deployment.client.info("stats")["total_commands_processed"]

    before, began = sent(), time.monotonic()
    time.sleep(12)
    commands = sent() - before - 1
    assert commands / (time.monotonic() - began) < 2


def test_no_heartbeats_where_none_are_wanted(deployment):
    worker = deployment.start_worker("--without-heartbeat", "--without-gossip", "--without-mingle")
    capture = Capture(deployment.app(), wakeup=False)
    time.sleep(2.5)
    assert [event for event in capture.events if event["type"].startswith("worker-")] == []
    assert worker.count_lines("mingle") == 0
    capture.stop()


def test_what_a_task_sends_is_announced(deployment):
    deployment.write_tasks(task_send_sent_event=True)
    deployment.start_worker("-E")
    app = deployment.app()
    capture = Capture(deployment.app())
    steps = app.signature("proj.add", args=(1, 2)) | app.signature("proj.add", args=(3,))
    result = steps.apply_async()
    assert result.get(timeout=60) == 6
    eventually(lambda: "task-sent" in capture.types(result.id), "the second step is announced")
    capture.stop()
