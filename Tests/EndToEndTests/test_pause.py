"""A queue is paused for every worker at once, for good, until it is resumed."""

import time

from waiting import PATIENCE, eventually

def pause(deployment, queue):
    deployment.client.sadd("celeriac:paused", queue)


def resume(deployment, queue):
    deployment.client.srem("celeriac:paused", queue)


def started(results):
    return [result for result in results if result.state != "PENDING"]


def test_nothing_starts_on_any_worker_and_all_of_it_runs_after_a_restart(deployment):
    workers = [deployment.start_worker(name=name) for name in ("w1", "w2")]
    app = deployment.app()
    assert app.tasks["proj.add"].delay(1, 1).get(timeout=30) == 2
    pause(deployment, "celery")
    for worker in workers:
        worker.wait_for_line("Queue celery is paused")
    for queues in app.control.inspect(["w1@test", "w2@test"], timeout=PATIENCE).active_queues().values():
        assert [(queue["name"], queue["paused"]) for queue in queues] == [("celery", True)]
    results = [app.tasks["proj.add"].delay(number, 1) for number in range(20)]
    # Time has to pass: what is looked for is that nothing happens in it.
    time.sleep(1)
    assert not started(results)
    for worker in workers:
        worker.terminate()
    later = deployment.start_worker(name="w3")
    time.sleep(1)
    assert not started(results)
    assert deployment.client.llen("celery") == 20
    before = time.monotonic()
    resume(deployment, "celery")
    assert [result.get(timeout=30) for result in results] == [number + 1 for number in range(20)]
    assert time.monotonic() - before < 10
    later.wait_for_line("Queue celery is resumed")
    (queue,) = app.control.inspect(["w3@test"], timeout=PATIENCE).active_queues()["w3@test"]
    assert "paused" not in queue


def test_a_worker_that_starts_says_of_which_queues_nothing_will_run(deployment):
    deployment.write_tasks(queues={"celery": {"pool": "cpu"}, "reports": {"pool": "cpu"}})
    pause(deployment, "reports")
    # The level that workers have unless told otherwise.
    worker = deployment.start_worker(level="WARNING")
    worker.wait_for_line("Queue reports is paused: no task of it starts until it is resumed")
    lines = worker.text.splitlines()
    said = next(number for number, line in enumerate(lines) if "Queue reports is paused" in line)
    ready = next(number for number, line in enumerate(lines) if line.endswith(" ready."))
    assert said < ready, "whoever waits for ready has seen it"
    assert "Queue celery is paused" not in worker.text


def test_what_a_worker_had_taken_and_not_begun_goes_back(deployment):
    deployment.write_tasks(worker_prefetch_multiplier=4)
    worker = deployment.start_worker("-c", "1")
    app = deployment.app()
    first = app.tasks["proj.sleep"].delay(3000)
    eventually(lambda: deployment.client.hlen("unacked") == 1, "the first runs")
    others = [app.tasks["proj.add"].delay(number, 1) for number in range(3)]
    eventually(lambda: deployment.client.hlen("unacked") == 2, "one waits in the worker")
    pause(deployment, "celery")
    eventually(lambda: deployment.client.llen("celery") == 3, "it is back in its queue")
    app.control.revoke(first.id, terminate=True)
    eventually(lambda: first.state == "REVOKED", "the first has ended")
    time.sleep(0.5)
    assert not started(others)
    resume(deployment, "celery")
    assert [result.get(timeout=30) for result in others] == [1, 2, 3]
    assert worker.running
