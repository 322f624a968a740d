"""Real Celery workers and Celeriac workers on the same queues and the same Redis."""

import os
import signal

from waiting import eventually


def ran(deployment):
    """Who ran what, as the Python worker wrote it down."""
    return dict(reversed(line.split()) for line in deployment.redis.client(5).lrange("ran", 0, -1))


def test_both_kinds_of_worker_share_one_queue(deployment):
    deployment.write_tasks(pools={"one": {"processes": 1, "slots": 1}}, queues={"celery": {"pool": "one"}})
    worker = deployment.start_worker()
    deployment.start_celery_worker("--without-gossip", "--without-mingle")
    app = deployment.app()
    results = [app.tasks["proj.sleep"].delay(0.1) for _ in range(60)]
    assert [result.get(timeout=60) for result in results] == [0.1] * 60
    by_python = ran(deployment)
    by_celeriac = worker.count_lines(r"proj\.sleep\[.*\] succeeded")
    assert by_python and by_celeriac
    assert len(by_python) + by_celeriac == 60
    deployment.expect_empty()


def test_celeriac_runs_what_a_killed_celery_worker_held(deployment):
    # Celery restores by visibility timeout only; Celeriac's sweep of foreign messages obeys the same setting.
    options = {"visibility_timeout": 5}
    deployment.write_tasks(broker_transport_options=options)
    python = deployment.start_celery_worker(
        "--without-gossip", "--without-mingle", broker_transport_options=options
    )
    app = deployment.app()
    result = app.tasks["proj.sleep"].delay(60)
    eventually(lambda: deployment.held() == 1, "the Celery worker holds the message")
    for pid in python.children():
        os.kill(pid, signal.SIGKILL)
    python.kill()
    worker = deployment.start_worker("-c", "1")
    worker.wait_for_line(rf"proj\.sleep\[{result.id}\] received", timeout=40)


def test_a_celery_worker_runs_what_a_killed_celeriac_held(deployment):
    options = {"visibility_timeout": 5}
    deployment.write_tasks(broker_transport_options=options)
    worker = deployment.start_worker()
    app = deployment.app()
    result = app.tasks["proj.sleep"].delay(2)
    worker.wait_for_line(rf"proj\.sleep\[{result.id}\] received")
    worker.kill()
    # A worker that is killed in the middle of its sweep leaves kombu's lock, as one of Celery's does: for five minutes
    # nobody of Celery's sweeps then, and it is about the sweep after that.
    deployment.client.delete("unacked_mutex")
    assert deployment.held() == 1
    # The lease was renewed ahead of now; once it has run out a starting Celery worker's first sweep takes it back.
    eventually(
        lambda: deployment.client.zrangebyscore("unacked_index", 0, deployment.client.time()[0] - 5),
        "the lease has run out", timeout=40,
    )
    deployment.start_celery_worker("--without-gossip", "--without-mingle", broker_transport_options=options)
    assert result.get(timeout=40) == 2
    assert ran(deployment) == {result.id: "celery"}
    deployment.expect_empty()


def test_a_running_task_is_not_stolen_by_a_celery_workers_short_visibility_timeout(deployment):
    options = {"visibility_timeout": 2, "unacked_restore_interval": 1, "unacked_restore_throttle": 1}
    worker = deployment.start_worker("-Q", "celery")
    app = deployment.app()
    result = app.tasks["proj.sleep"].delay(10)
    worker.wait_for_line(rf"proj\.sleep\[{result.id}\] received")
    deployment.start_celery_worker("--without-gossip", "--without-mingle", broker_transport_options=options)
    assert result.get(timeout=60) == 10
    assert ran(deployment) == {}
    assert worker.count_lines(rf"\[{result.id}\] received") == 1


def test_a_client_that_sweeps_with_a_short_visibility_timeout_steals_nothing(deployment):
    worker = deployment.start_worker()
    app = deployment.app()
    result = app.tasks["proj.sleep"].delay(8)
    worker.wait_for_line(rf"proj\.sleep\[{result.id}\] received")
    sweeper = deployment.app(broker_transport_options={"visibility_timeout": 1})
    # Every ping drains a connection, which sweeps `unacked` first.
    for _ in range(3):
        sweeper.control.ping(timeout=1)
    assert result.get(timeout=60) == 8
    assert worker.count_lines(rf"\[{result.id}\] received") == 1


def test_celeriac_and_celery_call_each_other_through_chains(deployment):
    deployment.write_tasks(queues={"swift": {"pool": "cpu"}})
    deployment.start_worker("-Q", "swift")
    deployment.start_celery_worker("--without-gossip", "--without-mingle", "-Q", "python")
    app = deployment.app()

    def add(number, queue):
        return app.signature("proj.add", args=(number,), queue=queue)

    result = (add(1, "swift") | add(2, "python") | add(3, "swift") | add(4, "python")).apply_async()
    assert result.get(timeout=60) == 10
    result = (add(1, "python") | add(2, "swift")).apply_async()
    assert result.get(timeout=60) == 3
