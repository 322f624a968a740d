"""Messages that come back although their task has succeeded: worker_deduplicate_successful_tasks."""

import json

import pytest

ALREADY = r"Task proj\.add\[twice\] already completed successfully"


def come_back(item):
    """A message as Kombu puts it back."""
    message = json.loads(item)
    message["headers"]["redelivered"] = True
    message["properties"]["delivery_info"]["redelivered"] = True
    return json.dumps(message)


@pytest.fixture
def item(deployment):
    """The message of a task with a callback, taken from its queue before anybody else does."""
    app = deployment.app()
    callback = app.signature("proj.echo").set(queue="elsewhere")
    app.send_task("proj.add", (1, 2), task_id="twice", link=callback)
    return deployment.client.rpop("celery")


@pytest.mark.parametrize("is_told", [True, False])
def test_a_task_that_succeeded_is_not_run_again_where_the_worker_is_told_so(deployment, item, is_told):
    deployment.write_tasks(worker_deduplicate_successful_tasks=is_told)
    worker = deployment.start_worker()
    deployment.client.lpush("celery", item)
    assert deployment.app().AsyncResult("twice").get(timeout=60) == 3
    deployment.expect_empty()
    deployment.client.lpush("celery", come_back(item))
    worker.wait_for_line(r"Task proj\.add\[twice\] succeeded", count=2)
    assert worker.count_lines(ALREADY) == int(is_told)
    deployment.expect_empty()
    assert deployment.waiting("elsewhere") == (1 if is_told else 2)


def test_what_a_celery_worker_had_not_sent_yet_is_sent(deployment, item):
    deployment.write_tasks(worker_deduplicate_successful_tasks=True)
    # Its worker stored the result and died before it had sent the callback.
    record = {"status": "SUCCESS", "result": 3, "traceback": None, "children": [], "date_done": None, "task_id": "twice"}
    deployment.client.set("celery-task-meta-twice", json.dumps(record))
    worker = deployment.start_worker()
    deployment.client.lpush("celery", come_back(item))
    worker.wait_for_line(ALREADY)
    deployment.expect_empty()
    assert deployment.waiting("elsewhere") == 1
