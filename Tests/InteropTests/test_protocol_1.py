"""Producers that still write task protocol 1."""

import pytest


@pytest.fixture(scope="module")
def app(shared):
    """A Celery 5.7 application that writes protocol 1."""
    return shared.app(task_protocol=1)


def test_a_protocol_1_call_returns_its_result(app):
    assert app.tasks["proj.add"].delay(2, 3).get(timeout=60) == 5


def test_protocol_1_keyword_arguments_arrive(app):
    assert app.tasks["proj.echo"].delay(1, key="ı").get(timeout=60) == {"args": [1], "kwargs": {"key": "ı"}}


def test_a_protocol_1_error_re_raises(app):
    with pytest.raises(ValueError, match="boom"):
        app.tasks["proj.fail"].delay("boom").get(timeout=60)


def test_a_protocol_1_countdown_delays_the_task(app):
    assert app.tasks["proj.add"].apply_async((1, 1), countdown=1).get(timeout=60) == 2


def test_a_protocol_1_message_that_expired_is_revoked(app):
    result = app.tasks["proj.add"].apply_async((1, 1), expires=-5)
    with pytest.raises(Exception, match="expired"):
        result.get(timeout=60)
    assert result.state == "REVOKED"


def test_a_protocol_1_link_runs_after_its_task(app):
    callback = app.signature("proj.add", args=(10,)).set(task_id="after-protocol-1")
    app.tasks["proj.add"].apply_async((1, 2), link=callback).get(timeout=60)
    assert app.AsyncResult("after-protocol-1").get(timeout=60) == 13


def test_a_protocol_1_chain_passes_results_on(app):
    chain = app.signature("proj.add", args=(1, 2)) | app.signature("proj.add", args=(4,))
    assert chain.apply_async().get(timeout=60) == 7


def test_a_protocol_1_compressed_message_is_understood(app):
    assert app.tasks["proj.echo"].apply_async(("x" * 1000,), compression="gzip").get(timeout=60)["args"] == ["x" * 1000]


def test_a_protocol_1_retry_succeeds_at_last(app):
    result = app.tasks["proj.retry"].delay(1, 0.2)
    assert result.get(timeout=60) is not None
    assert result.state == "SUCCESS"
