"""Success and failure callbacks, and plain chains."""

import json

import pytest

from waiting import eventually


def add(app, *args, **options):
    """A signature of the adding task."""
    return app.signature("proj.add", args=args, **options)


def test_a_link_gets_the_result_in_front_of_its_own_arguments(app):
    callback = add(app, 10).set(task_id="link-1")
    app.tasks["proj.add"].apply_async((1, 2), link=callback).get(timeout=60)
    result = app.AsyncResult("link-1")
    assert result.get(timeout=60) == 13


def test_an_immutable_link_gets_its_own_arguments_only(app):
    callback = add(app, 10, 20, immutable=True).set(task_id="link-2")
    app.tasks["proj.add"].apply_async((1, 2), link=callback).get(timeout=60)
    assert app.AsyncResult("link-2").get(timeout=60) == 30


def test_several_links_all_run(app):
    callbacks = [add(app, n).set(task_id=f"link-many-{n}") for n in (1, 2, 3)]
    app.tasks["proj.add"].apply_async((10, 0), link=callbacks).get(timeout=60)
    assert [app.AsyncResult(f"link-many-{n}").get(timeout=60) for n in (1, 2, 3)] == [11, 12, 13]


def test_the_parent_names_its_callback_as_a_child(app):
    result = app.tasks["proj.add"].apply_async((1, 2), link=add(app, 1).set(task_id="child-1"))
    result.get(timeout=60)
    assert [child.id for child in result.children] == ["child-1"]
    child = app.AsyncResult("child-1")
    child.get(timeout=60)
    assert child._get_task_meta()["parent_id"] == result.id


def test_a_link_does_not_run_after_a_failure(shared, app):
    result = app.tasks["proj.fail"].apply_async(("no",), link=add(app, 1).set(task_id="never-linked"))
    with pytest.raises(ValueError):
        result.get(timeout=60)
    shared.expect_empty()
    assert app.AsyncResult("never-linked").state == "PENDING"


def test_a_link_error_gets_the_failed_tasks_id(app):
    errback = app.signature("proj.echo").set(task_id="errback-1")
    result = app.tasks["proj.fail"].apply_async(("boom",), link_error=errback)
    with pytest.raises(ValueError):
        result.get(timeout=60)
    assert app.AsyncResult("errback-1").get(timeout=60) == {"args": [result.id], "kwargs": {}}


def test_a_link_error_is_sent_to_the_queue_it_names_when_its_task_lives_elsewhere(shared, app):
    errback = app.signature("elsewhere.report", queue="elsewhere").set(task_id="errback-2")
    result = app.tasks["proj.fail"].apply_async(("boom",), link_error=errback)
    with pytest.raises(ValueError):
        result.get(timeout=60)
    item = eventually(lambda: shared.client.rpop("elsewhere"), "the error callback is in its queue")
    headers = json.loads(item)["headers"]
    assert headers["task"] == "elsewhere.report" and headers["id"] == "errback-2"
    assert headers["parent_id"] == result.id


def test_a_link_error_does_not_run_after_a_success(shared, app):
    errback = app.signature("proj.echo").set(task_id="never-errback")
    app.tasks["proj.add"].apply_async((1, 1), link_error=errback).get(timeout=60)
    shared.expect_empty()
    assert app.AsyncResult("never-errback").state == "PENDING"


def test_a_link_error_runs_after_a_hard_time_limit(app):
    errback = app.signature("proj.echo").set(task_id="errback-limit")
    result = app.tasks["proj.spin"].apply_async((30,), time_limit=1, link_error=errback)
    result.get(timeout=20, propagate=False)
    assert app.AsyncResult("errback-limit").get(timeout=60)["args"] == [result.id]


def test_a_chain_passes_each_result_on(app):
    chain = add(app, 1, 2) | add(app, 3) | add(app, 4) | app.signature("proj.echo", kwargs={"last": True})
    result = chain.apply_async()
    assert result.get(timeout=60) == {"args": [10], "kwargs": {"last": True}}
    assert result.parent.get(timeout=60) == 10 and result.parent.parent.get(timeout=60) == 6


def test_a_chain_knows_its_root_and_parents(app):
    result = (add(app, 1, 2) | add(app, 3)).apply_async()
    result.get(timeout=60)
    first = result.parent
    assert [child.id for child in first.children] == [result.id]
    assert result._get_task_meta()["parent_id"] == first.id


def test_a_chain_element_goes_to_the_queue_it_names(shared, app):
    result = (add(app, 1, 2) | add(app, 3).set(queue="other")).apply_async()
    item = eventually(lambda: shared.client.rpop("other"), "the second element is in its queue")
    headers = json.loads(item)["headers"]
    assert headers["id"] == result.id and headers["root_id"] == result.parent.id


def test_a_failing_chain_fails_every_later_step(app):
    result = (add(app, 1, 2) | app.signature("proj.fail", args=()) | add(app, 1) | add(app, 2)).apply_async()
    # `proj.fail` gets 3 as its message; both steps after it fail with the same error.
    with pytest.raises((ValueError, TypeError)):
        result.get(timeout=60)
    failed = result.parent.parent
    assert result.parent.get(timeout=60, propagate=False).args == failed.get(timeout=60, propagate=False).args
    assert (result.state, result.parent.state, failed.state) == ("FAILURE", "FAILURE", "FAILURE")
    assert failed.parent.state == "SUCCESS"


def test_link_error_of_a_chain_is_called_for_the_step_that_failed(app):
    chain = app.signature("proj.fail", args=("first",)) | add(app, 1)
    chain.on_error(app.signature("proj.echo").set(task_id="chain-errback"))
    result = chain.apply_async()
    result.get(timeout=60, propagate=False)
    assert app.AsyncResult("chain-errback").get(timeout=60)["args"] == [result.parent.id]


def test_link_and_chain_both_go_on(app):
    first = add(app, 1, 2)
    first.link(add(app, 100).set(task_id="beside-chain"))
    result = (first | add(app, 3)).apply_async()
    assert result.get(timeout=60) == 6
    assert app.AsyncResult("beside-chain").get(timeout=60) == 103


def test_a_callback_may_be_delayed(app):
    callback = add(app, 1).set(task_id="delayed-callback", countdown=1)
    app.tasks["proj.add"].apply_async((1, 1), link=callback).get(timeout=60)
    assert app.AsyncResult("delayed-callback").get(timeout=60) == 3
