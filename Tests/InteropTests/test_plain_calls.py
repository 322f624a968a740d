"""A plain Celery producer calls tasks and reads results; nothing is configured beyond the URLs."""

import pytest


@pytest.fixture(scope="module")
def old(shared):
    """A producer under Celery 5.2."""
    return shared.old_producer()


def test_delay_and_get_return_the_sum(app):
    assert app.tasks["proj.add"].delay(2, 3).get(timeout=60) == 5


def test_arguments_and_keyword_arguments_arrive_as_they_were_given(app):
    result = app.tasks["proj.echo"].delay(1, "two", [3, {"four": None}], five=5.5, six=True).get(timeout=60)
    assert result == {"args": [1, "two", [3, {"four": None}]], "kwargs": {"five": 5.5, "six": True}}


def test_a_task_without_a_value_returns_none(app):
    result = app.tasks["proj.noop"].delay()
    assert result.get(timeout=60) is None
    assert result.state == "SUCCESS"


def test_a_task_can_be_called_by_its_name_alone(app):
    assert app.send_task("proj.add", (40, 2)).get(timeout=60) == 42


def test_the_id_may_be_any_text_the_producer_chooses(app):
    result = app.tasks["proj.add"].apply_async((1, 1), task_id="sipariş/42 ✓")
    assert result.get(timeout=60) == 2


def test_unknown_headers_and_properties_do_not_disturb(app):
    result = app.tasks["proj.add"].apply_async(
        (1, 2), headers={"x-tenant": {"id": 7}}, app_id="billing", message_id="m-1"
    )
    assert result.get(timeout=60) == 3


def test_a_hundred_results_are_collected_from_one_group_of_calls(app):
    results = [app.tasks["proj.add"].delay(n, n) for n in range(100)]
    assert [result.get(timeout=60) for result in results] == [n + n for n in range(100)]


def test_the_old_producer_really_is_celery_5_2(old):
    assert old.ask("version")["version"] == "5.2.7"


def test_a_celery_5_2_producer_gets_the_sum(old):
    assert old.get(old.delay("proj.add", 2, 3)) == {"value": 5}


def test_a_celery_5_2_producer_gets_its_arguments_back(old):
    task_id = old.delay("proj.echo", "ğüşıöç", 2**70, 1.5, [None, True], key={"a": [1]})
    assert old.get(task_id) == {"value": {"args": ["ğüşıöç", 2**70, 1.5, [None, True]], "kwargs": {"key": {"a": [1]}}}}


def test_an_error_re_raises_in_a_celery_5_2_producer(old):
    assert old.get(old.delay("proj.fail", "boom")) == {"error": "ValueError", "message": "boom"}


def test_an_unknown_task_raises_not_registered_in_a_celery_5_2_producer(shared, old):
    # The name is known to the producer and unknown to the worker.
    task_id = shared.app().send_task("proj.nowhere").id
    answer = old.get(task_id)
    assert answer["error"] == "NotRegistered"
    assert "proj.nowhere" in answer["message"]


def test_a_celery_5_2_countdown_is_kept(old):
    task_id = old.apply("proj.add", (1, 1), countdown=1)
    assert old.get(task_id) == {"value": 2}


def test_a_celery_5_2_link_runs_after_its_task(shared, old):
    signature = {
        "task": "proj.add", "args": [10], "kwargs": {}, "options": {"task_id": "linked-by-5.2"},
        "subtask_type": None, "immutable": False,
    }
    old.get(old.apply("proj.add", (1, 2), link=[signature]))
    assert old.get("linked-by-5.2") == {"value": 13}
