"""`--metrics`: what Prometheus reads of a worker, and what watches over its process."""

import time

import pytest

from deployment import Deployment
from waiting import eventually
from worker_metrics import ask, port_of, samples, value

TASKS = {
    "proj.add": {"handler": "debug.add"},
    "proj.fail": {"handler": "debug.fail"},
    "proj.retry": {"handler": "debug.retry", "max_retries": 3, "default_retry_delay": 0.01},
    "proj.sleep": {"handler": "debug.sleep"},
}


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A Redis and a worker that serves metrics."""
    with Deployment(tmp_path_factory.mktemp("metrics")) as deployment:
        deployment.write_tasks(tasks=TASKS, queues={"celery": {}, "pdf": {}})
        deployment.worker = deployment.start_worker("--metrics", "0", name="counting")
        deployment.port = port_of(deployment.worker)
        yield deployment


def test_counts_tell_what_became_of_each_task(watched):
    app = watched.app()
    before = samples(watched.port)
    for number in range(5):
        assert app.send_task("proj.add", (number, 1)).get(timeout=60) == number + 1
    assert app.send_task("proj.add", (1, 1), queue="pdf").get(timeout=60) == 2
    for _ in range(2):
        with pytest.raises(ValueError):
            app.send_task("proj.fail", ("no",)).get(timeout=60)
    app.send_task("proj.retry", (2,)).get(timeout=60)
    app.send_task("proj.add", (1, 1), expires=-1)
    app.send_task("proj.unknown")
    after = eventually(
        lambda: (now := samples(watched.port))
        and value(now, "celery_task_failed_total", exception="NotRegistered") == 1
        and value(now, "celery_task_revoked_total") == 1
        and now,
        "all ten are counted",
    )

    def counted(metric, **labels):
        return value(after, metric, **labels) - value(before, metric, **labels)

    here = {"hostname": "counting@test"}
    assert counted("celery_task_succeeded_total", name="proj.add", queue_name="celery", **here) == 5
    assert counted("celery_task_succeeded_total", name="proj.add", queue_name="pdf", **here) == 1
    assert counted("celery_task_failed_total", name="proj.fail", exception="ValueError", **here) == 2
    assert counted("celery_task_retried_total", name="proj.retry") == 2
    assert counted("celery_task_started_total", name="proj.retry") == 3
    # Each try comes as a message of its own; the expired and the unknown one came too.
    assert counted("celery_task_received_total") == 6 + 2 + 3 + 1 + 1
    assert counted("celery_task_runtime_count", name="proj.add") == 6
    assert counted("celery_task_runtime_bucket", name="proj.add", le="+Inf") == 6
    assert counted("queue_jobs_processed_total", queue="celery", status="completed") == 6
    assert counted("queue_jobs_processed_total", queue="celery", status="failed") == 3
    assert counted("queue_jobs_processed_total", queue="pdf", status="completed") == 1
    assert counted("queue_job_duration_seconds_count", queue="pdf", job_type="proj.add") == 1
    assert counted("celeriac_revoked_before_start_total") == 1
    assert counted("celeriac_parked_total", reason="retry") == 2
    assert value(after, "celery_worker_up", **here) == 1


def test_gauges_tell_what_the_worker_does_now(watched):
    app = watched.app()
    running = app.send_task("proj.sleep", (30,))
    found = eventually(
        lambda: (now := samples(watched.port)) and value(now, "celery_worker_tasks_active") == 1 and now, "it runs"
    )
    assert value(found, "celeriac_worker_held_messages") == 1
    eventually(lambda: value(samples(watched.port), "celeriac_oldest_unacked_seconds") > 0.2, "it gets older")
    # A lease lasts ten seconds and is renewed long before.
    eventually(lambda: value(samples(watched.port), "celeriac_leases_renewed_total") > 0, "its lease is renewed")
    app.control.revoke(running.id, terminate=True)
    eventually(lambda: value(samples(watched.port), "celery_worker_tasks_active") == 0, "it has ended")


def test_flowers_names_are_told_where_they_are_wanted(watched):
    worker = watched.start_worker(
        "--metrics", "0", "--metrics-families", "flower", "-Q", "for-flower", "-c", "1", name="flower"
    )
    port = port_of(worker)
    app = watched.app()
    for number in range(3):
        app.send_task("proj.add", (number, 1), queue="for-flower").get(timeout=60)
    with pytest.raises(ValueError):
        app.send_task("proj.fail", ("no",), queue="for-flower").get(timeout=60)
    here = {"worker": "flower@test"}
    found = eventually(
        lambda: (now := samples(port)) and value(now, "flower_events_total", type="task-failed") == 1 and now, "all"
    )
    assert value(found, "flower_events_total", task="proj.add", type="task-succeeded", **here) == 3
    assert value(found, "flower_events_total", task="proj.add", type="task-received", **here) == 3
    assert value(found, "flower_task_runtime_seconds_count", task="proj.add", **here) == 3
    assert 0 <= value(found, "flower_task_prefetch_time_seconds", task="proj.add", **here) < 60
    assert value(found, "flower_worker_online", **here) == 1
    assert value(found, "flower_worker_number_of_currently_executing_tasks", **here) == 0
    names = {name for name, _ in found}
    assert not {name for name in names if name.startswith(("celery_", "queue_"))}
    worker.terminate()


def test_an_unknown_family_is_said_in_one_line(watched):
    done = watched.run("worker", "--metrics-families", "grafana")
    assert done.returncode == 2
    assert "expected some of queues, exporter, flower, got grafana" in done.stderr


def test_ids_are_no_labels(watched):
    task = watched.app().send_task("proj.add", (1, 1), task_id="a-very-special-id")
    task.get(timeout=60)
    assert "a-very-special-id" not in ask(watched.port, "/metrics")[1]


def test_made_up_names_do_not_grow_without_end(watched):
    app = watched.app()
    for number in range(600):
        app.send_task(f"made.up.{number}")
    found = eventually(
        lambda: (now := samples(watched.port)) and value(now, "celery_task_received_total", name="other") > 0 and now,
        "later names are counted together",
    )
    assert len({dict(labels)["name"] for name, labels in found if name == "celery_task_received_total"}) <= 501


def test_readiness_follows_redis(tmp_path):
    with Deployment(tmp_path) as deployment:
        deployment.write_tasks(tasks=TASKS)
        worker = deployment.start_worker("--metrics", "0")
        port = port_of(worker)
        assert [ask(port, path)[0] for path in ("/livez", "/readyz", "/startupz")] == [200, 200, 200]
        deployment.redis.stop()
        eventually(lambda: ask(port, "/readyz")[0] == 503, "it is not ready")
        assert ask(port, "/livez")[0] == 200
        found = samples(port)
        assert value(found, "celery_worker_up") == 0 and value(found, "celeriac_redis_disconnections_total") == 1
        deployment.redis.start()
        eventually(lambda: ask(port, "/readyz")[0] == 200, "it is ready again")


def test_an_address_in_use_ends_the_start(watched, tmp_path):
    done = watched.run("worker", "-n", "second@test", "--metrics", str(watched.port))
    assert done.returncode == 1
    assert f"--metrics: cannot serve on 127.0.0.1:{watched.port}" in done.stderr


@pytest.mark.parametrize("text", ["host", "70000", "1.2.3.4:http"])
def test_a_wrong_address_is_an_error_of_usage(watched, text):
    done = watched.run("worker", "--metrics", text)
    assert done.returncode == 2
    assert f"--metrics: expected a port or host:port, got {text}" in done.stderr


# Beats


def schedule(**entries):
    return {"beat_schedule": {name: {"task": "proj.add", "args": [1, 1], **block} for name, block in entries.items()}}


def test_a_beat_tells_what_it_sends_and_whether_it_can(tmp_path):
    with Deployment(tmp_path) as deployment:
        deployment.write_tasks(tasks=TASKS)
        deployment.write_beat(schedule(often={"schedule": 0.2}, careful={"schedule": 0.3, "overlap": "skip"}))
        beat = deployment.start_beat("--metrics", "0")
        port = port_of(beat)
        found = eventually(
            lambda: (now := samples(port)) and value(now, "celeriac_beat_skipped_total") >= 2 and now,
            "slots are sent, and left out",
        )
        assert value(found, "celeriac_beat_sent_total") >= 3
        assert value(found, "celeriac_beat_up") == value(found, "celeriac_beat_holds_lease") == 1
        assert value(found, "celeriac_beat_entries") == 2
        assert value(found, "celeriac_beat_missed_total") == value(found, "celeriac_beat_errors_total") == 0
        assert 0 <= value(found, "celeriac_beat_lag_seconds") < 5 and value(found, "celeriac_beat_tick_age_seconds") < 5
        assert [ask(port, path)[0] for path in ("/livez", "/readyz", "/startupz")] == [200, 200, 200]
        deployment.redis.stop()
        eventually(lambda: ask(port, "/readyz")[0] == 503, "it is not ready")
        assert [ask(port, path)[0] for path in ("/livez", "/startupz")] == [200, 200]
        assert value(samples(port), "celeriac_beat_up") == 0
        # A request that is on its way when Redis goes has a while to be answered before it counts as an error.
        eventually(lambda: value(samples(port), "celeriac_beat_errors_total") > 0, "it counts that it failed")
        deployment.redis.start()
        eventually(lambda: ask(port, "/readyz")[0] == 200, "it is ready again")
        taken = deployment.run_beat("--config", deployment.tasks_path, "--metrics", str(port))
        assert taken.returncode == 1 and f"--metrics: cannot serve on 127.0.0.1:{port}" in taken.stderr
        assert deployment.run_beat("--metrics", "host").returncode == 2
        assert beat.terminate() == 0


def test_a_beat_is_not_ready_before_its_redis_is_there(tmp_path):
    with Deployment(tmp_path) as deployment:
        deployment.write_tasks(tasks=TASKS)
        deployment.write_beat(schedule(a={"schedule": 60}))
        deployment.redis.stop()
        port = port_of(deployment.start_beat("--metrics", "0"))
        assert [ask(port, path)[0] for path in ("/livez", "/readyz", "/startupz")] == [200, 503, 503]
        deployment.redis.start()
        eventually(lambda: ask(port, "/readyz")[0] == 200, "it is ready")


def test_missed_slots_are_counted(tmp_path):
    with Deployment(tmp_path) as deployment:
        deployment.write_tasks(tasks=TASKS)
        deployment.write_beat(schedule(a={"schedule": 0.5, "missed": "skip"}))
        first = deployment.start_beat()
        first.wait_for_line("Sending due task a")
        assert first.terminate() == 0
        time.sleep(2)
        port = port_of(deployment.start_beat("--metrics", "0", name="second"))
        eventually(lambda: value(samples(port), "celeriac_beat_missed_total") >= 1, "they are counted")


def test_a_worker_with_b_tells_both(tmp_path):
    with Deployment(tmp_path) as deployment:
        deployment.write_tasks(tasks=TASKS)
        deployment.write_beat(schedule(a={"schedule": 0.3}))
        port = port_of(deployment.start_worker("-B", "--metrics", "0"))
        eventually(
            lambda: (now := samples(port)) and value(now, "celeriac_beat_sent_total") >= 2
            and value(now, "celery_task_succeeded_total", name="proj.add") >= 2,
            "what is sent is run",
        )
        assert ask(port, "/readyz")[0] == 200


def test_a_beat_without_redis_tells_the_same(tmp_path):
    with Deployment(tmp_path) as deployment:
        deployment.write_tasks(tasks=TASKS, broker_url="redis://127.0.0.1:1/0", result_backend="redis://127.0.0.1:1/0")
        deployment.write_beat({"mode": "local", **schedule(a={"schedule": 0.3})})
        port = port_of(deployment.start_beat("--metrics", "0"))
        eventually(lambda: value(samples(port), "celeriac_beat_sent_total") >= 2, "they are sent")
        assert ask(port, "/readyz")[0] == 200
