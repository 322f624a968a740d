"""Chords whose parts Celery workers and Celeriac workers return, in one fleet."""

import pytest
from celery.exceptions import ChordError

from canvases import Canvases, echoed


@pytest.fixture(scope="module")
def fleet(shared):
    shared.start_celery_worker("--without-gossip", "--without-mingle")
    return shared


TASKS_FILE = {
    "pools": {"one": {"processes": 1, "slots": 1}},
    "queues": {"celery": {"pool": "one"}, "swift": {"pool": "one"}},
}


@pytest.fixture
def make(fleet, app):
    return Canvases(app)


def ran_by_python(fleet):
    return {line.split()[1] for line in fleet.redis.client(5).lrange("ran", 0, -1)}


def test_chords_of_parts_that_either_runs_complete(fleet, make):
    results = [make.chord([make.add(n, i) for i in range(6)], make.echo()).apply_async() for n in range(40)]
    for n, result in enumerate(results):
        assert result.get(timeout=60) == echoed([n + i for i in range(6)])
    parts = {part.id for result in results for part in result.parent.results}
    by_python = ran_by_python(fleet) & parts
    assert by_python and by_python != parts, "both ran parts"
    fleet.expect_empty()
    left = fleet.client.keys("celery-taskset-meta-*.[jstd]")
    assert not left, left


def test_a_part_of_each_kind_completes_the_others_chord(fleet, make):
    # The queue `swift` is Celeriac's alone; the Celery worker holds no other.
    for slow in ("swift", "celery"):
        quick = "celery" if slow == "swift" else "swift"
        sleep = make.app.signature("proj.sleep", args=(0.5,)).set(queue=slow)
        result = make.chord([make.add(1).set(queue=quick), sleep], make.echo()).apply_async()
        assert result.get(timeout=60) == echoed([1, 0.5])


def test_nested_and_failing_chords_cross_the_border(fleet, make):
    canvas = make.chord(
        [
            make.chain(make.add(1), make.group(make.add(1), make.add(2)).set(queue="swift")),
            make.chord([make.add(3).set(queue="swift"), make.add(4)], make.echo()),
        ],
        make.echo().set(queue="swift"),
    )
    assert canvas.apply_async().get(timeout=60) == echoed([[2, 3], echoed([3, 4])])
    failing = make.chord([make.fail("no").set(queue="swift"), make.add(1)], make.echo()).apply_async()
    with pytest.raises(ChordError):
        # By itself: with its parents at hand, Celery raises the error of the part.
        make.app.AsyncResult(failing.id).get(timeout=60)
