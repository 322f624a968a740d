"""Remote control beyond single commands: revokes that last, rate limits, mixed fleets and the program's own tools."""

import itertools
import json
import time

import pytest

from waiting import PATIENCE, eventually


def ask(app, method, node="w1@test", **arguments):
    """What one worker replies."""
    replies = app.control.broadcast(
        method, arguments=arguments, reply=True, timeout=PATIENCE, limit=1, destination=[node]
    )
    assert [list(reply) for reply in replies] == [[node]]
    return replies[0][node]


# Revokes


def test_a_worker_that_starts_later_honours_a_revoke(deployment):
    app = deployment.app()
    first = deployment.start_worker()
    result = app.tasks["proj.noop"].apply_async(countdown=3)
    eventually(lambda: deployment.client.zcard("celeriac:parked") == 1, "the task is parked")
    app.control.revoke(result.id)
    eventually(lambda: result.state == "REVOKED", "the record says so at once")
    first.terminate()
    second = deployment.start_worker(name="w2")
    second.wait_for_line(rf"Discarding revoked task: proj\.noop\[{result.id}\]")
    assert result.state == "REVOKED"
    assert result.id in ask(app, "revoked", node="w2@test")
    assert 0 < deployment.client.ttl("celeriac:revoked") <= 10_800
    deployment.expect_empty()


def test_a_revoke_reaches_what_waits_in_the_worker_and_in_the_queue(deployment):
    app = deployment.app()
    deployment.write_tasks(pools={"one": {"processes": 1, "slots": 1}}, queues={"celery": {"pool": "one"}})
    worker = deployment.start_worker()
    running = app.tasks["proj.sleep"].delay(3)
    worker.wait_for_line(rf"\[{running.id}\] received")
    waiting = [app.tasks["proj.echo"].delay(number) for number in range(3)]
    app.control.revoke([result.id for result in waiting])
    eventually(lambda: {result.state for result in waiting} == {"REVOKED"}, "all of them are stored as revoked")
    assert running.get(timeout=60) == 3
    deployment.expect_empty()
    assert {result.state for result in waiting} == {"REVOKED"}


def test_a_task_that_does_not_cooperate_is_terminated(deployment):
    app = deployment.app()
    worker = deployment.start_worker("-c", "1")
    result = app.tasks["proj.spin"].delay(60)
    eventually(lambda: ask(app, "active"), "the task runs")
    result.revoke(terminate=True, signal="SIGKILL")
    eventually(lambda: result.state == "REVOKED", "the task is stored as revoked")
    assert str(result.result) == "terminated"
    assert app.tasks["proj.add"].delay(1, 2).get(timeout=60) == 3
    assert worker.running
    deployment.expect_empty()


# Rate limits


def test_a_rate_limit_of_the_file_spaces_starts_and_lets_others_pass(deployment):
    deployment.write_tasks(tasks={"proj.echo": {"rate_limit": "5/s"}})
    deployment.start_worker()
    app = deployment.app()
    began = time.monotonic()
    limited = [app.tasks["proj.echo"].delay(number) for number in range(6)]
    free = app.tasks["proj.add"].delay(1, 2)
    assert free.get(timeout=60) == 3
    for result in limited:
        result.get(timeout=60)
    assert time.monotonic() - began >= 1.0
    done = [result.date_done for result in limited]
    assert done == sorted(done)
    deployment.expect_empty()


def test_held_tasks_go_back_in_order_when_the_worker_stops(deployment):
    deployment.write_tasks(tasks={"proj.echo": {"rate_limit": "1/h"}})
    worker = deployment.start_worker()
    app = deployment.app()
    results = [app.tasks["proj.echo"].delay(number) for number in range(5)]
    results[0].get(timeout=60)
    eventually(lambda: deployment.held() == 4, "the others are held")
    worker.terminate()
    assert deployment.held() == 0
    items = [json.loads(item)["headers"]["id"] for item in reversed(deployment.client.lrange("celery", 0, -1))]
    assert items == [result.id for result in results[1:]]


# Fleets


def test_mingle_brings_revoked_ids_from_a_celery_worker_and_to_it(deployment):
    app = deployment.app()
    deployment.start_celery_worker("-Q", "python")

    def knows(node, id):  # It listens some moments after it has said that it is ready.
        replies = app.control.inspect([node], timeout=1).revoked()
        return replies and id in replies[node]

    def is_told():
        app.control.revoke("from-python")
        return knows("python@test", "from-python")

    eventually(is_told, "the Celery worker knows the id")
    worker = deployment.start_worker()
    worker.wait_for_line(r"mingle: sync with 1 nodes")
    eventually(lambda: "from-python" in ask(app, "revoked"), "our worker has learned it")
    assert ask(app, "clock")["clock"] > 0
    app.control.revoke("from-us", destination=["w1@test"])
    later = deployment.start_celery_worker("-Q", "python", name="later")
    later.wait_for_line(r"mingle: sync complete")
    eventually(lambda: knows("later@test", "from-us"), "the later Celery worker has learned ours")


