"""The gateway's administration over real workers, Celeriac's and Celery's."""

import json
import urllib.parse

import pytest

from gateway import TOKENS, USERS, Gateway
from waiting import eventually

JOBS = "/api/v1/admin/jobs"
QUEUES = {"celery": {"pool": "cpu"}, "second": {"pool": "cpu"}}


class Admin:
    """Asks the gateway as an admin and hands back the data of its envelope."""

    def __init__(self, gateway):
        self.gateway = gateway

    def answer(self, path, method="GET", body=None, role="admin"):
        return self.gateway.request(path, method=method, body=body, Authorization=f"Bearer {TOKENS[role]}")

    def get(self, path):
        answer = self.answer(path)
        assert answer.status == 200, answer.text
        assert answer.json["success"] is True
        return answer.json["data"]

    def post(self, path, body=None, status=200):
        answer = self.answer(path, "POST", body)
        assert answer.status == status, answer.text
        return answer.json.get("data")


@pytest.fixture
def admin(deployment):
    deployment.write_tasks(
        queues=QUEUES, pools={"cpu": {"processes": 2, "slots": 1}}, gateway={"users": USERS}, worker_dead_after=3
    )
    return Admin(Gateway(deployment))


def test_counts_and_lists_equal_what_is_there(deployment, admin):
    deployment.start_worker("-Q", "celery")
    app = deployment.app()
    later = app.tasks["proj.noop"].apply_async(countdown=600).id
    eventually(lambda: deployment.client.zcard("celeriac:parked") == 1, "one is parked")
    running = [app.tasks["proj.sleep"].delay(60).id for _ in range(2)]
    eventually(lambda: deployment.held() == 2, "two run")
    waiting = [app.tasks["proj.sleep"].apply_async((1,), queue="second", priority=p).id for p in (9, 0, 3)]

    stats = {queue["queue"]: queue for queue in admin.get(JOBS + "/stats")}
    assert (stats["celery"]["active"], stats["celery"]["delayed"], stats["celery"]["waiting"]) == (2, 1, 0)
    assert (stats["second"]["active"], stats["second"]["waiting"], stats["second"]["total"]) == (0, 3, 3)
    assert admin.get(JOBS + "/second/stats")["waiting"] == 3

    def ids(queue, state):
        return [job["id"] for job in admin.get(f"{JOBS}/{queue}/jobs?state={state}")]

    assert ids("second", "waiting") == [waiting[1], waiting[2], waiting[0]]
    assert sorted(ids("celery", "active")) == sorted(running)
    assert ids("celery", "delayed") == [later]
    job = admin.get(f"{JOBS}/second/{waiting[1]}")
    assert job["name"] == "proj.sleep" and job["args"] == [1] and job["state"] == "waiting" and job["position"] == 1
    assert admin.answer(f"{JOBS}/second/{running[0]}").status == 404
    assert admin.answer(f"{JOBS}/none/stats").status == 404
    assert admin.answer(f"{JOBS}/celery/jobs?state=done").status == 400
    # The same under the other documents' names.
    plain = admin.get("/admin/queues/stats")
    assert set(plain[0]) == {"queue", "waiting", "active", "completed", "failed", "delayed", "total"}
    assert admin.answer("/admin/queues/stats", role="viewer").status == 403
    assert admin.gateway.request("/admin/queues/stats").status == 401


def test_a_removed_waiting_job_never_runs_and_an_active_one_is_cancelled(deployment, admin):
    deployment.start_worker()
    app = deployment.app()
    running = [app.tasks["proj.sleep"].delay(60) for _ in range(2)]
    eventually(lambda: deployment.held() >= 2, "both slots are taken")
    waiting = [app.tasks["proj.sleep"].apply_async((60,), priority=9) for _ in range(6)]
    target = waiting[-1]
    eventually(
        lambda: admin.get(f"{JOBS}/celery/{target.id}")["state"] == "waiting", "the last one waits", 10
    )
    removed = admin.answer(f"{JOBS}/celery/{target.id}", "DELETE", role="operator")
    assert removed.json["data"]["outcome"] == "removed"
    assert admin.answer(f"{JOBS}/celery/{target.id}", "DELETE").status in (200, 404)
    eventually(lambda: target.state == "REVOKED", "whoever waits for it is told")
    cancelled = admin.answer(f"{JOBS}/celery/{running[0].id}", "DELETE", role="operator")
    assert cancelled.json["data"]["outcome"] == "cancelled"
    eventually(lambda: running[0].state == "REVOKED", "the running one was ended", 20)


