"""Hundreds of kills over thousands of tasks, and none is missing."""

import random
import re

import pytest

from victims import Victims
from waiting import eventually

KILLS = 300


@pytest.mark.timeout(600)
def test_hundreds_of_kills_over_thousands_of_tasks_lose_none(deployment):
    chance = random.Random(20261121)
    deployment.write_tasks(
        pools={"cpu": {"processes": 1, "slots": 4}, "here": {"inline": True, "slots": 8}},
        queues={"pooled": {"pool": "cpu"}, "inline": {"pool": "here"}},
        # Dead workers are noticed soon, so that much is returned, held and killed again.
        worker_dead_after=2,
    )
    app = deployment.app()

    def send(count):
        """Publishes a mixture: quick, slow, in either pool, some for later, some that retry."""
        for _ in range(count):
            queue = chance.choice(["pooled", "inline"])
            kind = chance.random()
            if kind < 0.4:
                yield app.tasks["proj.add"].apply_async((1, 2), queue=queue).id
            elif kind < 0.85:
                # Much shorter than a worker lives: what is in the hands of twenty dead in a row counts as poison.
                yield app.tasks["proj.sleep"].apply_async((chance.uniform(0.1, 0.6),), queue=queue).id
            elif kind < 0.95:
                yield app.tasks["proj.add"].apply_async((1, 2), queue=queue, countdown=chance.uniform(0, 3)).id
            else:
                yield app.tasks["proj.retry"].apply_async((1, 0.3), queue=queue).id

    victims = Victims(deployment, chance)
    ids = []
    for _ in range(KILLS):
        ids += send(10)
        victims.kill_one()

    def missing():
        return [id for id, state in zip(ids, deployment.statuses(ids)) if state != "SUCCESS"]

    try:
        eventually(lambda: not missing(), "every task has succeeded", timeout=90)
    except AssertionError:
        states = dict(zip(ids, deployment.statuses(ids)))
        print({id: states[id] for id in missing()[:20]}, deployment.dead_letters()[:5])
        raise
    assert len(ids) == KILLS * 10
    for queue in ("pooled", "inline"):
        deployment.expect_empty(queue, timeout=60)
    # The kills did hit: many messages were in the hands of the dead.
    returned = sum(
        int(count) for process in deployment.processes for count in re.findall(r"took back (\d+) message", process.text)
    )
    print(f"{returned} messages were taken back")
    assert returned > KILLS / 10
