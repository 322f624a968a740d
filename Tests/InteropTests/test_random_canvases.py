"""Random canvases, run by Celery's worker and by Celeriac's: both lead to the same.

They are nested; some of their tasks retry, are replaced, carry priorities or stamps, or fail. `CANVASES` says how many
there are (60), `CANVAS_SEED` which ones.
"""

import collections
import json
import os
import random
import re
import time

import pytest

from canvases import RandomCanvases
from deployment import Deployment
from waiting import eventually

COUNT = int(os.environ.get("CANVASES", 60))
SEED = int(os.environ.get("CANVAS_SEED", 20261121))
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")

Outcome = collections.namedtuple("Outcome", "canvas state result records keys")


def without_ids(value):
    """A value with the ids in its texts made equal."""
    return json.loads(ID.sub("<id>", json.dumps(value)))


def settled(deployment, result):
    """Waits until nothing of a canvas is on its way; answers whether its result is there."""
    def is_idle():
        client = deployment.client
        return not (deployment.waiting() or deployment.held() or client.zcard("celeriac:parked")
                    or client.exists("celeriac:chords"))

    def stays_idle(times, pause):
        # Between two looks a message may have led to the next, and Celery's are nowhere while they are fetched.
        for _ in range(times):
            if not is_idle():
                return False
            time.sleep(pause)
        return is_idle()

    def has_come_to_rest():
        return stays_idle(3, 0.02) and (result.ready() or stays_idle(10, 0.1))

    eventually(has_come_to_rest, f"{result.id} has come to rest", timeout=60)
    return result.ready()


def shape(children):
    """The form of a task's children: a number for a group's members."""
    return [len(members) if members is not None else None for _, members in children or []]


def left_behind(record):
    """What a record says, its ids made equal."""
    failure = record["result"] if record["status"] == "FAILURE" else {}
    # Celery gives a body that never ran the children of whichever task of the header ended last.
    children = None if failure.get("exc_type") == "ChordError" else shape(record["children"])
    return json.dumps([record["status"], without_ids(record["result"]), children], sort_keys=True)


def outcome(deployment, canvas, result):
    """What a canvas has left in Redis, its ids made equal."""
    client = deployment.client
    is_ready = settled(deployment, result)
    keys = client.keys("celery-task*")
    records = [json.loads(client.get(key)) for key in keys if key.startswith("celery-task-meta-")]
    end = result._get_task_meta() if is_ready else {"status": "PENDING", "result": None}
    return Outcome(
        canvas=ID.sub("<id>", repr(canvas)),
        state=end["status"],
        result=without_ids(json.loads(client.get(f"celery-task-meta-{result.id}"))["result"]) if is_ready else None,
        records=collections.Counter(left_behind(record) for record in records),
        keys=sorted(ID.sub("<id>", key) for key in keys),
    )


def run(deployment, seed, failures):
    """Runs the canvases of a seed one by one and answers what each has left."""
    app = deployment.app()
    for number in range(COUNT):
        deployment.client.flushdb()  # the test's own server
        chance = random.Random(f"{seed}/{number}")
        canvas = RandomCanvases(app, chance, failures=failures).whole()
        yield outcome(deployment, canvas, canvas.apply_async())


def both(folder, seed, failures=0.0):
    """The outcomes of a seed's canvases on Celeriac and on Celery."""
    with Deployment(folder / "celeriac") as deployment:
        deployment.start_worker()
        ours = list(run(deployment, seed, failures))
    with Deployment(folder / "celery") as deployment:
        deployment.start_celery_worker("--without-gossip", "--without-mingle")
        theirs = list(run(deployment, seed, failures))
    return zip(ours, theirs)


@pytest.mark.timeout(900)
def test_canvases_without_failures_lead_to_the_same_results_records_and_keys(tmp_path):
    for number, (our, their) in enumerate(both(tmp_path, SEED)):
        assert our == their, f"canvas {number} of seed {SEED}: {our.canvas}"


@pytest.mark.timeout(900)
def test_canvases_with_failures_end_as_with_celery_or_where_that_leaves_them_waiting(tmp_path):
    ends = collections.Counter()
    for number, (our, their) in enumerate(both(tmp_path, SEED + 1, failures=0.1)):
        name = f"canvas {number} of seed {SEED + 1}: {our.canvas}"
        ends[their.state] += 1
        if their.state == "PENDING":
            # A chord within a chord failed: Celery's outer body waits for good.
            assert our.state == "FAILURE", name
            continue
        assert (our.state, our.result) == (their.state, their.result), name
        # What will never run is failed here, where some of it stays PENDING there.
        missing, beyond = their.records - our.records, our.records - their.records
        assert not missing, f"{name}: missing {dict(missing)}, beyond {dict(beyond)}"
        assert {json.loads(record)[0] for record in beyond} <= {"FAILURE"}, f"{name}: beyond {dict(beyond)}"
    assert ends["SUCCESS"] and ends["FAILURE"], ends
