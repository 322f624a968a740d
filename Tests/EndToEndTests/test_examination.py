"""`celeriac explain` and `celeriac doctor`, over deployments of Celeriac and of Celery."""

import base64
import json
import pathlib
import threading
import time

import pytest

from waiting import eventually

CHANNEL = "/0.celeryev/worker.heartbeat"



def explain(deployment, id):
    done = deployment.run("explain", id, "--json")
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, [reason["code"] for reason in json.loads(done.stdout)["reasons"]]


def doctor(deployment, *flags):
    done = deployment.run("doctor", "--json", *flags)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, {finding["check"]: finding["level"] for finding in json.loads(done.stdout)}


def test_explain_says_why_a_task_waits(deployment):
    task = deployment.app().tasks["proj.noop"].delay()
    assert explain(deployment, task.id) == (0, ["no_consumer", "waiting"])
    assert explain(deployment, "never-sent") == (1, ["unknown"])
    done = deployment.run("explain", task.id)
    assert f"proj.noop[{task.id}]: PENDING, queue celery" in done.stdout
    assert "No worker consumes its queue." in done.stdout
    deployment.start_worker()
    eventually(lambda: task.state == "SUCCESS", "it has run")
    assert explain(deployment, task.id) == (0, ["succeeded"])


def test_doctor_finds_what_is_wrong(deployment):
    deployment.write_tasks(queues={"celery": {"pool": "cpu"}, "lonely": {"pool": "cpu"}})
    client = deployment.client
    client.config_set("maxmemory-policy", "allkeys-lru")
    client.config_set("maxmemory", "100mb")
    client.config_set("timeout", "60")
    client.set("celery-task-meta-for-ever", "{}")
    client.lpush("lonely", "{}")
    client.zadd("unacked_index", {"old": 1})
    code, found = doctor(deployment)
    assert code == 1
    assert found["broker.eviction"] == "error" and found["broker.timeout"] == "warning"
    assert found["results"] == "warning" and found["held"] == "error" and found["workers"] == "error"
    assert found["broker.version"] == "ok" and found["clock"] == "ok"
    deployment.start_worker("-Q", "celery")
    code, found = doctor(deployment)
    assert found["workers"] == "ok" and found["consumers"] == "error"


def test_doctor_finds_two_workers_of_one_name_among_celerys_own(deployment):
    for _ in range(2):
        deployment.start_celery_worker("--without-gossip", "--without-mingle", name="twin")
    code, found = doctor(deployment)
    assert found["node_names"] == "error" and code == 1


