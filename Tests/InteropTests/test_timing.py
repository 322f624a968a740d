"""When tasks start: countdown, eta, expiry."""

import datetime
import time

import pytest
from celery.exceptions import TaskRevokedError

from waiting import eventually

UTC = datetime.timezone.utc


def done(result):
    """The moment of the end in seconds since 1970."""
    result.get(timeout=60)
    return result.date_done.timestamp()


def test_a_countdown_delays_the_start_and_little_more(app):
    sent = time.time()
    assert 2.0 <= done(app.tasks["proj.add"].apply_async((1, 1), countdown=2)) - sent < 3.5


def test_an_eta_is_kept(app):
    eta = datetime.datetime.now(UTC) + datetime.timedelta(seconds=2)
    assert 0 <= done(app.tasks["proj.add"].apply_async((1, 1), eta=eta)) - eta.timestamp() < 1.5


def test_an_eta_in_another_timezone_is_the_same_moment(app):
    eta = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=-8))) + datetime.timedelta(seconds=1)
    assert 0 <= done(app.tasks["proj.add"].apply_async((1, 1), eta=eta)) - eta.timestamp() < 1.5


def test_an_eta_of_the_past_runs_at_once(app):
    eta = datetime.datetime(2001, 1, 1, tzinfo=UTC)
    assert app.tasks["proj.add"].apply_async((1, 1), eta=eta).get(timeout=60) == 2


def test_waiting_tasks_do_not_keep_others_from_running(app):
    later = [app.tasks["proj.add"].apply_async((n, 0), countdown=3600) for n in range(200)]
    assert app.tasks["proj.add"].delay(1, 1).get(timeout=60) == 2
    for result in later:
        assert result.state == "PENDING"


def test_tasks_for_later_are_parked_in_redis_and_not_held(deployment):
    deployment.start_worker()
    app = deployment.app()
    results = [app.tasks["proj.add"].apply_async((n, 0), countdown=3600) for n in range(50)]
    eventually(lambda: deployment.client.zcard("celeriac:parked") == 50, "all are parked")
    assert deployment.held() == 0 and deployment.waiting() == 0
    assert deployment.statuses([result.id for result in results]) == ["PENDING"] * 50


def test_a_parked_task_is_run_by_whichever_worker_is_awake(deployment):
    first = deployment.start_worker(name="first")
    app = deployment.app()
    sent = time.time()
    result = app.tasks["proj.add"].apply_async((2, 3), countdown=8)
    eventually(lambda: deployment.client.zcard("celeriac:parked") == 1, "it is parked")
    first.kill()
    deployment.start_worker(name="second")
    assert 8 <= done(result) - sent < 11
    deployment.expect_empty()


def test_an_expired_message_is_revoked_and_never_run(shared, app):
    worker = shared.worker
    result = app.tasks["proj.add"].apply_async((1, 1), expires=-1)
    with pytest.raises(TaskRevokedError, match="expired"):
        result.get(timeout=60)
    assert result.state == "REVOKED"
    assert worker.count_lines(rf"proj\.add\[{result.id}\] succeeded") == 0


def test_a_message_that_has_not_expired_runs(app):
    assert app.tasks["proj.add"].apply_async((1, 1), expires=60).get(timeout=60) == 2


def test_a_message_that_expires_while_it_waits_for_a_slot_is_revoked(deployment):
    deployment.write_tasks(pools={"one": {"processes": 1, "slots": 1}}, queues={"celery": {"pool": "one"}})
    deployment.start_worker()
    app = deployment.app()
    first = app.tasks["proj.sleep"].delay(3)
    second = app.tasks["proj.add"].apply_async((1, 1), expires=1)
    with pytest.raises(TaskRevokedError):
        second.get(timeout=60)
    first.get(timeout=60)


def test_an_eta_after_the_expiry_is_revoked(app):
    result = app.tasks["proj.add"].apply_async((1, 1), countdown=2, expires=1)
    with pytest.raises(TaskRevokedError, match="expired"):
        result.get(timeout=60)