def test_drain_leaves_what_runs(deployment, admin):
    app = deployment.app()
    for _ in range(5):
        app.tasks["proj.noop"].apply_async(queue="second")
    assert admin.post(f"{JOBS}/second/drain")["count"] == 5
    assert deployment.waiting("second") == 0
    assert admin.get(f"{JOBS}/second/jobs") == []


def test_finished_jobs_are_listed_cleaned_by_age_and_forgotten(deployment, admin):
    deployment.start_worker()
    app = deployment.app()
    done = [app.tasks["proj.echo"].delay(n) for n in range(3)]
    failed = [app.tasks["proj.fail"].delay(f"reason {n}") for n in range(2)]
    eventually(lambda: admin.get(f"{JOBS}/celery/stats")["failed"] == 2, "both failures are counted")
    eventually(lambda: admin.get(f"{JOBS}/celery/stats")["completed"] == 3, "the successes are counted")
    jobs = admin.get(f"{JOBS}/celery/jobs?state=completed&start=0&end=10")
    assert {job["id"] for job in jobs} == {task.id for task in done}
    assert jobs == sorted(jobs, key=lambda job: -job["finishedOn"])
    assert json.loads(jobs[0]["returnvalue"])["args"] in ([0], [1], [2])
    job = admin.get(f"{JOBS}/celery/{failed[0].id}")
    assert job["state"] == "failed" and "reason 0" in job["failedReason"] and job["stacktrace"] and job["attempts"] == 1
    job = admin.get(f"{JOBS}/celery/{done[1].id}")
    assert job["result"] == {"args": [1], "kwargs": {}} and job["worker"] == "w1@test" and job["taskState"] == "SUCCESS"

    assert admin.answer(f"{JOBS}/celery/{done[0].id}/retry", "POST").json["code"] == "not_failed"
    assert admin.post(f"{JOBS}/celery/clean", {"grace": 3_600_000})["count"] == 0
    removed = admin.answer(f"{JOBS}/celery/{done[0].id}", "DELETE")
    assert removed.json["data"]["outcome"] == "forgotten"
    assert admin.post(f"{JOBS}/celery/clean", {"grace": 0})["count"] == 2
    assert admin.get(f"{JOBS}/celery/jobs?state=completed") == []
    assert admin.post(f"{JOBS}/celery/clean", {"grace": 0, "state": "failed"})["count"] == 2
    stats = admin.get(f"{JOBS}/celery/stats")
    assert (stats["completed"], stats["failed"], stats["completedEver"], stats["failedEver"]) == (0, 0, 3, 2)


def test_a_failed_job_runs_again_under_the_same_id(deployment, admin):
    worker = deployment.start_worker()
    task = deployment.app().tasks["proj.fail"].delay("again")
    detail = f"{JOBS}/celery/{task.id}"
    eventually(lambda: admin.answer(detail).json.get("data", {}).get("retryable"), "it failed and its message is kept")
    assert admin.answer(detail + "/retry", "POST", role="operator").json["data"]["outcome"] == "retried"
    eventually(lambda: worker.text.count(f"[{task.id}] received") == 2, "it was taken again")
    eventually(lambda: admin.answer(detail).json["data"]["retryable"], "it failed again")
    many = admin.post(f"{JOBS}/celery/retry", {"ids": [task.id, "none"]})
    assert many == [{"id": task.id, "outcome": "retried"}, {"id": "none", "outcome": "not_found"}]


