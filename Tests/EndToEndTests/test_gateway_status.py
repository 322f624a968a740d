"""The status route of document 003 over the built gateway: what front ends that poll, wait or follow see."""

import json
import threading
import time

import pytest
from billiard.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded, WorkerLostError
from celery.exceptions import NotRegistered, Reject, TaskRevokedError
from celery.result import AsyncResult

import office
from deployment import Deployment
from gateway import Gateway, as_fastapi_writes, document_003_status
from waiting import eventually


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    """The office's worker and a gateway beside it."""
    with Deployment(tmp_path_factory.mktemp("office")) as deployment:
        office.make_database(deployment.directory / "office.db")
        content = office.tasks_content(deployment.directory)
        content["queues"]["celery"] = {"pool": next(iter(content["pools"]))}
        deployment.write_tasks(**content)
        deployment.gateway = Gateway(deployment)
        deployment.worker = deployment.start_worker()
        yield deployment


@pytest.fixture(scope="module")
def gateway(system):
    """The gateway."""
    return system.gateway


@pytest.fixture(scope="module")
def office_app(system):
    """The office's Celery application."""
    app = office.make_app(system.redis.url(), system.redis.url())
    yield app
    app.close()


@pytest.fixture(scope="module")
def proj(system):
    """A Celery application with the tasks for trying things out."""
    return system.app()


class Published:
    """When each state of a task was published, by a subscriber of its own."""

    def __init__(self, client, id):
        self.times = {}
        self._pubsub = client.pubsub(ignore_subscribe_messages=True)
        self._pubsub.subscribe(f"celery-task-meta-{id}")
        self._pubsub.get_message(timeout=1)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self):
        for message in self._pubsub.listen():
            state = json.loads(message["data"])["status"]
            self.times.setdefault(state, time.time())
            if state in ("SUCCESS", "FAILURE"):
                return

    def wait(self):
        """Waits for the end of the task."""
        self._thread.join(30)
        self._pubsub.close()


def test_a_front_end_that_polls_sees_0_to_100_for_generate_bulk_pdfs(office_app, gateway):
    name = "backend.tasks.pdf_tasks.generate_bulk_pdfs"
    task = office_app.tasks[name].delay(mutabakat_ids=[1, 2, 3, 3, 3, 3])
    seen = []
    end = time.monotonic() + 30
    while time.monotonic() < end:
        progress = gateway.status(task.id)
        seen.append(progress)
        if progress["state"] == "SUCCESS":
            break
        time.sleep(0.01)
    assert (seen[-1]["current"], seen[-1]["total"], seen[-1]["status"]) == (100, 100, "Tamamlandı")
    assert seen[-1]["result"]["succeeded"] == 3
    # Every body has what the front end prints, and the bar never goes back.
    shares = [body["current"] / body["total"] for body in seen]
    assert shares == sorted(shares) and shares[-1] == 1
    states = [body["state"] for body in seen]
    assert "PROGRESS" in states, states
    steps = [body["status"] for body in seen if body["state"] == "PROGRESS"]
    assert any("hazır" in step for step in steps), steps


def test_the_final_event_comes_within_200_ms_of_the_stored_result(system, office_app, gateway):
    name = "backend.tasks.pdf_tasks.generate_bulk_pdfs"
    for number in range(5):
        id = f"bulk-{number}"
        published = Published(system.redis.client(), id)
        reader = gateway.follow(id)
        office_app.tasks[name].apply_async(kwargs={"mutabakat_ids": [1, 2]}, task_id=id)
        reader.wait()
        published.wait()
        came, kind, _ = reader.events[-1]
        assert kind == "end"
        assert reader.statuses[0]["state"] == "PENDING"
        assert reader.statuses[-1]["state"] == "SUCCESS"
        assert came - published.times["SUCCESS"] < 0.2


def test_a_long_poll_returns_with_the_next_state(proj, gateway):
    task = proj.tasks["proj.progress"].apply_async((3, 0.3), countdown=1)
    first = gateway.request(f"/api/tasks/{task.id}/status")
    assert first.json["state"] == "PENDING" and first.headers["retry-after"] == "1"
    seen = [first.json["state"]]
    tag = first.headers["etag"]
    while seen[-1] != "SUCCESS":
        answer = gateway.request(f"/api/tasks/{task.id}/status?wait=20", If_None_Match=tag)
        assert answer.status == 200
        assert answer.headers["etag"] != tag
        tag = answer.headers["etag"]
        seen.append(answer.json["state"])
    assert "PROGRESS" in seen and len(seen) <= 12
    assert gateway.request(f"/api/tasks/{task.id}/status", If_None_Match=tag).status == 304


