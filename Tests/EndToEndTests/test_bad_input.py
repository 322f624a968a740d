"""Garbage in the queue hurts only itself: it is kept with a reason, and the worker goes on."""

import json
import pathlib
import uuid
import zlib

import pytest

from messages import NO_EMBED, envelope
from waiting import eventually

TASKS_FILE = {"message_max_bytes": 8 << 20}


def text(message):
    """A list item as text."""
    return message if isinstance(message, (str, bytes)) else json.dumps(message)


def nested(depth):
    """JSON that deep."""
    return ("[" * depth + "]" * depth).encode()


#: What no reader could turn into a task: name → (list item, whether its id is readable).
UNREADABLE = {
    "no JSON": ("this is not JSON", False),
    "empty": ("", False),
    "a JSON number": ("42", False),
    "a JSON list": ("[]", False),
    "an empty object": ("{}", False),
    "invalid UTF-8": (b"\xff\xfe{\x00", False),
    "half an envelope": (json.dumps(envelope())[:200], False),
    "ten megabytes": ("x" * (10 << 20), False),
    "deep nesting": (nested(100_000).decode(), False),
    "no headers": ({key: value for key, value in envelope().items() if key != "headers"}, False),
    "no body": ({key: value for key, value in envelope().items() if key != "body"}, True),
    "headers that are a list": ({**envelope(), "headers": []}, False),
    "no task name": (envelope(headers={"task": ...}), False),
    "no id": (envelope(headers={"id": ...}), False),
    "a task name that is a number": (envelope(headers={"task": 7}), False),
    "an id that is an object": (envelope(headers={"id": {"a": 1}}), False),
    "bad base64": ({**envelope(), "body": "%%%not base64%%%"}, True),
    "a body that is no JSON": (envelope(body=b"{nope"), True),
    "a body with invalid UTF-8": (envelope(body=b'[["\xff\xfe"], {}, {}]'), True),
    "a body of two elements": (envelope(body=b"[[], {}]"), True),
    "a body that is a number": (envelope(body=b"7"), True),
    "a body nested too deep": (envelope(body=b"[" + nested(50_000) + b", {}, {}]"), True),
    "keyword arguments that are a list": (envelope(body=json.dumps([[1], [2], NO_EMBED]).encode()), True),
    "an embed that is a number": (envelope(body=json.dumps([[1], {}, 5]).encode()), True),
    "an unknown tag": (envelope(body=b'[[{"__type__": "pickle", "__value__": "x"}], {}, {}]'), True),
    "a bad date": (envelope(body=b'[[{"__type__": "datetime", "__value__": "soon"}], {}, {}]'), True),
    "pickle": (envelope(content_type="application/x-python-serialize", content_encoding="binary"), True),
    "YAML, which is not enabled": (envelope(content_type="application/x-yaml"), True),
    "an unknown content type": (envelope(content_type="application/x-unheard-of"), True),
    "no content type": (envelope(content_type=None), True),
    "an unknown compression": (envelope(headers={"compression": "application/x-none"}), True),
    "corrupt compression": (envelope(headers={"compression": "application/x-gzip"}), True),
    "a decompression bomb": (
        envelope(body=zlib.compress(b'["' + b"0" * (64 << 20) + b'"]'), headers={"compression": "application/x-gzip"}),
        True,
    ),
    "no delivery tag": (envelope(properties={"delivery_tag": ...}), True),
    "no delivery information": (envelope(properties={"delivery_info": ...}), True),
    "an eta that is a number": (envelope(headers={"eta": 12345}), True),
    "an empty eta": (envelope(headers={"eta": ""}), True),
    "an eta that is no date": (envelope(headers={"eta": "tomorrow"}), True),
    "an expiry that is no date": (envelope(headers={"expires": "never"}), True),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_garbage_is_kept_with_its_reason_and_the_worker_goes_on(shared, app, name):
    item, has_id = UNREADABLE[name]
    shared.forget_dead_letters()
    if not isinstance(item, (str, bytes)) and has_id:
        # Every test sends an id of its own.
        item = {**item, "headers": {**item["headers"], "id": str(uuid.uuid4())}}
    shared.client.lpush("celery", text(item))
    eventually(shared.dead_letters, "the message is kept")
    kept = shared.dead_letters()[0]
    assert kept["reason"]
    shared.expect_empty()
    assert app.tasks["proj.add"].delay(2, 3).get(timeout=60) == 5
    assert shared.worker.running
    if has_id:
        assert shared.statuses([item["headers"]["id"]]) == ["FAILURE"]


#: What is odd and runs all the same, as it does in Celery: name → list item.
TOLERATED = {
    "nothing but task and id": envelope(
        headers={
            name: ... for name in (
                "lang", "shadow", "eta", "expires", "group", "group_index", "retries", "timelimit", "root_id",
                "parent_id", "argsrepr", "kwargsrepr", "origin", "ignore_result", "replaced_task_nesting",
                "stamped_headers", "stamps",
            )
        }
    ),
    "no priority": envelope(properties={"priority": ...}),
    "a priority of 12": envelope(properties={"priority": 12}),
    "retries as text": envelope(headers={"retries": "0"}),
    "an embed of null": envelope(embed=None),
    "an embed without entries": envelope(embed={}),
    "a body in plain text": {
        **envelope(properties={"body_encoding": ...}), "body": json.dumps([[2, 3], {}, NO_EMBED])
    },
    "a compression by its short name": envelope(
        body=zlib.compress(json.dumps([[2, 3], {}, NO_EMBED]).encode()), headers={"compression": "gzip"}
    ),
    "another language": envelope(headers={"lang": "cobol"}),
    "an eta with a Z": envelope(headers={"eta": "2020-01-02T03:04:05Z"}),
    "an eta without an offset": envelope(headers={"eta": "2020-01-02T03:04:05"}),
    "an eta with a space": envelope(headers={"eta": "2020-01-02 03:04:05+02:00"}),
    "a date as eta": envelope(headers={"eta": "2020-01-02"}),
}


@pytest.mark.parametrize("name", TOLERATED)
def test_what_is_merely_odd_runs(shared, app, name):
    item = TOLERATED[name]
    task_id = str(uuid.uuid4())
    item = {**item, "headers": {**item["headers"], "id": task_id}}
    shared.client.lpush("celery", json.dumps(item))
    assert app.AsyncResult(task_id).get(timeout=60) == 5


def test_the_layout_of_the_envelope_does_not_matter(shared, app):
    item = envelope()
    shared.client.lpush("celery", json.dumps(dict(reversed(item.items())), indent=2, ensure_ascii=False))
    assert app.AsyncResult(item["headers"]["id"]).get(timeout=60) == 5


def test_an_unknown_task_is_kept_and_named(shared, app):
    shared.forget_dead_letters()
    item = envelope(task="no.such.task")
    shared.client.lpush("celery", json.dumps(item))
    eventually(shared.dead_letters, "the message is kept")
    assert "no.such.task" in shared.dead_letters()[0]["reason"]
    assert shared.statuses([item["headers"]["id"]]) == ["FAILURE"]
    stored = json.loads(shared.client.get(f"celery-task-meta-{item['headers']['id']}"))
    assert stored["result"] == {
        "exc_type": "NotRegistered", "exc_message": ["no.such.task"], "exc_module": "celery.exceptions",
    }


def test_the_kept_message_can_be_sent_again(shared):
    shared.forget_dead_letters()
    item = json.dumps(envelope(task="no.such.task"))
    shared.client.lpush("celery", item)
    kept = eventually(shared.dead_letters, "the message is kept")[0]
    assert kept["message"] == item.encode() and kept["queue"] == "celery"


def test_a_kept_message_that_is_no_text_can_be_had_back_too(shared):
    shared.forget_dead_letters()
    shared.client.lpush("celery", b"\xff\x00\xfe")
    kept = eventually(shared.dead_letters, "the message is kept")[0]
    assert kept["message"] == b"\xff\x00\xfe"


def test_thousands_of_broken_messages_neither_stop_nor_bloat_the_worker(deployment):
    deployment.write_tasks(dead_letters={"count": 100})
    worker = deployment.start_worker()
    app = deployment.app()
    app.tasks["proj.noop"].delay().get(timeout=60)

    def resident():
        status = pathlib.Path(f"/proc/{worker.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])

    before = resident()
    pipe = deployment.client.pipeline(transaction=False)
    for n in range(5_000):
        pipe.lpush("celery", "x" * 1000 if n % 2 else json.dumps(envelope(body=b"{nope")))
    pipe.execute()
    assert app.tasks["proj.add"].delay(1, 1).get(timeout=60) == 2
    deployment.expect_empty(timeout=30)
    assert len(deployment.dead_letters()) == 100
    # Kilobytes: far less than the five megabytes that came, times what parsing could make of them.
    assert resident() - before < 40_000


def test_dead_letters_expire(shared):
    shared.client.lpush("celery", "garbage")
    eventually(shared.dead_letters, "the message is kept")
    assert shared.client.ttl("celeriac:dead") > 0