def test_a_mixed_fleet_stays_quiet_and_elects(deployment):
    app = deployment.app()
    python = [deployment.start_celery_worker("-Q", "python", name=name) for name in ("p1", "p2")]
    worker = deployment.start_worker()
    eventually(lambda: python[0].count_lines(r"sync with w1@test"), "the Celery worker has met ours")
    time.sleep(6)  # Gossip looks for missed heartbeats every five seconds.
    for process in (*python, worker):
        assert process.count_lines(r"missed heartbeat|ERROR|Traceback") == 0, process.name
    # An election waits for every node that is alive, ours too. Two Celery workers may each take the other for the leader
    # when their votes cross; then nobody acts, and another one is held.
    elections = itertools.count()

    def hold_election():
        if next(elections) % 40 == 0:  # every five seconds
            app.control.election(f"e{time.monotonic()}", "task", app.signature("proj.noop", queue="celery"))
        time.sleep(0.1)
        return worker.count_lines(r"proj\.noop\[.*\] succeeded")

    eventually(hold_election, "a leader has sent the task", timeout=30)


def test_garbage_on_the_control_channel_hurts_nobody(deployment):
    worker = deployment.start_worker()
    app = deployment.app()
    for item in ("", "{", "[]", "null", '{"body": 1}', "x" * 2_000_000, "[" * 100_000):
        deployment.client.publish("/0.celery.pidbox", item)
    pipeline = deployment.client.pipeline()
    for _ in range(20_000):
        pipeline.publish("/0.celery.pidbox", "nonsense")
    pipeline.execute()
    assert app.tasks["proj.add"].delay(1, 2).get(timeout=60) == 3
    eventually(lambda: app.control.ping(timeout=2, destination=["w1@test"]), "the worker answers again")
    assert 1 <= worker.count_lines(r"Cannot read a remote control request") <= 200


def test_nothing_is_left_in_redis_by_replies(deployment):
    app = deployment.app()
    deployment.start_worker()
    for _ in range(3):
        assert app.control.ping(timeout=PATIENCE, destination=["w1@test"])
    left = [key.decode() for key in deployment.client.keys("*reply*")]
    assert [key for key in left if "_kombu.binding" not in key] == []


# The program's own tools


@pytest.fixture(scope="module")
def tools(shared):
    """The program's tools beside a running worker."""
    return shared


def test_status_names_the_worker(tools):
    done = tools.run("status")
    assert done.returncode == 0
    assert "->  w1@test: OK" in done.stdout
    assert "1 node online." in done.stdout


def test_inspect_prints_for_people_and_for_programs(tools):
    done = tools.run("inspect", "ping")
    assert done.returncode == 0 and "pong" in done.stdout
    replies = json.loads(tools.run("inspect", "--json", "stats").stdout)
    assert replies["w1@test"]["pool"]["processes"]
    only = tools.run("inspect", "-d", "w1@test", "-t", "5", "active_queues")
    assert only.returncode == 0 and "celery" in only.stdout


def test_control_changes_and_refuses(tools):
    done = tools.run("control", "rate_limit", "proj.noop", "100/s")
    assert done.returncode == 0 and "new rate limit set successfully" in done.stdout
    refused = tools.run("control", "rate_limit", "no.such.task", "1/s")
    assert "ERROR" in refused.stdout and "unknown task" in refused.stdout


def test_the_tools_fail_as_celerys_do(tools):
    silent = tools.run("inspect", "-d", "nobody@nowhere", "-t", "0.3", "ping")
    assert silent.returncode == 69
    assert "No nodes replied within time constraint" in silent.stderr
    unknown = tools.run("inspect", "nonsense")
    assert unknown.returncode == 2 and "nonsense" in unknown.stderr
    assert tools.run("control", "pool_grow", "many").returncode == 2
    down = tools.run("-b", "redis://127.0.0.1:1/0", "status", config=False)
    assert down.returncode == 69


def test_bindings_and_queues_are_listed(tools):
    bindings = tools.run("list", "bindings")
    assert bindings.returncode == 0
    assert [line.split() for line in bindings.stdout.splitlines()][2] == ["celery", "celery", "celery"]
    assert tools.run("list", "queues").stdout.splitlines()[2].split() == ["celery", "0"]


def test_events_are_printed_as_they_come(tools):
    process = tools.spawn("--config", tools.tasks_path, "events", "--json", "-n", "1", "--type", "worker-heartbeat")
    process.wait_for_line(r"worker-heartbeat")


def test_a_shutdown_by_the_tool_is_warm(deployment):
    worker = deployment.start_worker()
    done = deployment.run("control", "-t", "0.5", "shutdown")
    assert done.returncode == 69  # Nobody answers a shutdown, as with Celery.
    assert worker.exit_code() == 0
