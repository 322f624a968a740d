"""Chains, groups and chords of any nesting, sent by Celery, run by Celeriac."""

import pytest
from celery.exceptions import ChordError

from canvases import Canvases, echoed
from waiting import eventually


@pytest.fixture
def make(app):
    return Canvases(app)


def end_of(result):
    """A result by itself: with its parents at hand, Celery raises the error of the first of them that failed."""
    return result.app.AsyncResult(result.id)


def no_chord_is_left(shared):
    """Waits until of all chords nothing but the marks is left that they are done, with their times to live."""
    def left():
        keys = [key for key in shared.client.keys("celery-taskset-meta-*") if not key.endswith(".c")]
        return keys + shared.client.keys("celeriac:chords*")
    eventually(lambda: not [key for key in left() if key.endswith((".j", ".s", ".d", ".t", "chords", "claims"))],
               "no counters of chords are left")
    for key in shared.client.keys("celery-taskset-meta-*"):
        assert shared.client.ttl(key) > 0, key


CANVASES = {
    "chord": (lambda m: m.chord([m.add(1, 1), m.add(2, 2), m.add(3, 3)], m.echo()), echoed([2, 4, 6])),
    "group then task": (lambda m: m.group(m.add(1), m.add(2)) | m.echo(), echoed([1, 2])),
    "task, group, task, task": (
        lambda m: m.add(1) | m.group(m.add(10), m.add(20)) | m.echo() | m.echo(), echoed(echoed([11, 21]))
    ),
    "two chords": (
        lambda m: m.group(m.add(1), m.add(2)) | m.echo() | m.group(m.echo(), m.echo()) | m.echo(),
        echoed([echoed(echoed([1, 2])), echoed(echoed([1, 2]))]),
    ),
    "chord in a header": (
        lambda m: m.chord([m.chord([m.add(1), m.add(2)], m.echo()), m.add(3)], m.echo()), echoed([echoed([1, 2]), 3])
    ),
    "chain in a header": (lambda m: m.chord([m.add(1) | m.add(2), m.add(5)], m.echo()), echoed([3, 5])),
    "group in a header": (
        lambda m: m.chord([m.group(m.add(1), m.add(2)), m.add(5)], m.echo()), echoed([2, 1, 5])
    ),
    "chain ending in a group in a header": (
        lambda m: m.chord([m.chain(m.add(1), m.group(m.add(1), m.add(2))), m.add(5)], m.echo()), echoed([[2, 3], 5])
    ),
    "chain as body": (lambda m: m.chord([m.add(1), m.add(2)], m.echo() | m.echo()), echoed(echoed([1, 2]))),
    "immutable body": (lambda m: m.chord([m.add(1)], m.add(9, immutable=True)), 9),
    "replaced": (lambda m: m.replace(m.add(2, 3)), 5),
    "replaced in a chain": (lambda m: m.replace(m.add(2, 3)) | m.add(4), 9),
    "replaced by a group": (lambda m: m.replace(m.group(m.add(1), m.add(2))), [1, 2]),
    "replaced by a chain": (lambda m: m.replace(m.add(1) | m.add(2)) | m.add(4), 7),
    "replaced in a header": (lambda m: m.chord([m.replace(m.add(7)), m.add(1)], m.echo()), echoed([7, 1])),
    "replaced by a group in a header": (
        lambda m: m.chord([m.replace(m.group(m.add(7), m.add(8))), m.add(1)], m.echo()), echoed([[7, 8], 1])
    ),
    "retried in a header": (
        lambda m: m.chord([m.app.signature("proj.retry"), m.add(1)], m.echo()), echoed([{"retries": 1}, 1])
    ),
    "map": (lambda m: m.app.tasks["proj.add"].map([1, 2, 3]), [1, 2, 3]),
    "starmap": (lambda m: m.app.tasks["proj.add"].starmap([(1, 2), (3, 4)]), [3, 7]),
}


