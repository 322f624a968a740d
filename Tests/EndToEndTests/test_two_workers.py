"""Two workers that live side by side on the same queues."""

import re

from waiting import eventually

QUEUES = {"celery": {"pool": "cpu"}, "second": {"pool": "cpu"}}


def received(worker):
    """The ids of the tasks that a worker took, in order."""
    return re.findall(r"\[([0-9a-f-]{36})\] received", worker.text)


def succeeded(worker):
    """The ids of the tasks that a worker finished, in order."""
    return re.findall(r"\[([0-9a-f-]{36})\] succeeded", worker.text)


def send(app, count, seconds):
    """Publishes tasks of this length to both queues in turn and returns their ids."""
    queues = list(QUEUES)
    return [
        app.tasks["proj.sleep"].apply_async((seconds,), queue=queues[number % len(queues)]).id
        for number in range(count)
    ]


def expect_success(deployment, ids, timeout=60):
    """Waits until every task has succeeded and nothing is left in Redis."""
    eventually(lambda: set(deployment.statuses(ids)) == {"SUCCESS"}, "every task has succeeded", timeout)
    for queue in QUEUES:
        deployment.expect_empty(queue)


def test_both_get_work_and_each_message_runs_once(deployment):
    deployment.write_tasks(queues=QUEUES)
    workers = [deployment.start_worker(name=f"w{number}") for number in range(2)]
    ids = send(deployment.app(), 300, 0.02)
    expect_success(deployment, ids)
    shares = [received(worker) for worker in workers]
    assert sorted(shares[0] + shares[1]) == sorted(ids)
    assert sorted(succeeded(workers[0]) + succeeded(workers[1])) == sorted(ids)
    # They have as many processes each: neither may take nearly all.
    assert min(len(share) for share in shares) > len(ids) / 10


def test_what_a_killed_one_had_not_finished_runs_on_the_other_and_nothing_else_does(deployment):
    deployment.write_tasks(queues=QUEUES, worker_dead_after=3)
    killed, left = (deployment.start_worker(name=name) for name in ("killed", "left"))
    ids = send(deployment.app(), 80, 0.2)
    eventually(lambda: len(succeeded(killed)) >= 5 and len(succeeded(left)) >= 5, "both have done some")
    killed.kill()
    expect_success(deployment, ids)
    # Whose end it has told had been committed, or is run again; there are two slots for those in between.
    again = set(succeeded(killed)) & set(received(left))
    assert len(again) <= 2
    assert set(ids) == set(succeeded(killed)) | set(succeeded(left))
    # What the other did is never done twice.
    assert len(succeeded(left)) == len(set(succeeded(left)))


def test_one_that_stops_leaves_its_messages_to_the_other(deployment):
    deployment.write_tasks(queues=QUEUES)
    stopped, left = (deployment.start_worker(name=name) for name in ("stopped", "left"))
    ids = send(deployment.app(), 80, 0.1)
    eventually(lambda: len(succeeded(stopped)) >= 5, "the one to stop has done some")
    assert stopped.terminate() == 0
    expect_success(deployment, ids)
    done = succeeded(stopped) + succeeded(left)
    assert sorted(done) == sorted(ids)