def test_where_a_task_is_while_it_waits_runs_and_is_parked(system, proj, gateway):
    blockers = [proj.tasks["proj.sleep"].apply_async((1.5,), queue="celery") for _ in range(2)]
    eventually(lambda: system.held() >= 2, "both slots are taken")
    tasks = [proj.tasks["proj.noop"].delay() for _ in range(8)]
    later = proj.tasks["proj.noop"].apply_async(countdown=600)

    def place(task):
        return gateway.status(task.id, "?strict=1")

    held = eventually(lambda: (body := place(blockers[0]))["known"] and body, "the running task is found")
    assert held["queue"] == "celery" and held["attempt"] == 1 and "position" not in held
    waiting = place(tasks[-1])
    assert waiting["queue"] == "celery" and waiting["position"] >= 1 and waiting["attempt"] == 1
    parked = eventually(lambda: (body := place(later)).get("eta") and body, "the later task is parked")
    assert parked["queue"] == "celery" and parked["known"] is True
    for task in blockers + tasks:
        task.get(timeout=60)
    unknown = gateway.request("/api/tasks/never-sent/status?strict=1")
    assert unknown.status == 404
    assert gateway.request("/api/tasks/never-sent/status").json.get("known") is not True


STORED = [
    ("SUCCESS", {"ok": True, "n": 2**70, "text": "Çğı \"x\" \u0001", "nested": [1, 2.5, None, -0.0, 1e300]}),
    ("SUCCESS", None),
    ("SUCCESS", [1, "two"]),
    ("PROGRESS", {"current": 40, "total": 50, "status": "yarı"}),
    ("PROGRESS", {}),
    ("STARTED", {"pid": 12, "hostname": "w1@test"}),
    ("UPLOADING", {"file": "a.xlsx", "share": 0.5}),
    ("FAILURE", ValueError("Mutabakat 9 bulunamadı")),
    ("FAILURE", ValueError()),
    ("FAILURE", KeyError("tax_number")),
    ("FAILURE", OSError(2, "yok")),
    ("FAILURE", TypeError("two", "arguments")),
    ("FAILURE", TimeLimitExceeded(30)),
    ("FAILURE", SoftTimeLimitExceeded()),
    ("FAILURE", WorkerLostError("Worker exited prematurely: signal 9 (SIGKILL) Job: 3.")),
    ("FAILURE", NotRegistered("proj.none")),
    ("FAILURE", Reject("bad", False)),
    ("RETRY", RuntimeError("busy")),
    ("REVOKED", TaskRevokedError("terminated")),
]


@pytest.mark.parametrize("place", range(len(STORED)))
def test_the_bytes_are_those_of_document_003(place, proj, gateway):
    state, value = STORED[place]
    id = f"stored-{place}"
    proj.backend.store_result(id, value, state)
    expected = document_003_status(AsyncResult(id, app=proj))
    assert gateway.request(f"/api/tasks/{id}/status?plain=1").text == as_fastapi_writes(expected)
    assert gateway.request(f"/tasks/{id}/status?plain=1").text == as_fastapi_writes(expected)
    full = gateway.status(id)
    assert {name: full[name] for name in expected} == json.loads(as_fastapi_writes(expected))


def test_two_hundred_followers_take_one_subscription(system, proj, gateway):
    client = system.redis.client()
    channels = [f"celery-task-meta-many-{number}" for number in range(50)]
    first = gateway.follow("first")
    before = len(client.client_list(_type="pubsub"))
    readers = [gateway.follow(f"many-{number % 50}") for number in range(200)]
    assert {count for _, count in client.pubsub_numsub(*channels)} == {1}
    assert len(client.client_list(_type="pubsub")) == before
    for number in range(50):
        proj.backend.store_result(f"many-{number}", number, "SUCCESS")
    proj.backend.store_result("first", 1, "SUCCESS")
    for reader in [first, *readers]:
        reader.wait()
        assert reader.statuses[-1]["state"] == "SUCCESS"
    eventually(
        lambda: {count for _, count in client.pubsub_numsub(*channels)} == {0}, "channels nobody follows are left"
    )
