"""`celeriac explain` and `celeriac doctor`, over deployments of Celeriac and of Celery."""

import base64
import json
import pathlib
import re
import threading
import time

import pytest

from waiting import PATIENCE, eventually

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


def seconds_off(text):
    """By how much a clock is off, as doctor says it: below zero where it is behind."""
    amount, direction = re.search(r" is ([\d.]+) s (ahead of|behind) Redis'", text).groups()
    return float(amount) if direction == "ahead of" else -float(amount)


#: What a heartbeat may take on a machine that has much to do; doctor counts it as being behind.
LAG = 10


def test_doctor_says_whose_clock_is_off_and_by_how_much(deployment):
    deployment.start_worker(name="good")
    deployment.start_celery_worker(name="slow", environment=wrong_clock(-40))
    deployment.start_celery_worker(name="fast", environment=wrong_clock(90))

    def all_compared():
        """What is said of the three clocks, once the right one agrees: it ends when all were heard."""
        code, found = clocks(deployment, "--timeout", "30")
        levels = [(check, level) for check, level, _ in found]
        return levels == [("clocks", "error"), ("clocks", "error"), ("clocks", "ok")] and code == 1 and found

    fast, slow, good = (text for _, _, text in eventually(all_compared, "all three are heard"))
    assert fast.startswith("The clock of fast@test (process ")
    assert abs(seconds_off(fast) - 90) < LAG
    assert slow.startswith("The clock of slow@test (process ")
    assert abs(seconds_off(slow) + 40) < LAG
    assert good == "The clock of one worker agrees with Redis'."

    deployment.start_celery_worker("--without-heartbeat", "--without-gossip", name="mute")

    def silent(*flags):
        """What is said of the workers that were silent."""
        return [(level, text) for check, level, text in clocks(deployment, *flags)[1] if check == "clocks.silent"]

    for seconds, flags in ((5, ()), (1, ("-t", "1"))):
        said = f"No heartbeat came within {seconds} s from mute@test: its clock was not compared."
        eventually(lambda: silent(*flags) == [("warning", said)], said)
    # Nobody waits who does not want to.
    assert clocks(deployment, "--timeout", "0")[1] == []
    assert deployment.run("doctor", "--timeout", "x").returncode == 2
    assert deployment.run("doctor", "--timeout", "601").returncode == 2


class MovedHeartbeats:
    """Repeats a worker's own heartbeat, as it was published, with another time in it.

    What keeps it from doing so is raised at its end.
    """

    def __init__(self, deployment, seconds):
        listener = deployment.client.pubsub(ignore_subscribe_messages=True)
        listener.subscribe(CHANNEL)
        message = eventually(lambda: listener.get_message(timeout=1), "the worker sends a heartbeat")
        listener.close()
        envelope = json.loads(message["data"])
        event = json.loads(base64.b64decode(envelope["body"]))
        self.node, self.process = event["hostname"], event["pid"]
        self._client, self._envelope, self._event, self._seconds = deployment.client, envelope, event, seconds
        self._error = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        try:
            while not self._stopped.wait(0.1):
                event = {**self._event, "timestamp": time.time() + self._seconds}
                body = base64.b64encode(json.dumps(event).encode()).decode()
                self._client.publish(CHANNEL, json.dumps({**self._envelope, "body": body}))
        except Exception as error:
            self._error = error

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopped.set()
        self._thread.join(PATIENCE)
        if self._error:
            raise self._error


def test_doctor_says_so_of_celeriacs_workers_too(deployment):
    # A program of Swift's cannot be given another clock by libfaketime: its own heartbeat is repeated with another time.
    worker = deployment.start_worker(name="ours")
    moved = MovedHeartbeats(deployment, 60)
    assert (moved.node, moved.process) == ("ours@test", worker.pid)
    worker.terminate()
    # Somebody has to answer, and nobody else's heartbeat ends the waiting.
    deployment.start_celery_worker("--without-heartbeat", "--without-gossip", name="mute")

    def heard():
        """What is said of the clock that is off, once it is."""
        code, found = clocks(deployment, "--timeout", "3")
        return code == 1 and [text for check, level, text in found if (check, level) == ("clocks", "error")]

    with moved:
        text, = eventually(heard, "the moved heartbeat is heard")
    assert text.startswith(f"The clock of ours@test (process {worker.pid}) is "), text
    assert abs(seconds_off(text) - 60) < LAG


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
