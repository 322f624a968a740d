"""Workers are killed while chords and chains run: none is stuck, and no body runs twice.

`CANVAS_KILLS` says how many kills (60).
"""

import json
import os
import random

import pytest

from canvases import Canvases
from victims import Victims
from waiting import eventually

KILLS = int(os.environ.get("CANVAS_KILLS", 60))
CANVASES_PER_KILL = 40


@pytest.mark.timeout(900)
def test_no_canvas_is_stuck_and_no_body_is_published_twice(deployment):
    chance = random.Random(20261121)
    deployment.write_tasks(
        pools={"cpu": {"processes": 1, "slots": 4}, "here": {"inline": True, "slots": 16}},
        queues={"celery": {"pool": "here"}, "pooled": {"pool": "cpu"}, "bodies": {"pool": "here"}},
        worker_dead_after=2,
    )
    app = deployment.app()
    make = Canvases(app)

    def canvas(number):
        queue = chance.choice(["celery", "pooled"])
        # Bodies go to a queue that nobody takes from while workers die: what is published twice is there twice.
        body = make.echo(number).set(queue="bodies", task_id=f"body-{number}")
        if chance.random() < 0.25:
            return make.chain(*(make.add(1).set(queue=queue) for _ in range(chance.randint(1, 4))), body)
        header = [make.add(number, i).set(queue=queue) for i in range(chance.randint(1, 4))]
        if chance.random() < 0.3:
            header[0] = header[0] | make.add(1)
        if chance.random() < 0.2:
            header.append(make.chord([make.add(1), make.add(2)], make.echo()))
        return (make.add(1) | make.chord(header, body)) if chance.random() < 0.3 else make.chord(header, body)

    victims = Victims(deployment, chance, "-Q", "celery,pooled")
    sent = 0
    for _ in range(KILLS):
        for _ in range(CANVASES_PER_KILL):
            canvas(sent).apply_async()
            sent += 1
        victims.kill_one()

    def bodies():
        items = deployment.client.lrange("bodies", 0, -1)
        return [json.loads(item)["headers"]["id"] for item in items]

    eventually(lambda: len(set(bodies())) == sent, f"the bodies of {sent} chords are published", timeout=120)
    for queue in ("celery", "pooled"):
        deployment.expect_empty(queue, timeout=60)
    published = bodies()
    assert len(published) == len(set(published)), "a body was published twice"
    eventually(lambda: not deployment.client.exists("celeriac:chords"), "no chord waits to be finished", timeout=40)
    last = deployment.spawn(
        "--config", deployment.tasks_path, "worker", "-l", "WARNING", "-n", "last@test", "-Q", "bodies"
    )
    assert last.running
    ids = [f"body-{number}" for number in range(sent)]
    eventually(lambda: set(deployment.statuses(ids)) == {"SUCCESS"}, "every body has run", timeout=60)
