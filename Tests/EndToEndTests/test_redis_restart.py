"""Redis goes away and comes back; workers need no restart and nothing is lost."""

import time

import pytest

from deployment import Deployment
from waiting import eventually


@pytest.fixture
def durable(tmp_path):
    """A deployment whose Redis keeps an append-only file."""
    with Deployment(tmp_path, append_only=True) as deployment:
        yield deployment


def test_a_killed_redis_with_an_append_only_file_loses_no_task(durable):
    durable.write_tasks(pools={"io": {"processes": 1, "slots": 4}}, queues={"celery": {"pool": "io"}})
    worker = durable.start_worker()
    app = durable.app()
    ids = [app.tasks["proj.sleep"].delay(0.2).id for _ in range(100)]
    for _ in range(3):
        done = durable.statuses(ids).count("SUCCESS")
        eventually(lambda: durable.statuses(ids).count("SUCCESS") >= min(done + 5, 100), "some more have run")
        durable.redis.kill()
        durable.redis.start()
    eventually(lambda: set(durable.statuses(ids)) == {"SUCCESS"}, "all have run", timeout=60)
    durable.expect_empty()
    assert worker.running


def test_tasks_that_run_while_redis_is_away_finish_and_are_stored_later(durable):
    worker = durable.start_worker()
    app = durable.app()
    result = app.tasks["proj.sleep"].delay(1.5)
    worker.wait_for_line(rf"{result.id}\] received")
    durable.redis.stop()
    time.sleep(4)  # Redis is away for this long: longer than the task takes.
    durable.redis.start()
    eventually(lambda: durable.statuses([result.id]) == ["SUCCESS"], "the result is stored", timeout=30)
    assert worker.count_lines(rf"{result.id}\] received") == 1
    durable.expect_empty(timeout=30)


def test_an_idle_worker_connects_again_by_itself(durable):
    worker = durable.start_worker()
    for _ in range(2):
        durable.redis.stop()
        worker.wait_for_line("(?i)connection|lost|reconnect|trying again")
        durable.redis.start()
        assert durable.app().tasks["proj.add"].delay(1, 1).get(timeout=40) == 2
    assert worker.running


def test_a_worker_started_before_redis_waits_for_it(durable):
    path = durable.write_tasks()
    durable.redis.stop()
    worker = durable.spawn("--config", path, "worker", "-l", "INFO", "-n", "early@test")
    worker.wait_for_line("(?i)trying again|cannot connect|connection")
    durable.redis.start()
    worker.wait_for_line(r" ready\.$", timeout=40)
    assert durable.app().tasks["proj.add"].delay(1, 1).get(timeout=60) == 2


def test_a_redis_that_forgot_its_scripts_and_data_is_served_again(deployment):
    """Without persistence everything is gone after a restart, the loaded scripts too; new work runs all the same."""
    worker = deployment.start_worker()
    app = deployment.app()
    app.tasks["proj.noop"].delay().get(timeout=60)
    deployment.redis.kill()
    deployment.redis.start()
    assert deployment.app().tasks["proj.add"].delay(1, 1).get(timeout=40) == 2
    deployment.client.script_flush()
    assert deployment.app().tasks["proj.add"].delay(2, 2).get(timeout=40) == 4
    assert worker.running


def test_a_worker_whose_connections_are_cut_goes_on(deployment):
    worker = deployment.start_worker()
    app = deployment.app()
    results = [app.tasks["proj.sleep"].delay(0.1) for _ in range(60)]
    for _ in range(5):
        deployment.client.client_kill_filter(_type="normal", skipme=True)
        deployment.client.client_kill_filter(_type="pubsub", skipme=True)
        time.sleep(0.3)  # Let some work happen between two cuts.
    ids = [result.id for result in results]
    eventually(lambda: set(deployment.statuses(ids)) == {"SUCCESS"}, "all have run", timeout=40)
    assert worker.running
    deployment.expect_empty()


def test_a_warm_stop_while_redis_is_away_ends(durable):
    worker = durable.start_worker()
    durable.redis.stop()
    worker.wait_for_line("(?i)connection|lost|reconnect|trying again")
    begun = time.monotonic()
    assert worker.terminate(timeout=40) == 0
    assert time.monotonic() - begun < 15
