"""No message is lost, and none runs twice without a crash."""

import signal
import time

from waiting import eventually


def test_a_worker_frozen_while_idle_and_killed_after_a_publish_loses_nothing(deployment):
    frozen = deployment.start_worker(name="frozen")
    app = deployment.app()
    app.tasks["proj.noop"].delay().get(timeout=60)
    frozen.signal(signal.SIGSTOP)
    results = [app.tasks["proj.add"].delay(n, 1) for n in range(20)]
    frozen.kill()
    deployment.start_worker(name="next")
    assert [result.get(timeout=60) for result in results] == [n + 1 for n in range(20)]
    deployment.expect_empty(timeout=30)


def test_a_long_task_under_a_short_visibility_timeout_starts_once(deployment):
    # A 60 s task under 4 s, scaled to 15 s: nearly four timeouts.
    deployment.write_tasks(broker_transport_options={"visibility_timeout": 4}, task_track_started=True)
    workers = [deployment.start_worker(name=f"w{n}") for n in range(2)]
    app = deployment.app(broker_transport_options={"visibility_timeout": 4})
    result = app.tasks["proj.sleep"].delay(15)
    assert result.get(timeout=40) == 15
    assert sum(worker.count_lines(rf"{result.id}\] received") for worker in workers) == 1
    deployment.expect_empty()


def test_a_long_task_under_the_shortest_visibility_timeout_starts_once_beside_real_celery(deployment):
    options = {"visibility_timeout": 1, "unacked_restore_interval": 1, "unacked_restore_throttle": 1}
    deployment.write_tasks(broker_transport_options={"visibility_timeout": 1}, queues={"swift": {"pool": "cpu"}})
    worker = deployment.start_worker("-Q", "swift")
    deployment.start_celery_worker(
        "--without-gossip", "--without-mingle", "-Q", "other", broker_transport_options=options
    )
    result = deployment.app().tasks["proj.sleep"].apply_async((12,), queue="swift")
    assert result.get(timeout=40) == 12
    assert worker.count_lines(rf"{result.id}\] received") == 1


def test_a_killed_workers_task_runs_elsewhere_within_20_seconds(deployment):
    first = deployment.start_worker(name="first")
    app = deployment.app()
    result = app.tasks["proj.sleep"].delay(3)
    first.wait_for_line(rf"{result.id}\] received")
    second = deployment.start_worker(name="second")
    first.kill()
    killed = time.monotonic()
    second.wait_for_line(rf"{result.id}\] received", timeout=25)
    assert time.monotonic() - killed < 20
    assert result.get(timeout=60) == 3
    deployment.expect_empty()


def test_the_second_run_knows_that_it_is_one(deployment):
    deployment.write_tasks(worker_dead_after=3)
    first = deployment.start_worker(name="first")
    result = deployment.app().tasks["proj.sleep"].delay(60)
    first.wait_for_line(rf"{result.id}\] received")
    first.kill()
    second = deployment.start_worker(name="second")
    second.wait_for_line(rf"{result.id}\] received", timeout=25)
    held = eventually(lambda: deployment.client.hvals("unacked"), "it is held")
    assert '"redelivered": true' in held[0]


def test_a_worker_that_was_frozen_past_its_lease_writes_no_second_result(deployment):
    deployment.write_tasks(worker_dead_after=3)
    frozen = deployment.start_worker(name="frozen")
    app = deployment.app()
    result = app.tasks["proj.sleep"].delay(2)
    frozen.wait_for_line(rf"{result.id}\] received")
    frozen.signal(signal.SIGSTOP)
    second = deployment.start_worker(name="second")
    second.wait_for_line(rf"{result.id}\] received", timeout=25)
    assert result.get(timeout=60) == 2
    done = app.AsyncResult(result.id).date_done
    frozen.signal(signal.SIGCONT)
    # It notices, drops the run, and goes on as a worker.
    second.terminate()
    assert app.tasks["proj.add"].delay(1, 1).get(timeout=60) == 2
    assert app.AsyncResult(result.id).date_done == done
    deployment.expect_empty()


def test_a_poison_message_is_kept_aside_in_the_end(deployment):
    """A task that takes its whole worker down again and again must not do so forever."""
    deployment.write_tasks(
        pools={"here": {"inline": True, "slots": 4}}, queues={"celery": {"pool": "here"}}, worker_dead_after=1
    )
    app = deployment.app()
    result = app.tasks["proj.crash"].delay()
    # Twenty deaths are allowed; seventeen of them are taken as given.
    deployment.client.hset("celeriac:deliveries", result.id, 17)
    deaths = 0
    end = time.monotonic() + 60
    while time.monotonic() < end and not deployment.dead_letters():
        worker = deployment.start_worker(name=f"victim{deaths}")
        eventually(lambda: not worker.running or deployment.dead_letters(), "it dies or keeps the message", timeout=20)
        deaths += not worker.running
    assert 1 <= deaths <= 5
    assert result.id in str(deployment.dead_letters()[0])
    # The last worker lives and works.
    assert app.tasks["proj.add"].delay(1, 1).get(timeout=60) == 2


def test_an_idle_worker_hardly_talks_to_redis(deployment):
    deployment.start_worker()
    deployment.app().tasks["proj.noop"].delay().get(timeout=60)
    before = deployment.client.info("stats")["total_commands_processed"]
    time.sleep(10)  # The measurement itself: commands in ten seconds.
    after = deployment.client.info("stats")["total_commands_processed"]
    assert (after - before) / 10 < 4


def test_a_publish_wakes_an_idle_worker_at_once(deployment):
    deployment.start_worker()
    app = deployment.app()
    app.tasks["proj.noop"].delay().get(timeout=60)
    waits = []
    for _ in range(20):
        begun = time.monotonic()
        app.tasks["proj.noop"].delay().get(timeout=60)
        waits.append(time.monotonic() - begun)
    # No poll could be this quick; a debug build on a busy machine is.
    assert sorted(waits)[10] < 0.1