@pytest.mark.parametrize("name", CANVASES)
def test_a_canvas_gives_its_result(shared, make, name):
    canvas, expected = CANVASES[name]
    result = canvas(make).apply_async()
    got = result.get(timeout=60)
    assert got == expected, name
    shared.expect_empty()
    no_chord_is_left(shared)


def test_an_empty_header_runs_the_body_with_no_results(make):
    assert make.chord([], make.echo()).apply_async().get(timeout=60) == echoed([])


def test_a_group_gives_all_results(make):
    assert make.group(*(make.add(n, n) for n in range(20))).apply_async().get(timeout=60) == [2 * n for n in range(20)]


def test_chunks_come_as_a_group(app):
    assert app.tasks["proj.add"].chunks([(n, n) for n in range(5)], 2).apply_async().get(timeout=60) == [
        [0, 2], [4, 6], [8]
    ]


def test_a_group_body_gets_the_results_in_each_task(shared, make):
    result = make.chord([make.add(1), make.add(2)], make.group(make.echo(), make.echo("more"))).apply_async()
    assert result.get(timeout=60) == [echoed([1, 2]), echoed([1, 2], "more")]


def test_a_chord_of_hundreds_keeps_the_order_of_its_header(shared, make):
    result = make.chord([make.add(n) for n in range(300)], make.echo()).apply_async()
    assert result.get(timeout=40) == echoed(list(range(300)))
    no_chord_is_left(shared)


def test_the_body_descends_from_the_header_and_carries_its_stamps(shared, app, make):
    chord = make.chord([make.add(1).set(task_id="only-part")], make.echo().set(task_id="body-of-one"))
    chord.stamp(tenant="acme")
    chord.apply_async().get(timeout=60)
    meta = app.AsyncResult("body-of-one")._get_task_meta()
    assert meta["parent_id"] == "only-part"


def test_a_task_added_to_the_header_is_waited_for(make):
    result = make.chord([make.add_to_chord(make.add(7)), make.add(1)], make.echo()).apply_async()
    assert sorted(result.get(timeout=60)["args"][0]) == [0, 1, 7]


def test_results_of_a_header_may_be_ignored(make):
    header = [make.add(1).set(ignore_result=True), make.add(2)]
    assert make.chord(header, make.echo()).apply_async().get(timeout=60) == echoed([1, 2])


def test_a_failed_header_fails_the_body_and_calls_its_errbacks(shared, app, make):
    errback = make.echo().set(task_id="chord-errback")
    body = make.echo().set(task_id="failed-body").on_error(errback)
    make.chord([make.add(1), make.fail("no").set(task_id="bad-part")], body).apply_async()
    with pytest.raises(ChordError, match="Dependency bad-part raised ValueError"):
        app.AsyncResult("failed-body").get(timeout=60)
    assert app.AsyncResult("chord-errback").get(timeout=60) == echoed("failed-body")
    shared.expect_empty()
    assert not [key for key in shared.client.keys("celery-taskset-meta-*") if key.endswith(".s")]


def test_a_parts_own_failure_is_stored_well_before_its_chords(shared, app, make):
    # A client asks for the parts and then for the body: what it raises depends on what was stored between the two.
    make.chord([make.fail("no").set(task_id="early")], make.echo().set(task_id="late")).apply_async()
    with pytest.raises(ChordError):
        app.AsyncResult("late").get(timeout=60)
    with shared.client.pipeline() as pipeline:
        early, late = pipeline.pttl("celery-task-meta-early").pttl("celery-task-meta-late").execute()
    # Both have the same time to live, so what is left of it tells when each was written.
    assert late - early >= 49


def test_a_failed_header_fails_the_end_of_the_chain_behind_its_body(make):
    result = (make.chord([make.add(1), make.fail("no")], make.echo()) | make.echo() | make.echo()).apply_async()
    with pytest.raises(ChordError, match="raised ValueError"):
        end_of(result).get(timeout=60)


