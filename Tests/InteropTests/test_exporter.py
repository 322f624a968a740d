"""Events as exporters of metrics read them: by Celery's receiver and state, beside those of a real Celery worker."""

import collections
import re
import time

import pytest

from deployment import Deployment
from event_listener import EventListener
from shapes import differences
from waiting import eventually
from worker_under_test import start_worker_under_test

OURS, THEIRS = "w1@test", "python@test"
QUEUES = {OURS: "celery", THEIRS: "python"}


class Exporter(EventListener):
    """Counts what celery-exporter counts, from every event and Celery's own state of the cluster."""

    def __init__(self, app):
        self.counts = collections.Counter()
        self.runtimes = collections.defaultdict(list)
        super().__init__(app)

    def note(self, event):
        kind = event["type"]
        if kind.startswith("task-"):
            task = self.state.tasks[event["uuid"]]
            labels = (kind, task.name, task.hostname)
            if kind == "task-failed":
                labels += (re.match(r"\w+", task.exception)[0],)
            self.counts[labels] += 1
            if kind == "task-succeeded":
                self.runtimes[task.hostname].append(task.runtime)

    def of(self, node, kind):
        """The events of one kind from one node."""
        return [event for event in list(self.events) if event["hostname"] == node and event["type"] == kind]


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """The worker under test and a real Celery worker, both with -E, and an exporter that listened before either."""
    with Deployment(tmp_path_factory.mktemp("exporter")) as deployment:
        deployment.exporter = Exporter(deployment.app())
        deployment.ours = start_worker_under_test(deployment, "-c", "1", "-Q", QUEUES[OURS], "-E")
        deployment.theirs = deployment.start_celery_worker("-c", "1", "-Q", QUEUES[THEIRS], "-E")
        yield deployment
        deployment.exporter.stop()


@pytest.fixture(scope="module")
def exporter(watched):
    """The listening exporter."""
    return watched.exporter


@pytest.fixture(scope="module")
def app(watched):
    """An application that calls tasks on either worker."""
    return watched.app()


def call_both(app, name, *args, **options):
    """Calls one task on each worker and returns the ids by node."""
    return {node: app.tasks[name].apply_async(args, queue=queue, **options).id for node, queue in QUEUES.items()}


def events_about(exporter, node, task_id, last):
    """All events of a node about a task, once the `last` kind has come."""

    def found():
        events = [event for event in list(exporter.events) if event.get("uuid") == task_id and event["hostname"] == node]
        return events if any(event["type"] == last for event in events) else None

    return eventually(found, f"{last} from {node}", 20)


@pytest.mark.parametrize("kind", ["worker-online", "worker-heartbeat"])
def test_worker_events_have_celerys_fields(exporter, kind):
    ours, theirs = [eventually(lambda node=node: exporter.of(node, kind), f"{kind} of {node}") for node in QUEUES]
    assert differences(ours[0], theirs[0]) == []
    assert ours[0]["freq"] == theirs[0]["freq"]
    assert len(ours[0]["loadavg"]) == 3


def test_heartbeats_come_every_two_seconds_and_keep_the_worker_alive(exporter):
    known = len(exporter.of(OURS, "worker-heartbeat"))
    beats = eventually(
        lambda: len(exporter.of(OURS, "worker-heartbeat")) >= known + 3 and exporter.of(OURS, "worker-heartbeat"),
        "three more heartbeats",
    )
    pauses = [later["timestamp"] - earlier["timestamp"] for earlier, later in zip(beats[-3:], beats[-2:])]
    assert all(1.0 < pause < 4.0 for pause in pauses), pauses
    assert exporter.state.workers[OURS].alive and exporter.state.workers[OURS].status_string == "ONLINE"


def test_a_success_is_told_in_celerys_events(app, exporter):
    ids = call_both(app, "proj.add", 20, 22)
    ours, theirs = [events_about(exporter, node, ids[node], "task-succeeded") for node in QUEUES]
    assert [event["type"] for event in ours] == [event["type"] for event in theirs]
    assert [event["type"] for event in ours] == ["task-received", "task-started", "task-succeeded"]
    for our_event, their_event in zip(ours, theirs):
        assert differences(our_event, their_event) == []
    same = ("name", "args", "kwargs", "retries", "eta", "expires", "parent_id", "utcoffset")
    assert {key: ours[0][key] for key in same} == {key: theirs[0][key] for key in same}
    assert ours[2]["result"] == theirs[2]["result"] == "42"
    assert [event["clock"] for event in ours] == sorted(event["clock"] for event in ours)
    assert all(abs(event["timestamp"] - time.time()) < 60 for event in ours)


def test_a_failure_is_told_with_its_exception(app, exporter):
    ids = call_both(app, "proj.add", "text", None)
    ours, theirs = [events_about(exporter, node, ids[node], "task-failed") for node in QUEUES]
    assert [event["type"] for event in ours] == [event["type"] for event in theirs]
    assert differences(ours[-1], theirs[-1]) == []
    assert ours[-1]["exception"].startswith("TypeError(")
    assert exporter.counts[("task-failed", "proj.add", OURS, "TypeError")] == 1


def test_an_eta_and_an_expiry_stand_in_the_event(app, exporter):
    ids = call_both(app, "proj.noop", countdown=1, expires=600)
    ours, theirs = [events_about(exporter, node, ids[node], "task-succeeded") for node in QUEUES]
    received, expected = [
        next(event for event in events if event["type"] == "task-received") for events in (ours, theirs)
    ]
    assert differences(received, expected) == []
    for field in ("eta", "expires"):
        assert re.sub(r"\d", "0", received[field]) == re.sub(r"\d", "0", expected[field])


def test_a_revoked_task_is_told_with_the_reason(app, exporter):
    ids = call_both(app, "proj.noop", countdown=3)
    for node in QUEUES:
        events_about(exporter, node, ids[node], "task-received")
    app.control.revoke(list(ids.values()))
    ours, theirs = [events_about(exporter, node, ids[node], "task-revoked") for node in QUEUES]
    assert differences(ours[-1], theirs[-1]) == []
    assert {key: ours[-1][key] for key in ("terminated", "signum", "expired")} == {
        "terminated": False, "signum": None, "expired": False
    }


def test_a_thousand_tasks_are_all_counted(app, exporter):
    before = collections.Counter(exporter.counts)
    for _ in range(1000):
        app.tasks["proj.echo"].apply_async((1,), queue=QUEUES[OURS], ignore_result=True)
    kinds = ("task-received", "task-started", "task-succeeded")

    def counted():
        return all(exporter.counts[(k, "proj.echo", OURS)] - before[(k, "proj.echo", OURS)] == 1000 for k in kinds)

    eventually(counted, "every task is counted in each of its states", 60)
    assert all(0 <= runtime < 10 for runtime in exporter.runtimes[OURS])
    eventually(
        lambda: exporter.of(OURS, "worker-heartbeat")[-1]["processed"] >= 1000, "heartbeats count them too", 10
    )


def test_a_worker_that_stops_says_so(watched, exporter):
    """The last one: it ends both workers."""
    for worker in (watched.ours, watched.theirs):
        assert worker.terminate() == 0
    ours, theirs = [eventually(lambda node=node: exporter.of(node, "worker-offline"), node) for node in QUEUES]
    assert differences(ours[0], theirs[0]) == []
