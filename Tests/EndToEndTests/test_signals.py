"""Signals and exit codes."""

import json
import os
import re
import signal
import time

import pytest

from logged_process import is_running
from waiting import eventually

ONE_SLOT = {"one": {"processes": 1, "slots": 1}}


@pytest.fixture
def one_slot(deployment):
    """A deployment whose worker runs one task at a time."""
    deployment.write_tasks(pools=ONE_SLOT, queues={"celery": {"pool": "one"}}, task_track_started=True)
    return deployment


def started(result):
    """Waits until the task runs."""
    eventually(lambda: result.state == "STARTED", f"{result.id} has started")


def test_term_ends_an_idle_worker_with_0(deployment):
    worker = deployment.start_worker()
    pool = worker.children()
    begun = time.monotonic()
    assert worker.terminate() == 0
    assert time.monotonic() - begun < 5
    worker.wait_for_line(r"worker: Warm shutdown \(MainProcess\)")
    assert pool and deployment.client.zcard("celeriac:workers") == 0


def test_term_lets_the_running_task_finish_and_puts_the_rest_back_at_once(one_slot):
    deployment = one_slot
    worker = deployment.start_worker()
    app = deployment.app()
    running = app.tasks["proj.sleep"].delay(8)
    started(running)
    waiting = [app.tasks["proj.sleep"].delay(0) for _ in range(10)]
    worker.signal(signal.SIGTERM)
    worker.wait_for_line("Warm shutdown")
    # Long before the running task ends, all others are in the queue again.
    eventually(lambda: deployment.waiting() == 10 and deployment.held() == 1, "the rest is back")
    assert running.state == "STARTED"
    assert worker.exit_code() == 0
    assert running.state == "SUCCESS"
    assert deployment.held() == 0
    assert [result.state for result in waiting] == ["PENDING"] * 10


def test_repeated_terms_change_nothing(one_slot):
    worker = one_slot.start_worker()
    running = one_slot.app().tasks["proj.sleep"].delay(2)
    started(running)
    for _ in range(3):
        worker.signal(signal.SIGTERM)
    assert worker.exit_code() == 0
    assert running.state == "SUCCESS"


def test_one_int_is_a_warm_stop_with_1(one_slot):
    worker = one_slot.start_worker()
    running = one_slot.app().tasks["proj.sleep"].delay(2)
    started(running)
    worker.signal(signal.SIGINT)
    worker.wait_for_line("(?i)again|Ctrl|cold")
    assert worker.exit_code() == 1
    assert running.state == "SUCCESS"


def test_one_int_ends_an_idle_worker_with_1(deployment):
    worker = deployment.start_worker()
    worker.signal(signal.SIGINT)
    assert worker.exit_code() == 1


def test_a_second_int_is_a_cold_stop_that_puts_the_running_task_back(one_slot):
    deployment = one_slot
    worker = deployment.start_worker()
    running = deployment.app().tasks["proj.sleep"].delay(60)
    started(running)
    worker.signal(signal.SIGINT)
    worker.wait_for_line("Warm shutdown")
    worker.signal(signal.SIGINT)
    worker.wait_for_line(r"worker: Cold shutdown \(MainProcess\)")
    assert worker.exit_code() == 0
    assert deployment.waiting() == 1 and deployment.held() == 0


def test_quit_puts_everything_back_and_ends_with_0(one_slot):
    deployment = one_slot
    worker = deployment.start_worker()
    app = deployment.app()
    running = app.tasks["proj.sleep"].delay(60)
    started(running)
    others = [app.tasks["proj.sleep"].delay(0) for _ in range(5)]
    worker.signal(signal.SIGQUIT)
    worker.wait_for_line("Cold shutdown")
    worker.wait_for_line(r"Restoring \d+ unacknowledged message\(s\)")
    assert worker.exit_code() == 0
    assert deployment.waiting() == 6 and deployment.held() == 0
    # What was running is the next to run, and says that it comes again.
    item = json.loads(deployment.client.lindex("celery", -1))
    assert item["headers"]["id"] == running.id
    assert item["headers"]["redelivered"] is True
    assert item["properties"]["delivery_info"]["redelivered"] is True
    assert others


