"""Which queue a message is taken from, and in which order."""

import json

from waiting import eventually

ONE_SLOT = {"one": {"processes": 1, "slots": 1}}


def order_of_ends(deployment, ids):
    """The ids in the order in which their tasks ended."""
    records = [json.loads(deployment.client.get(f"celery-task-meta-{id}")) for id in ids]
    return [record["task_id"] for record in sorted(records, key=lambda record: record["date_done"])]


def test_a_worker_takes_from_the_queues_it_is_given(deployment):
    deployment.write_tasks(queues={"pdf": {"pool": "cpu"}, "sms": {"pool": "cpu"}, "mail": {"pool": "cpu"}})
    deployment.start_worker("-Q", "pdf,sms")
    app = deployment.app()
    served = [app.tasks["proj.add"].apply_async((n, 1), queue=queue) for n, queue in enumerate(["pdf", "sms"])]
    left = app.tasks["proj.add"].apply_async((1, 1), queue="mail")
    assert [result.get(timeout=60) for result in served] == [1, 2]
    assert deployment.waiting("mail") == 1 and left.state == "PENDING"


def test_a_queue_nobody_configured_can_be_served_by_name(deployment):
    deployment.start_worker("-Q", "pdf:1,faturalar")
    app = deployment.app()
    results = [app.tasks["proj.add"].apply_async((1, 1), queue=queue) for queue in ("pdf:1", "faturalar")]
    assert [result.get(timeout=60) for result in results] == [2, 2]


def test_without_q_every_configured_queue_is_served(deployment):
    deployment.write_tasks(queues={"pdf": {"pool": "cpu"}, "sms": {"pool": "cpu"}})
    deployment.start_worker()
    app = deployment.app()
    results = [app.tasks["proj.add"].apply_async((1, 1), queue=queue) for queue in ("pdf", "sms")]
    assert [result.get(timeout=60) for result in results] == [2, 2]


def test_excluded_queues_are_left_alone(deployment):
    deployment.write_tasks(queues={"pdf": {"pool": "cpu"}, "sms": {"pool": "cpu"}})
    deployment.start_worker("-X", "sms")
    app = deployment.app()
    excluded = app.tasks["proj.add"].apply_async((1, 1), queue="sms")
    assert app.tasks["proj.add"].apply_async((1, 1), queue="pdf").get(timeout=60) == 2
    assert excluded.state == "PENDING"


def test_with_one_slot_a_backlog_is_worked_off_strictly_by_priority(deployment):
    deployment.write_tasks(pools=ONE_SLOT, queues={"celery": {"pool": "one"}})
    app = deployment.app()
    ids = {}
    # Least urgent first, so that the order of arrival would be the wrong one; 0 is the most urgent on Redis.
    for priority in (9, 6, 3, 0):
        ids[priority] = [
            app.tasks["proj.sleep"].apply_async((0.02,), priority=priority).id for _ in range(8)
        ]
    deployment.start_worker()
    every = [id for priority in (0, 3, 6, 9) for id in ids[priority]]
    eventually(lambda: set(deployment.statuses(every)) == {"SUCCESS"}, "all have run")
    assert order_of_ends(deployment, every) == every


def test_an_urgent_message_overtakes_a_backlog_that_came_before(deployment):
    deployment.write_tasks(pools=ONE_SLOT, queues={"celery": {"pool": "one"}})
    deployment.start_worker()
    app = deployment.app()
    slow = [app.tasks["proj.sleep"].apply_async((0.4,), priority=9) for _ in range(12)]
    slow[0].get(timeout=60)
    urgent = app.tasks["proj.add"].apply_async((1, 1), priority=0)
    urgent.get(timeout=60)
    ended = sum(state == "SUCCESS" for state in deployment.statuses([result.id for result in slow]))
    # One runs, at most a short lookahead is held; the rest of the backlog had to wait.
    assert ended <= 5


def test_priority_zero_of_any_queue_comes_before_priority_three_of_another(deployment):
    deployment.write_tasks(pools=ONE_SLOT, queues={"a": {"pool": "one"}, "b": {"pool": "one"}})
    app = deployment.app()
    later = [app.tasks["proj.sleep"].apply_async((0.02,), queue="a", priority=3).id for _ in range(5)]
    first = [app.tasks["proj.sleep"].apply_async((0.02,), queue="b", priority=0).id for _ in range(5)]
    deployment.start_worker()
    eventually(lambda: set(deployment.statuses(first + later)) == {"SUCCESS"}, "all have run")
    assert order_of_ends(deployment, first + later) == first + later


def test_queues_of_equal_priority_take_turns(deployment):
    deployment.write_tasks(pools=ONE_SLOT, queues={"a": {"pool": "one"}, "b": {"pool": "one"}})
    app = deployment.app()
    in_a = [app.tasks["proj.sleep"].apply_async((0.05,), queue="a").id for _ in range(30)]
    in_b = [app.tasks["proj.sleep"].apply_async((0.05,), queue="b").id for _ in range(5)]
    deployment.start_worker()
    eventually(lambda: set(deployment.statuses(in_b)) == {"SUCCESS"}, "the short queue is done")
    assert "PENDING" in deployment.statuses(in_a)


def test_slow_tasks_are_not_hoarded_by_one_worker(deployment):
    deployment.write_tasks(pools=ONE_SLOT, queues={"celery": {"pool": "one"}})
    deployment.start_worker(name="first")
    app = deployment.app()
    results = [app.tasks["proj.sleep"].delay(1.5) for _ in range(6)]
    results[0].get(timeout=60)
    # The first worker runs one and holds at most a little; whoever comes second gets the rest at once.
    assert deployment.waiting() >= 3
    second = deployment.start_worker(name="second")
    second.wait_for_line(r"proj\.sleep\[.*\] received")
    for result in results:
        result.get(timeout=60)


def test_a_queues_own_concurrency_is_not_exceeded(deployment):
    deployment.write_tasks(
        pools={"io": {"processes": 1, "slots": 20}},
        queues={"narrow": {"pool": "io", "concurrency": 2}, "wide": {"pool": "io"}},
        task_track_started=True,
    )
    deployment.start_worker()
    app = deployment.app()
    narrow = [app.tasks["proj.sleep"].apply_async((0.5,), queue="narrow").id for _ in range(6)]
    wide = [app.tasks["proj.sleep"].apply_async((0.5,), queue="wide").id for _ in range(6)]
    most = {"narrow": 0, "wide": 0}

    def all_done():
        for name, ids in (("narrow", narrow), ("wide", wide)):
            most[name] = max(most[name], deployment.statuses(ids).count("STARTED"))
        return set(deployment.statuses(narrow + wide)) == {"SUCCESS"}

    eventually(all_done, "all have run")
    assert most["narrow"] <= 2 and most["wide"] >= 4


def test_the_purge_flag_empties_the_queues_first(deployment):
    app = deployment.app()
    gone = [app.tasks["proj.add"].delay(n, n) for n in range(5)]
    worker = deployment.start_worker("--purge")
    assert deployment.waiting() == 0
    assert "5" in worker.text
    assert app.tasks["proj.add"].delay(1, 1).get(timeout=60) == 2
    assert deployment.statuses([result.id for result in gone]) == ["PENDING"] * 5
