"""Remote control by Celery's own clients, beside a real Celery worker that is asked the same in the same moment."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from deployment import Deployment, clean_environment
from logged_process import LoggedProcess
from old_producer import PYTHON as PYTHON_52
from shapes import differences
from waiting import PATIENCE, eventually
from worker_under_test import KIND, start_worker_under_test

OURS, THEIRS = "w1@test", "python@test"
#: Both workers wait for no other, and keep few messages.
QUIET = ("--without-gossip", "--without-mingle")
CLIENTS = {"5.7": sys.executable, "5.2": PYTHON_52}


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """The worker under test on the queue `celery` and a real Celery worker on the queue `python`."""
    with Deployment(tmp_path_factory.mktemp("pair")) as deployment:
        deployment.ours = start_worker_under_test(deployment, "-c", "2", "-Q", "celery", *QUIET)
        deployment.theirs = deployment.start_celery_worker("-c", "2", "-Q", "python", *QUIET)
        yield deployment


@pytest.fixture(scope="module")
def app(pair):
    """A Celery 5.7 application beside the two workers."""
    return pair.app()


@pytest.fixture
def one(deployment):
    """The worker under test alone, for what changes or ends it."""
    deployment.ours = start_worker_under_test(deployment, "-c", "1", *QUIET)
    return deployment


def ask(app, method, **arguments):
    """What both workers reply to one broadcast: (the tested one's, Celery's)."""
    replies = app.control.broadcast(method, arguments=arguments, reply=True, timeout=PATIENCE, limit=2)
    merged = {node: reply for each in replies for node, reply in each.items()}
    assert set(merged) == {OURS, THEIRS}
    return merged[OURS], merged[THEIRS]


def ask_one(app, method, **arguments):
    """What the tested worker alone replies."""
    replies = app.control.broadcast(
        method, arguments=arguments, reply=True, timeout=PATIENCE, limit=1, destination=[OURS]
    )
    assert [list(reply) for reply in replies] == [[OURS]]
    return replies[0][OURS]


def start_on_both(pair, app, name, *args, **options):
    """Calls a task once for each worker: (the result of the tested one's, of Celery's)."""
    return [app.tasks[name].apply_async(args, queue=queue, **options) for queue in ("celery", "python")]


# Inspect


def test_both_answer_a_ping_alike(app):
    ours, theirs = ask(app, "ping")
    assert ours == theirs == {"ok": "pong"}


def test_stats_have_celerys_keys_and_types(app, pair):
    for result in start_on_both(pair, app, "proj.add", 1, 2):
        assert result.get(timeout=60) == 3
    ours, theirs = ask(app, "stats")
    assert ours.pop("total")["proj.add"] >= 1 and theirs.pop("total")["proj.add"] >= 1
    assert differences(ours, theirs) == []
    assert ours["pool"]["max-concurrency"] == 2
    assert len(set(ours["pool"]["processes"])) == 2
    assert all(os.path.exists(f"/proc/{pid}") for pid in ours["pool"]["processes"])
    assert ours["pid"] == pair.ours.pid
    assert ours["broker"]["port"] == pair.redis.port
    assert ours["broker"]["transport"] == "redis"
    assert int(ours["clock"]) > 0


def test_active_tasks_are_described_as_celery_does(app, pair):
    results = start_on_both(pair, app, "proj.sleep", 3)

    def both_run():
        replies = ask(app, "active")
        return replies if all(replies) else None

    ours, theirs = eventually(both_run, "both workers run their task")
    for name, result in zip((OURS, THEIRS), results):
        result.get(timeout=60)
    assert [info["id"] for info in ours] == [results[0].id]
    ours, theirs = ours[0], theirs[0]
    assert differences(ours, theirs) == []
    assert ours["hostname"] == OURS
    assert abs(ours["time_start"] - time.time()) < 30
    same = ("name", "type", "args", "kwargs", "acknowledged")
    assert {key: ours[key] for key in same} == {key: theirs[key] for key in same}
    assert ours["delivery_info"] == {**theirs["delivery_info"], "routing_key": "celery"}


def test_scheduled_tasks_are_described_as_celery_does(app, pair):
    results = start_on_both(pair, app, "proj.echo", 1, "ı", countdown=300)

    def both_wait():
        replies = ask(app, "scheduled")
        return replies if all(replies) else None

    ours, theirs = eventually(both_wait, "both workers hold their task back")
    assert differences(ours, theirs) == []
    assert ours[0]["request"]["id"] == results[0].id
    assert ours[0]["priority"] == theirs[0]["priority"]
    same = ("name", "type", "args", "kwargs", "acknowledged", "time_start", "worker_pid")
    assert {key: ours[0]["request"][key] for key in same} == {key: theirs[0]["request"][key] for key in same}
    assert ours[0]["eta"][:16] == theirs[0]["eta"][:16] and len(ours[0]["eta"]) == len(theirs[0]["eta"])
    known, other = ask(app, "query_task", ids=[result.id for result in results] + ["unknown"])
    assert list(known) == [results[0].id] and list(other) == [results[1].id]
    assert known[results[0].id][0] == other[results[1].id][0] == "scheduled"
    app.control.revoke([result.id for result in results])
    eventually(lambda: all(result.state == "REVOKED" for result in results), "both are revoked")
    ours, theirs = ask(app, "revoked")
    assert {result.id for result in results} <= set(ours) and {result.id for result in results} <= set(theirs)


def test_a_task_that_waits_for_a_slot_is_reserved(deployment):
    start_worker_under_test(deployment, "-c", "1", *QUIET, worker_prefetch_multiplier=4)
    app = deployment.app()
    running, waiting = [app.tasks["proj.sleep"].delay(seconds) for seconds in (4, 0)]
    inspect = app.control.inspect([OURS], timeout=PATIENCE)
    eventually(lambda: [info["id"] for info in inspect.active()[OURS]] == [running.id], "the first runs")
    reserved = eventually(lambda: inspect.reserved()[OURS], "the second is reserved")
    assert [info["id"] for info in reserved] == [waiting.id]
    assert reserved[0]["time_start"] is None and reserved[0]["worker_pid"] is None
    assert inspect.query_task(waiting.id)[OURS][waiting.id][0] == "reserved"


def test_registered_tasks_are_listed_in_celerys_form(app):
    ours, theirs = ask(app, "registered")
    # Only Python's worker can be asked to abort.
    assert ours == sorted(ours) and set(theirs) - {"proj.until_aborted"} <= set(ours)
    ours, _ = ask(app, "registered", taskinfoitems=["name", "max_retries", "nonsense"])
    assert all(entry.split(" ")[1:2] == [f"[name={entry.split(' ')[0]}"] or entry.endswith("]") for entry in ours)
    assert any(entry.startswith("proj.add [name=proj.add max_retries=") for entry in ours), ours
    ours, theirs = ask(app, "registered", builtins=True)
    # What polls for the end of a chord is for backends that cannot count; nobody sends it on Redis.
    builtins = {name for name in theirs if name.startswith("celery.")} - {"celery.chord_unlock"}
    assert builtins and builtins <= set(ours), builtins - set(ours)


def test_active_queues_are_described_as_celery_does(app):
    ours, theirs = ask(app, "active_queues")
    assert len(ours) == len(theirs) == 1
    assert differences(ours, theirs) == []
    expected = json.loads(json.dumps(theirs).replace("python", "celery"))
    assert ours == expected


def test_the_configuration_hides_passwords_and_is_plain_json(app, pair):
    ours, theirs = ask(app, "conf")
    assert ours["broker_url"].endswith(f"127.0.0.1:{pair.redis.port}/0")
    assert type(ours["result_backend"]) is str
    every, theirs = ask(app, "conf", with_defaults=True)
    assert set(ours) <= set(every)
    shared = {key: every[key] for key in every if key in theirs}
    assert len(shared) > 60, sorted(set(theirs) - set(every))
    assert every["task_acks_late"] in (True, False)
    # Celery shows the span of time that is its default in words, and what somebody has set in seconds; here it is always seconds.
    assert (every["result_expires"], theirs["result_expires"]) == (86_400, "1 day, 0:00:00")


def test_the_report_names_the_software(app):
    ours, theirs = ask(app, "report")
    assert list(ours) == list(theirs) == ["ok"]
    assert "software -> celery:" in ours["ok"]


def test_clocks_agree(app):
    ours, theirs = ask(app, "clock")
    assert list(ours) == ["clock"] and abs(ours["clock"] - theirs["clock"]) < 200


def test_hello_exchanges_revoked_ids_and_clocks(app):
    ours, theirs = ask(app, "hello", from_node="new@test", revoked=["from-hello"])
    assert differences(ours, theirs) == []
    assert "from-hello" in ours["revoked"] and ours["clock"] > 0
    # Workers of 5.6 and older send an object.
    ask(app, "hello", from_node="old@test", revoked={"from-old": [1.0, 2, "from-old"]})
    ours, _ = ask(app, "revoked")
    assert {"from-hello", "from-old"} <= set(ours)
    ours, theirs = ask(app, "hello", from_node=OURS, revoked=[])
    assert ours is None and theirs is not None


@pytest.mark.parametrize("alias, name", [
    ("dump_tasks", "registered"), ("dump_conf", "conf"), ("dump_schedule", "scheduled"), ("dump_reserved", "reserved"),
    ("dump_active", "active"), ("dump_revoked", "revoked"),
])
def test_every_alias_answers_as_its_command(app, alias, name):
    ours, theirs = ask(app, alias)
    same, _ = ask(app, name)
    assert type(ours) is type(theirs) and ours == same


# Control


@pytest.mark.parametrize("method, arguments", [
    ("rate_limit", {"task_name": "proj.noop", "rate_limit": "10/m"}),
    ("rate_limit", {"task_name": "proj.noop", "rate_limit": None}),
    ("rate_limit", {"task_name": "no.such.task", "rate_limit": "10/m"}),
    ("rate_limit", {"task_name": "proj.noop", "rate_limit": "often"}),
    ("time_limit", {"task_name": "proj.noop", "soft": 10, "hard": 20}),
    ("time_limit", {"task_name": "no.such.task", "soft": 10, "hard": 20}),
    ("add_consumer", {"queue": "extra"}),
    ("cancel_consumer", {"queue": "extra"}),
    ("cancel_consumer", {"queue": "never-heard-of"}),
    ("autoscale", {"max": 4, "min": 2}),
    ("pool_restart", {}),
    ("heartbeat", {}),
    ("enable_events", {}),
    ("enable_events", {}),
    ("disable_events", {}),
    ("disable_events", {}),
    ("revoke", {"task_id": "nobody"}),
    ("revoke", {"task_id": "nobody", "terminate": True}),
    ("terminate", {"task_id": "nobody", "signal": "TERM"}),
    ("revoke_by_stamped_headers", {"headers": {"stamp": ["value"]}}),
    ("no_such_command", {}),
    ("enable_events", {"bogus": 1}),
    ("autoscale", {"bogus": 1}),
])
def test_a_command_has_the_reply_that_celery_gives(app, method, arguments):
    ours, theirs = ask(app, method, **arguments)
    assert ours == theirs


def test_the_pool_grows_and_shrinks(one):
    app = one.app()

    def processes():
        return ask_one(app, "stats")["pool"]["processes"]

    assert len(processes()) == 1
    assert ask_one(app, "pool_grow", n=2) == {"ok": "pool will grow"}
    eventually(lambda: len(processes()) == 3, "three processes")
    assert ask_one(app, "pool_shrink", n=1) == {"ok": "pool will shrink"}
    eventually(lambda: len(processes()) == 2, "two processes")
    assert app.tasks["proj.add"].delay(1, 2).get(timeout=60) == 3


def test_autoscaling_is_changed_within_its_range(deployment):
    start_worker_under_test(deployment, "--autoscale=2,1", *QUIET)
    app = deployment.app()
    assert ask_one(app, "autoscale", max=4, min=2) == {"ok": "autoscale now max=4 min=2"}
    scaler = eventually(lambda: ask_one(app, "stats").get("autoscaler"), "stats of the autoscaler")
    assert (scaler["max"], scaler["min"]) == (4, 2) and type(scaler["current"]) is int and type(scaler["qty"]) is int
    assert ask_one(app, "pool_grow", n=1) == {
        "error": "pool_grow is not supported with autoscale. Adjust autoscale range instead."
    }


def test_the_pool_restarts_where_that_is_allowed(deployment):
    start_worker_under_test(deployment, "-c", "1", *QUIET, worker_pool_restarts=True)
    app = deployment.app()
    before = ask_one(app, "stats")["pool"]["processes"]
    assert ask_one(app, "pool_restart") == {"ok": "reload started"}
    eventually(lambda: set(ask_one(app, "stats")["pool"]["processes"]).isdisjoint(before), "another process")
    assert app.tasks["proj.add"].delay(1, 2).get(timeout=60) == 3


def test_a_queue_is_served_from_when_it_is_added_until_it_is_cancelled(one):
    app = one.app()
    early = app.tasks["proj.add"].apply_async((1, 2), queue="extra")
    assert ask_one(app, "add_consumer", queue="extra") == {"ok": "add consumer extra"}
    assert early.get(timeout=60) == 3
    assert {queue["name"] for queue in ask_one(app, "active_queues")} == {"celery", "extra"}
    assert ask_one(app, "cancel_consumer", queue="extra") == {"ok": "no longer consuming from extra"}
    eventually(lambda: {queue["name"] for queue in ask_one(app, "active_queues")} == {"celery"}, "one queue is left")
    late = app.tasks["proj.add"].apply_async((1, 2), queue="extra")
    assert app.tasks["proj.add"].delay(2, 2).get(timeout=60) == 4
    assert late.state == "PENDING" and one.waiting("extra") == 1


def test_a_running_task_is_terminated_and_the_next_runs(one):
    app = one.app()
    running, next_one = [app.tasks["proj.sleep"].delay(seconds) for seconds in (60, 0)]
    eventually(lambda: [info["id"] for info in ask_one(app, "active")] == [running.id], "the first runs")
    assert ask_one(app, "revoke", task_id=running.id, terminate=True, signal="SIGKILL") == {
        "ok": f"terminate: {running.id}"
    }
    eventually(lambda: running.state == "REVOKED", "the first is revoked")
    assert str(running.result) == "terminated"
    assert next_one.get(timeout=60) == 0
    one.expect_empty()


def test_a_revoked_task_never_runs_and_is_told_at_once(one):
    app = one.app()
    running = app.tasks["proj.sleep"].delay(2)
    waiting = app.tasks["proj.echo"].delay("never")
    app.control.revoke(waiting.id)
    eventually(lambda: waiting.state == "REVOKED", "the waiting task is revoked")
    assert running.get(timeout=60) == 2
    one.expect_empty()
    assert str(waiting.result) == "revoked"
    one.ours.wait_for_line(rf"Discarding revoked task: proj\.echo\[{waiting.id}\]")


def test_tasks_are_revoked_by_their_stamps(one):
    app = one.app()
    ask_one(app, "revoke_by_stamped_headers", headers={"customer": ["42"]})
    stamped = app.tasks["proj.echo"].s(1)
    stamped.stamp(customer="42")
    other = app.tasks["proj.echo"].s(2)
    other.stamp(customer="43")
    revoked, run = stamped.apply_async(), other.apply_async()
    assert run.get(timeout=60)["args"] == [2]
    eventually(lambda: revoked.state == "REVOKED", "the stamped task is revoked")


def test_a_rate_limit_holds_until_it_is_lifted(one):
    app = one.app()
    assert "ok" in ask_one(app, "rate_limit", task_name="proj.noop", rate_limit="1/h")
    results = [app.tasks["proj.noop"].delay() for _ in range(4)]
    eventually(lambda: any(result.ready() for result in results), "one of them runs")
    assert app.tasks["proj.add"].delay(1, 2).get(timeout=60) == 3
    assert sum(result.ready() for result in results) == 1
    assert "ok" in ask_one(app, "rate_limit", task_name="proj.noop", rate_limit=None)
    # With a real worker everything that waits, and what comes behind it, goes on waiting under the old limit.
    if KIND != "celery":
        assert app.tasks["proj.noop"].delay().get(timeout=60) is None


@pytest.mark.skipif(KIND == "celery", reason="a prefork worker of Celery 5.7 keeps the limits it started with")
def test_a_time_limit_given_later_ends_tasks_without_their_own(one):
    app = one.app()
    assert "ok" in ask_one(app, "time_limit", task_name="proj.sleep", soft=None, hard=1)
    result = app.tasks["proj.sleep"].delay(60)
    eventually(lambda: result.state == "FAILURE", "the task is ended")
    assert type(result.result).__name__ == "TimeLimitExceeded"


def test_patterns_and_destinations_choose_who_answers(app):
    inspect = app.control.inspect
    assert set(inspect([OURS], timeout=PATIENCE).ping()) == {OURS}
    assert inspect(["nobody@test"], timeout=1).ping() is None
    for pattern, matcher, name in (("w*@test", "glob", OURS), ("(w1|x)@", "pcre", OURS), ("p*", "glob", THEIRS)):
        chosen = inspect(pattern=pattern, matcher=matcher, timeout=1.5)
        eventually(lambda: set(chosen.ping() or {}) == {name}, f"{name} answers to {pattern}, and nobody else")


def test_a_remote_shutdown_is_warm_and_has_no_reply(one):
    app = one.app()
    result = app.tasks["proj.sleep"].delay(1)
    eventually(lambda: ask_one(app, "active"), "the task runs")
    assert app.control.broadcast("shutdown", destination=[OURS], reply=True, timeout=1) == []
    assert one.ours.exit_code() == 0
    assert result.get(timeout=60) == 1


def test_many_commands_at_once_are_all_answered(app):
    replies = [app.control.broadcast("ping", reply=True, timeout=PATIENCE, limit=2) for _ in range(50)]
    assert all(len(reply) == 2 for reply in replies)


# The command line of Celery 5.7 and 5.2


def run_celery(deployment, version, *words, timeout=60):
    """Runs Celery's command line to its end: (exit code, what it printed, what it complained about)."""
    command = [CLIENTS[version], "-m", "celery", "-b", deployment.redis.url(), "--result-backend", deployment.redis.url()]
    done = subprocess.run(
        [str(part) for part in (*command, *words)], env=clean_environment(NO_COLOR="1"), cwd=deployment.directory,
        timeout=timeout, stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(params=CLIENTS)
def version(request):
    """Which Celery's command line is used."""
    return request.param


@pytest.mark.parametrize("verb", [
    "ping", "stats", "active", "reserved", "scheduled", "revoked", "registered", "active_queues", "conf", "report",
    "clock",
])
def test_celery_inspect_prints_both_workers(pair, version, verb):
    code, output, errors = run_celery(pair, version, "inspect", "-t", "5", "-d", f"{OURS},{THEIRS}", "--json", verb)
    assert code == 0, errors
    replies = json.loads(output[output.index("{"):])
    assert set(replies) == {OURS, THEIRS}
    assert type(replies[OURS]) is type(replies[THEIRS])


def test_celery_inspect_prints_for_people(pair, version):
    code, output, errors = run_celery(pair, version, "inspect", "-t", "5", "-d", OURS, "active_queues")
    assert code == 0, errors
    assert f"->  {OURS}: OK" in output and "1 node online." in output


def test_celery_inspect_fails_when_nobody_answers(pair, version):
    code, _, errors = run_celery(pair, version, "inspect", "-t", "1", "-d", "nobody@test", "ping")
    assert code == 69 and "No nodes replied within time constraint" in errors


def test_celery_status_counts_both_workers(pair, version):
    code, output, _ = run_celery(pair, version, "status", "-t", "5", "-d", f"{OURS},{THEIRS}")
    assert code == 0
    assert f"{OURS}: OK" in output and "2 nodes online." in output


@pytest.mark.parametrize("words, answer", [
    (("rate_limit", "proj.noop", "10/m"), "new rate limit set successfully"),
    (("time_limit", "proj.noop", "10", "20"), "time limits set successfully"),
    (("add_consumer", "by-command-line"), "add consumer by-command-line"),
    (("cancel_consumer", "by-command-line"), "no longer consuming from by-command-line"),
    (("enable_events",), "task events enabled"),
    (("disable_events",), "task events disabled"),
    (("revoke", "nobody-at-all"), "tasks {'nobody-at-all'} flagged as revoked"),
])
def test_celery_control_prints_the_reply(pair, version, words, answer):
    code, output, errors = run_celery(pair, version, "control", "-t", "5", "-d", OURS, *words)
    assert code == 0, errors
    assert answer in output or "already" in output


def test_celery_call_and_result(pair, version):
    code, output, errors = run_celery(pair, version, "call", "proj.add", "-a", "[20, 22]")
    assert code == 0, errors
    task_id = output.split()[-1]
    eventually(lambda: pair.client.exists(f"celery-task-meta-{task_id}"), "the task has run")
    code, output, errors = run_celery(pair, version, "result", task_id)
    assert (code, output.strip()) == (0, "42"), errors


def test_celery_purge_empties_the_queue(deployment, version):
    app = deployment.app()
    for number in range(3):
        app.tasks["proj.add"].delay(number, 1)
    code, output, errors = run_celery(deployment, version, "purge", "-f", "-Q", "celery")
    assert code == 0, errors
    assert "3 messages" in output and deployment.waiting() == 0


def test_celery_events_dumps_what_happens(one, version):
    watcher = LoggedProcess(
        [CLIENTS[version], "-u", "-m", "celery", "-b", one.redis.url(), "events", "--dump"], one.directory,
        clean_environment(NO_COLOR="1"), "events",
    )
    one.processes.append(watcher)
    app = one.app()
    eventually(lambda: app.connection().default_channel.client.pubsub_numpat() > 1, "the watcher listens")
    assert "ok" in ask_one(app, "enable_events")
    result = app.tasks["proj.add"].delay(1, 2)
    for event in ("received", "started", "succeeded"):
        watcher.wait_for_line(rf"\[.*\] {OURS} .*task {event}|task-{event}|task {event}", timeout=20)
    assert result.id in watcher.text
    watcher.signal(signal.SIGINT)
    watcher.exit_code(20)
