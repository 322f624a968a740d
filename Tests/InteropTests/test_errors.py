"""Errors re-raise in Python with the class and the message that a Celery worker would have stored."""

import pytest
from celery.exceptions import NotRegistered, WorkerLostError

from waiting import eventually


def test_a_raised_error_re_raises_with_its_class_and_message(app):
    result = app.tasks["proj.fail"].delay("kutu boş")
    with pytest.raises(ValueError) as raised:
        result.get(timeout=60)
    assert raised.value.args == ("kutu boş",)
    assert result.state == "FAILURE"
    assert result.traceback


def test_an_error_without_propagation_is_the_value(app):
    value = app.tasks["proj.fail"].delay("boom").get(timeout=60, propagate=False)
    assert isinstance(value, ValueError) and value.args == ("boom",)


def test_an_unknown_task_raises_not_registered_and_is_kept(shared, app):
    result = app.send_task("proj.unknown", (1,))
    with pytest.raises(NotRegistered, match="proj.unknown"):
        result.get(timeout=60)
    assert result.traceback is None
    kept = eventually(
        lambda: [letter for letter in shared.dead_letters() if letter["id"] == result.id], "the message is kept"
    )
    assert "proj.unknown" in kept[0]["reason"]


def test_too_many_arguments_are_a_type_error_that_says_so(app):
    with pytest.raises(TypeError, match="1 positional argument.*3 were given"):
        app.tasks["proj.sleep"].delay(0, 1, 2).get(timeout=60)


def test_an_unexpected_keyword_is_a_type_error_that_names_it(app):
    with pytest.raises(TypeError, match="colour"):
        app.tasks["proj.sleep"].delay(0, colour="red").get(timeout=60)


def test_an_argument_of_the_wrong_type_is_a_type_error_that_names_it(app):
    with pytest.raises(TypeError, match="seconds"):
        app.tasks["proj.sleep"].delay("long").get(timeout=60)


def test_a_crashed_pool_process_is_worker_lost_and_its_replacement_runs(app):
    result = app.tasks["proj.crash"].delay()
    with pytest.raises(WorkerLostError, match="signal"):
        result.get(timeout=60)
    assert app.tasks["proj.add"].delay(1, 1).get(timeout=60) == 2


def test_a_crash_leaves_the_neighbours_in_other_processes_alone(app):
    neighbour = app.tasks["proj.sleep"].delay(1.5)
    crash = app.tasks["proj.crash"].delay()
    with pytest.raises(WorkerLostError):
        crash.get(timeout=60)
    neighbour.get(timeout=60)
    assert neighbour.state == "SUCCESS"


def test_a_crash_is_redelivered_when_the_task_rejects_on_worker_lost(deployment):
    deployment.write_tasks(tasks={"proj.crash": {"acks_late": True, "reject_on_worker_lost": True}})
    worker = deployment.start_worker()
    result = deployment.app().tasks["proj.crash"].delay()
    # It comes again and crashes again, until its deliveries are used up; the worker stays.
    worker.wait_for_line(rf"proj\.crash\[{result.id}\] received", count=2)
    assert worker.running