def test_quit_stops_a_spinning_task_too(one_slot):
    worker = one_slot.start_worker()
    running = one_slot.app().tasks["proj.spin"].delay(600)
    started(running)
    worker.signal(signal.SIGQUIT)
    assert worker.exit_code() == 0
    assert one_slot.waiting() == 1 and one_slot.held() == 0


def test_quit_ends_an_idle_worker_with_0(deployment):
    worker = deployment.start_worker()
    worker.signal(signal.SIGQUIT)
    assert worker.exit_code() == 0


def test_a_put_back_task_runs_in_the_next_worker(one_slot):
    first = one_slot.start_worker(name="first")
    result = one_slot.app().tasks["proj.sleep"].delay(2)
    started(result)
    first.signal(signal.SIGQUIT)
    assert first.exit_code() == 0
    one_slot.start_worker(name="second")
    assert result.get(timeout=60) == 2
    one_slot.expect_empty()


def test_remap_sigterm_makes_term_a_cold_stop(one_slot):
    worker = one_slot.start_worker(environment={"REMAP_SIGTERM": "SIGQUIT"})
    running = one_slot.app().tasks["proj.sleep"].delay(60)
    started(running)
    assert worker.terminate() == 0
    assert one_slot.waiting() == 1


def test_hup_reads_the_file_again_without_dropping_work(one_slot):
    deployment = one_slot
    worker = deployment.start_worker()
    app = deployment.app()
    running = app.tasks["proj.sleep"].delay(3)
    started(running)
    deployment.write_tasks(
        pools=ONE_SLOT, queues={"celery": {"pool": "one"}}, tasks={"proj.new": {"handler": "debug.add"}}
    )
    worker.signal(signal.SIGHUP)
    worker.wait_for_line("(?i)reload|configuration.*read")
    assert running.get(timeout=60) == 3
    assert app.send_task("proj.new", (1, 2)).get(timeout=60) == 3
    assert worker.running and worker.count_lines(rf"{running.id}\] received") == 1


def test_hup_with_a_bad_file_reports_it_and_keeps_the_old_one(deployment):
    worker = deployment.start_worker()
    good = deployment.tasks_path.read_text()
    deployment.tasks_path.write_text(good + "task_time_limt: 5\n")
    worker.signal(signal.SIGHUP)
    worker.wait_for_line(r"task_time_limt")
    assert deployment.app().tasks["proj.add"].delay(1, 1).get(timeout=60) == 2
    assert worker.running


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGTTIN], ids=lambda number: number.name)
def test_usr1_writes_down_what_runs(one_slot, number):
    worker = one_slot.start_worker()
    running = one_slot.app().tasks["proj.progress"].delay(100, 0.1)
    eventually(lambda: running.state == "PROGRESS", "it runs")
    worker.signal(number)
    line = worker.wait_for_line(rf"{running.id}.*")
    worker.wait_for_line(rf"(?=.*{re.escape(running.id)})(?=.*proj\.progress)(?!.*received).*")
    assert line and worker.running


def test_usr2_is_ignored_politely(deployment):
    worker = deployment.start_worker()
    worker.signal(signal.SIGUSR2)
    assert deployment.app().tasks["proj.add"].delay(1, 1).get(timeout=60) == 2
    assert worker.running


def test_pool_processes_end_with_a_killed_controller(deployment):
    worker = deployment.start_worker()
    pool = worker.children()
    assert len(pool) == 2
    worker.kill()
    eventually(lambda: not any(is_running(pid) for pid in pool), "the pool processes end")


def test_signals_to_the_whole_group_do_not_lose_the_running_task(one_slot):
    """Ctrl-C in a terminal reaches the pool processes too."""
    worker = one_slot.start_worker()
    running = one_slot.app().tasks["proj.sleep"].delay(2)
    started(running)
    os.killpg(worker.pid, signal.SIGINT)
    assert worker.exit_code() == 1
    assert running.state == "SUCCESS"