def test_workers_of_both_kinds_are_shown_and_told_what_to_do(deployment, admin):
    deployment.start_worker(name="swift")
    deployment.start_celery_worker("-Q", "second", "--without-gossip", "--without-mingle")
    workers = eventually(
        lambda: len(found := {w["name"]: w for w in admin.get("/api/v1/admin/workers")}) == 2 and found, "both answer", 30
    )
    assert workers["swift@test"]["celeriac"] is True and workers["swift@test"]["concurrency"] == 2
    assert workers["python@test"]["celeriac"] is False and workers["python@test"]["queues"] == ["second"]
    assert set(workers["swift@test"]["queues"]) == {"celery", "second"}
    detail = admin.get("/api/v1/admin/workers/swift%40test")
    assert "proj.noop" in detail["registered"] and detail["stats"]["pid"] == detail["pid"]

    path = "/api/v1/admin/workers/swift@test"
    assert admin.post(path + "/pool/grow", {"n": 2})[0]["ok"] is True
    eventually(lambda: admin.get(path)["concurrency"] == 4, "it has grown")
    admin.post(path + "/pool/shrink", {"n": 3})
    eventually(lambda: admin.get(path)["concurrency"] == 1, "it has shrunk")
    admin.post(path + "/queues/cancel", {"queue": "second"})
    eventually(lambda: admin.get(path)["queues"] == ["celery"], "it has left the queue")
    admin.post(path + "/queues/add", {"queue": "second"})
    eventually(lambda: sorted(admin.get(path)["queues"]) == ["celery", "second"], "it is back")
    limited = admin.post("/api/v1/admin/limits/rate", {"task": "proj.noop", "rate": "10/m"})
    assert sorted(reply["worker"] for reply in limited) == ["python@test", "swift@test"]
    assert admin.post("/api/v1/admin/limits/time", {"task": "proj.noop", "hard": 30, "workers": ["swift@test"]})
    assert admin.answer("/api/v1/admin/workers/nobody@test/pool/grow", "POST", {}).status == 404

    flower = admin.answer("/api/workers").json
    assert set(flower) == {"swift@test", "python@test"} and flower["swift@test"]["stats"]["pool"]["processes"]
    lengths = admin.answer("/api/queues/length").json["active_queues"]
    assert {queue["name"] for queue in lengths} == {"celery", "second"}

    admin.post("/api/v1/admin/workers/python@test/shutdown", status=202)
    admin.post(path + "/shutdown", status=202)
    eventually(lambda: not any(p.running for p in deployment.processes[1:3]), "both have ended", 30)


def test_a_running_task_is_ended_by_revoke(deployment, admin):
    deployment.start_worker()
    task = deployment.app().tasks["proj.sleep"].delay(60)
    eventually(lambda: deployment.held() == 1, "it runs")
    eventually(lambda: admin.get(f"/api/tasks/{task.id}/why")["reasons"][0]["code"] == "running", "it is seen to run")
    admin.post("/api/v1/admin/revoke", {"ids": [task.id], "terminate": True, "signal": "SIGKILL"})
    eventually(lambda: task.state == "REVOKED", "it was ended", 20)
    why = admin.get(f"/api/tasks/{task.id}/why")
    assert why["finished"] is True and why["reasons"][0]["code"] == "terminated"


def test_why_a_task_does_not_run(deployment, admin):
    def why(task):
        return [reason["code"] for reason in admin.get(f"/api/tasks/{task.id}/why")["reasons"]]

    app = deployment.app()
    alone = app.tasks["proj.noop"].apply_async(queue="second")
    assert why(alone) == ["no_consumer", "waiting"]
    deployment.start_worker("-Q", "celery")
    stranger = app.signature("proj.nobody_knows").apply_async(queue="second")
    assert why(stranger) == ["no_consumer", "waiting"]
    later = app.tasks["proj.noop"].apply_async(countdown=600)
    eventually(lambda: why(later) == ["scheduled"], "it is parked")
    assert admin.get("/api/tasks/not-there/why")["reasons"][0]["code"] == "unknown"
    old = app.tasks["proj.noop"].apply_async(queue="second", expires=0.001)
    eventually(lambda: "expired" in why(old), "it has expired")
    admin.post("/api/v1/admin/revoke", {"ids": [alone.id]})
    assert why(alone)[0] == "revoked"