def wrong_clock(seconds):
    """An environment in which a program's clock is so many seconds ahead (libfaketime), and runs as fast as any other."""
    libraries = list(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not libraries:
        pytest.fail("libfaketime is missing; Scripts/test installs it")
    # The build's own name of the variable has changed; each version heeds one of them.
    return {
        "LD_PRELOAD": str(libraries[0]), "FAKETIME": f"{seconds:+d}s", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }


def clocks(deployment, *flags):
    """What doctor says of clocks, by what was looked at: level and text."""
    done = deployment.run("doctor", "--json", *flags)
    assert done.returncode in (0, 1), done.stderr
    findings = [finding for finding in json.loads(done.stdout) if finding["check"].startswith("clocks")]
    return done.returncode, sorted((finding["check"], finding["level"], finding["text"]) for finding in findings)


def test_doctor_says_whose_clock_is_off_and_by_how_much(deployment):
    deployment.start_worker(name="good")
    deployment.start_celery_worker(name="slow", environment=wrong_clock(-40))
    deployment.start_celery_worker(name="fast", environment=wrong_clock(90))
    deployment.start_celery_worker("--without-heartbeat", "--without-gossip", name="mute")
    code, found = clocks(deployment)
    assert code == 1
    assert [(check, level) for check, level, _ in found] == [
        ("clocks", "error"), ("clocks", "error"), ("clocks", "ok"), ("clocks.silent", "warning"),
    ]
    fast, slow, good, silent = (text for _, _, text in found)
    assert fast.startswith("The clock of fast@test (process ")
    assert any(f" is {tenth / 10} s ahead of Redis'" in fast for tenth in range(890, 901)), fast
    assert slow.startswith("The clock of slow@test (process ")
    assert any(f" is {tenth / 10} s behind Redis'" in slow for tenth in range(400, 420)), slow
    assert good == "The clock of one worker agrees with Redis'."
    assert silent == "No heartbeat came within 5 s from mute@test: its clock was not compared."
    # Nobody waits who does not want to.
    assert clocks(deployment, "--timeout", "0")[1] == []
    assert "from mute@test" in dict((check, text) for check, _, text in clocks(deployment, "-t", "1")[1])["clocks.silent"]
    assert deployment.run("doctor", "--timeout", "x").returncode == 2
    assert deployment.run("doctor", "--timeout", "601").returncode == 2


class MovedHeartbeats:
    """Repeats a worker's own heartbeat, as it was published, with another time in it."""

    def __init__(self, deployment, seconds):
        listener = deployment.client.pubsub(ignore_subscribe_messages=True)
        listener.subscribe(CHANNEL)
        message = None
        while message is None:
            message = listener.get_message(timeout=10)
        listener.close()
        envelope = json.loads(message["data"])
        event = json.loads(base64.b64decode(envelope["body"]))
        self.node, self.process = event["hostname"], event["pid"]
        self._client, self._envelope, self._event, self._seconds = deployment.client, envelope, event, seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self._stopped.wait(0.1):
            event = {**self._event, "timestamp": time.time() + self._seconds}
            body = base64.b64encode(json.dumps(event).encode()).decode()
            self._client.publish(CHANNEL, json.dumps({**self._envelope, "body": body}))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopped.set()
        self._thread.join(5)


def test_doctor_says_so_of_celeriacs_workers_too(deployment):
    # A program of Swift's cannot be given another clock by libfaketime: its own heartbeat is repeated with another time.
    worker = deployment.start_worker(name="ours")
    moved = MovedHeartbeats(deployment, 60)
    assert (moved.node, moved.process) == ("ours@test", worker.pid)
    worker.terminate()
    # Somebody has to answer, and nobody else's heartbeat ends the waiting.
    deployment.start_celery_worker("--without-heartbeat", "--without-gossip", name="mute")
    with moved:
        code, found = clocks(deployment, "--timeout", "3")
    assert code == 1
    (check, level, text), _ = found
    assert (check, level) == ("clocks", "error")
    assert text.startswith(f"The clock of ours@test (process {worker.pid}) is "), text
    assert any(f" is {tenth / 10} s ahead of Redis'" in text for tenth in range(590, 601)), text


def test_doctor_finds_keys_that_live_for_ever(deployment):
    deployment.start_celery_worker()
    client = deployment.client
    client.set("celery-taskset-meta-for-ever", "[]")
    client.lpush("0f0f-aa.reply.celery.pidbox", "an answer that nobody fetched")
    code, found = doctor(deployment)
    assert found["results"] == "warning" and found["mailboxes"] == "warning" and found["clocks"] == "ok"
    client.delete("celery-taskset-meta-for-ever", "0f0f-aa.reply.celery.pidbox")
    code, found = doctor(deployment)
    assert found["results"] == "ok" and "mailboxes" not in found


def test_doctor_leaves_the_binding_of_mailboxes_alone(deployment):
    deployment.write_tasks(broker_transport_options={"global_keyprefix": "ours:"})
    deployment.start_worker()
    client = deployment.client
    assert "pong" in deployment.run("inspect", "ping").stdout
    # Kombu keeps what it has bound, here for somebody without a prefix too.
    client.sadd("_kombu.binding.reply.celery.pidbox", "somebody\x06\x16\x06\x16somebody.reply.celery.pidbox")
    client.sadd("ours:_kombu.binding.reply.celery.pidbox", "ours\x06\x16\x06\x16ours.reply.celery.pidbox")
    client.sadd("ours:_kombu.binding_permanent.reply.celery.pidbox", "ours")
    assert "mailboxes" not in doctor(deployment)[1]

    client.lpush("ours:0f0f-aa.reply.celery.pidbox", "an answer that nobody fetched")
    done = deployment.run("doctor", "--json")
    found = {finding["check"]: finding["text"] for finding in json.loads(done.stdout)}
    assert "live for ever: 1 lists named <uuid>.reply.celery.pidbox;" in found["mailboxes"]
    assert "not the set ours:_kombu.binding.reply.celery.pidbox" in found["mailboxes"]


def test_doctor_is_content_with_a_good_deployment(deployment):
    deployment.client.config_set("appendonly", "yes")
    deployment.start_worker()
    code, found = doctor(deployment, "--strict")
    assert code == 0, found
    assert set(found.values()) == {"ok"}
    deployment.redis.kill()
    assert deployment.run("doctor").returncode == 69