def test_a_failed_header_fails_each_task_of_a_group_body(make):
    result = make.chord([make.fail("no")], make.group(make.echo(), make.echo())).apply_async()
    for part in eventually(lambda: result.children, "the group"):
        with pytest.raises(ValueError):
            part.get(timeout=60)


def test_the_failure_of_a_chain_in_a_header_reaches_the_body(make):
    result = make.chord([make.fail("no") | make.add(1), make.add(3)], make.echo()).apply_async()
    with pytest.raises(ChordError, match="raised ValueError"):
        end_of(result).get(timeout=60)


def test_a_failed_inner_chord_fails_the_outer_one(make):
    # Celery 5.7 leaves the outer body waiting for good here.
    inner = make.chord([make.fail("no")], make.echo())
    with pytest.raises(ChordError):
        end_of(make.chord([inner, make.add(1)], make.echo()).apply_async()).get(timeout=60)


def test_a_revoked_part_fails_the_body(make):
    header = [make.add(1).set(expires=-5), make.add(2)]
    with pytest.raises(ChordError, match="TaskRevokedError"):
        end_of(make.chord(header, make.echo()).apply_async()).get(timeout=60)


def test_a_part_that_runs_too_long_fails_the_body(app, make):
    slow = app.signature("proj.sleep", args=(30,)).set(time_limit=1)
    with pytest.raises(ChordError, match="TimeLimitExceeded"):
        end_of(make.chord([slow, make.add(2)], make.echo()).apply_async()).get(timeout=60)


def test_errbacks_of_a_chain_run_once_for_the_step_that_failed(app, make):
    errback = make.echo()
    chain = make.chain(make.add(1), make.fail("mid").set(task_id="mid-step"), make.add(1))
    result = chain.apply_async(link_error=errback.set(task_id="chain-errback"))
    with pytest.raises(ValueError):
        result.get(timeout=60)
    assert app.AsyncResult("chain-errback").get(timeout=60) == echoed("mid-step")


def test_an_errback_that_takes_the_details_gets_them(app, make):
    details = app.signature("proj.errback").set(task_id="detailed-errback")
    plain = make.echo().set(task_id="plain-errback")
    failed = make.app.signature("proj.fail", args=("no",)).apply_async(link_error=[details, plain])
    with pytest.raises(ValueError):
        failed.get(timeout=60)
    request, exception, traceback = app.AsyncResult("detailed-errback").get(timeout=60)["args"]
    assert request["id"] == failed.id and request["args"] == ["no"]
    assert exception["exc_type"] == "ValueError" and "no" in traceback
    assert app.AsyncResult("plain-errback").get(timeout=60) == echoed(failed.id)


def test_a_chord_in_yaml_results(deployment):
    deployment.write_tasks(result_serializer="yaml", accept_content=["json", "yaml"])
    deployment.start_worker()
    app = deployment.app(result_serializer="yaml", accept_content=["json", "yaml"])
    make = Canvases(app)
    nested = make.chain(make.add(1), make.group(make.add(1), make.add(2)))
    assert make.chord([nested, make.add(5)], make.echo()).apply_async().get(timeout=60) == echoed([[2, 3], 5])


def test_results_in_another_database_with_a_prefix_and_unordered(deployment):
    options = {"global_keyprefix": "mine_", "result_chord_ordered": False}
    deployment.write_tasks(backend_database=1, result_backend_transport_options=options, result_chord_expires=77)
    deployment.start_worker()
    app = deployment.app(backend_database=1, result_backend_transport_options=options)
    make = Canvases(app)
    assert sorted(make.chord([make.add(n) for n in range(5)], make.echo()).apply_async().get(timeout=60)["args"][0]) == [
        0, 1, 2, 3, 4
    ]
    client = deployment.redis.client(1)
    keys = client.keys("*")
    assert all(key.startswith("mine_") for key in keys), keys
    assert not deployment.client.keys("*taskset*")