def test_the_body_of_a_chord_names_the_parts_it_waits_for(deployment, admin):
    from celery import chord

    app = deployment.app()
    parts = [app.tasks["proj.add"].si(1, n).set(queue=queue) for n, queue in enumerate(("celery", "celery", "second"))]
    deployment.start_worker("-Q", "celery")
    body = chord(parts)(app.signature("proj.told"))
    reason = eventually(
        lambda: (found := admin.get(f"/api/tasks/{body.id}/why")["reasons"][0])["facts"].get("ended") == 2 and found,
        "two parts have ended",
    )
    assert reason["code"] == "chord_waits" and reason["facts"]["parts"] == 3
    assert reason["facts"]["open"] == [body.parent.results[2].id]


def test_a_paused_queue_starts_nothing_on_workers_of_both_kinds_until_it_is_resumed(deployment, admin):
    deployment.start_celery_worker("-Q", "second", "--without-gossip", "--without-mingle")
    eventually(lambda: admin.get("/api/v1/admin/workers"), "it answers", 30)
    assert admin.post(f"{JOBS}/second/pause") == {"queue": "second", "paused": True, "changed": True}
    assert deployment.client.smembers("celeriac:paused") == {"second"}
    task = deployment.app().tasks["proj.noop"].apply_async(queue="second")
    # Celery's worker may still be waiting for a message when it is told; what it gets it puts back.
    eventually(
        lambda: admin.get(f"/api/tasks/{task.id}/why")["reasons"][0]["code"] == "queue_paused", "it waits in the queue"
    )
    assert admin.get(f"{JOBS}/second/stats")["paused"] is True
    assert deployment.waiting("second") == 1
    assert admin.post(f"{JOBS}/second/resume")["paused"] is False
    eventually(lambda: task.state == "SUCCESS", "it runs", 20)


def test_an_entry_of_the_schedule_is_run_by_hand_paused_and_resumed(deployment):
    deployment.write_tasks(gateway={"users": USERS})
    deployment.write_beat(
        {
            "beat_schedule": {
                "often": {"task": "proj.noop", "schedule": 1},
                "nightly report": {"task": "proj.echo", "schedule": {"crontab": "0 2 * * *"}},
            }
        }
    )
    admin = Admin(Gateway(deployment))
    deployment.start_worker()
    deployment.start_beat()

    def entry(name):
        return next(e for e in admin.get("/api/v1/admin/schedule")["entries"] if e["name"] == name)

    eventually(lambda: entry("often")["sent"] >= 1, "beat sends")
    assert entry("nightly report")["next"] and entry("nightly report")["last"] is None
    name = urllib.parse.quote("nightly report")
    sent = admin.post(f"/api/v1/admin/schedule/{name}/run", status=202)
    eventually(lambda: deployment.app().AsyncResult(sent["task_id"]).state == "SUCCESS", "it has run")

    assert admin.post("/api/v1/admin/schedule/often/pause")["changed"] is True
    before = entry("often")
    assert before["paused"] is True
    # Its mark moves on without a task.
    eventually(lambda: entry("often")["next"] > before["next"] + 2000, "its times pass", 20)
    assert entry("often")["sent"] <= before["sent"] + 1
    assert admin.post("/api/v1/admin/schedule/often/resume")["paused"] is False
    eventually(lambda: entry("often")["sent"] > before["sent"] + 1, "it is sent again", 20)
    assert admin.answer("/api/v1/admin/schedule/none/run", "POST").status == 404


def test_every_change_is_in_the_audit_list(deployment, admin):
    admin.post(f"{JOBS}/celery/pause")
    admin.post(f"{JOBS}/celery/resume")
    admin.answer(f"{JOBS}/celery/none/retry", "POST", role="operator")
    entries = admin.get("/api/v1/admin/audit")
    assert [(e["action"], e["target"], e["outcome"], e["who"]) for e in entries] == [
        ("job.retry", "none", "not_found", "operator"), ("queue.resume", "celery", "resumed", "admin"),
        ("queue.pause", "celery", "paused", "admin"),
    ]
    assert all(entry["address"] == "127.0.0.1" for entry in entries)
    assert json.loads(deployment.client.lindex("celeriac:audit", 0))["action"] == "job.retry"
    assert deployment.client.ttl("celeriac:audit") > 0
