"""The scheduler as a program: command line, messages, edits, ends, and running without a server."""

import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import tempfile
import time

import pytest

from beat_state import states
from deployment import BEAT
from logged_process import is_running
from messages import decode
from waiting import eventually


def sent(deployment, queue="celery"):
    """The messages in a queue, the first sent first."""
    return [decode(item) for item in reversed(deployment.client.lrange(queue, 0, -1))]


def beat_of(**entries):
    """A schedule of these entries; where none is named the task is `proj.add`."""
    return {"beat_schedule": {name: {"task": "proj.add", **block} for name, block in entries.items()}}


# Starting


def test_starts_with_celerys_banner_and_the_entries(deployment):
    deployment.write_beat(beat_of(often={"schedule": 0.3}, nightly={"schedule": {"crontab": "0 2 * * *"}}))
    beat = deployment.start_beat()
    beat.wait_for_line(r"Scheduler: Sending due task often \(proj\.add\)", count=2)
    for line in (
        r"^celeriac-beat v.* is starting\.$", r"^__    -    \.\.\. __   -        _$", r"^LocalTime -> 20\d\d-",
        rf"^    \. broker -> {re.escape(deployment.redis.url())}$", r"^    \. logfile -> \[stderr\]@%INFO$",
        r"^    \. maxinterval -> 5\.00 minutes \(300s\)$", r"^    \. nightly +<crontab: 0 2 \* \* \* .*  UTC  proj\.add$",
    ):
        beat.wait_for_line(line)


def test_app_env_test_says_what_it_would_do_and_does_nothing(deployment):
    deployment.write_beat(beat_of(often={"schedule": 0.1}, off={"schedule": 1, "enabled": False}))
    done = deployment.run_beat("-b", "redis://127.0.0.1:1/0", environment={"APP_ENV": "test"})
    assert done.returncode == 0, done.stderr
    assert re.search(r"^Would send due task often \(proj\.add\) at 20\d\d-.*\+00:00$", done.stdout, re.MULTILINE)
    assert "task off" not in done.stdout


@pytest.mark.parametrize(
    "content, complaint",
    [
        ("beat_schedule:\n  a: {task: t, schedule: {crontab: 0 0 30 2 *}}\n", "beat.yaml:2:36: error: "),
        ("beat_schedule:\n  a: {task: t, schedul: 1}\n", "beat.yaml:2:16: error: beat_schedule.a.schedul: unknown key"),
        ("beat_schedule: {a\n", "beat.yaml:"),
    ],
)
def test_refuses_a_bad_file_with_its_places(deployment, content, complaint):
    deployment.write_beat(content)
    done = deployment.run_beat()
    assert done.returncode == 2
    assert complaint in done.stderr


def test_refuses_a_wrong_command_line(deployment):
    assert deployment.run_beat("--shedule", "x").returncode == 2
    assert deployment.run_beat("-s", "none.yaml").returncode == 2
    deployment.write_beat(beat_of(a={"schedule": 1}))
    assert deployment.run_beat("-l", "LOUD").returncode == 2


def test_holds_a_pid_file_and_refuses_to_run_twice_under_it(deployment):
    deployment.write_beat(beat_of(a={"schedule": 60}))
    beat = deployment.start_beat("--pidfile", "beat.pid")
    path = deployment.directory / "beat.pid"
    assert path.read_text() == f"{beat.pid}\n"
    again = deployment.run_beat("--pidfile", "beat.pid", "-b", deployment.redis.url())
    assert again.returncode == 73
    assert "already" in again.stderr
    assert beat.terminate() == 0
    assert not path.exists()


# Messages


def test_sends_what_celerys_beat_sends(deployment):
    """The entries of protocol/beat.md's recording: `proj.add` is known to the deployment, `other.thing` is not."""
    deployment.write_beat({
        "beat_schedule": {
            "every-2s": {
                "task": "proj.add", "schedule": 0.5, "args": [1, 2],
                "options": {"queue": "celery", "expires": 30, "priority": 3},
            },
            "unregistered": {
                "task": "other.thing", "schedule": 0.5, "kwargs": {"k": "v"}, "options": {"headers": {"x": 1}},
            },
        }
    })
    deployment.start_beat()
    client = deployment.client
    eventually(lambda: client.llen("celery") and client.llen("celery\x06\x163"), "both are sent")
    known, unknown = decode(client.lindex("celery\x06\x163", -1)), decode(client.lindex("celery", -1))
    nothing = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
    for message, task in ((known, "proj.add"), (unknown, "other.thing")):
        headers, properties = message["headers"], message["properties"]
        id = headers["id"]
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", id)
        first = task == "proj.add"
        assert list(headers) == [
            "lang", "task", "id", "shadow", "eta", "expires", "group", "group_index", "retries", "timelimit", "root_id",
            "parent_id", "argsrepr", "kwargsrepr", "origin", "ignore_result", "replaced_task_nesting", "stamped_headers",
            "stamps", *([] if first else ["x"]), "celery_beat_task",
        ]
        assert re.fullmatch(r"gen\d+@.+", headers.pop("origin"))
        expires = headers.pop("expires")
        assert (expires is not None) == first
        assert headers == {
            "lang": "py", "task": task, "id": id, "shadow": None, "eta": None, "group": None, "group_index": None,
            "retries": 0, "timelimit": [None, None], "root_id": id, "parent_id": None,
            "argsrepr": "[1, 2]" if first else "()", "kwargsrepr": "{}" if first else "{'k': 'v'}",
            "ignore_result": False if first else None, "replaced_task_nesting": 0, "stamped_headers": None, "stamps": {},
            "celery_beat_task": True, **({} if first else {"x": 1}),
        }
        for fresh in ("reply_to", "delivery_tag"):
            assert re.fullmatch(r"[0-9a-f-]{36}", properties.pop(fresh))
        assert properties == {
            "correlation_id": id, "delivery_mode": 2, "delivery_info": {"exchange": "", "routing_key": "celery"},
            "priority": 3 if first else 0, "body_encoding": "base64", **({"expiration": "30000"} if first else {}),
        }
        assert message["decoded"] == [[1, 2] if first else [], {} if first else {"k": "v"}, nothing]
    assert client.smembers("_kombu.binding.celery") == {"celery\x06\x16\x06\x16celery"}


def test_routes_as_the_configuration_says_and_takes_every_option(deployment):
    deployment.write_tasks(queues={"celery": {}, "slow": {}}, tasks={"proj.sleep": {"queue": "slow"}})
    deployment.write_beat(beat_of(
        routed={"task": "proj.sleep", "schedule": 0.3},
        full={
            "schedule": 0.3, "options": {
                "queue": "own", "countdown": 60, "time_limit": 9, "soft_time_limit": 4.5, "ignore_result": True,
                "shadow": "shown", "serializer": "yaml", "compression": "zlib",
            },
        },
    ))
    deployment.start_beat()
    eventually(lambda: deployment.client.llen("slow") and deployment.client.llen("own"), "both are sent")
    assert sent(deployment, "slow")[0]["headers"]["task"] == "proj.sleep"
    message = json.loads(deployment.client.lindex("own", -1))
    headers = message["headers"]
    assert headers["timelimit"] == [9, 4.5]
    assert (headers["ignore_result"], headers["shadow"]) == (True, "shown")
    assert headers["eta"].endswith("+00:00")
    assert message["content-type"] == "application/x-yaml"
    assert headers["compression"] == "application/x-gzip"


# Ends


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_within_two_seconds_with_0_and_leaves_the_lease_to_others(deployment, number):
    deployment.write_beat(beat_of(a={"schedule": 0.2}))
    beat = deployment.start_beat()
    beat.wait_for_line("Sending due task")
    begun = time.monotonic()
    beat.signal(number)
    assert beat.exit_code() == 0
    assert time.monotonic() - begun < 2
    assert not deployment.client.exists("celeriac:beat:beat:lease")
    assert deployment.client.zcard("celeriac:beat:beat:beats") == 0
    assert states(deployment.client)["a"].sent == deployment.waiting()


def test_ends_within_two_seconds_while_redis_is_silent(deployment):
    deployment.write_beat(beat_of(a={"schedule": 0.2}))
    beat = deployment.start_beat()
    beat.wait_for_line("Sending due task")
    deployment.redis._process.send_signal(signal.SIGSTOP)
    try:
        time.sleep(0.5)
        begun = time.monotonic()
        assert beat.terminate() == 0
        assert time.monotonic() - begun < 2.5
    finally:
        deployment.redis._process.send_signal(signal.SIGCONT)


def test_waits_for_a_redis_that_is_not_there_yet(deployment):
    deployment.write_beat(beat_of(a={"schedule": 0.3}))
    deployment.redis.stop()
    beat = deployment.start_beat()
    beat.wait_for_line("trying again")
    deployment.redis.start()
    beat.wait_for_line("Sending due task", count=2)


# Restarts and edits


def test_a_restart_sends_an_overdue_entry_once_as_celery_does(deployment):
    deployment.write_beat(beat_of(
        a={"schedule": 1}, b={"schedule": 1, "missed": "all"}, c={"schedule": 1, "missed": {"run": "skip", "within": 0.001}},
    ))
    first = deployment.start_beat()
    eventually(lambda: len(states(deployment.client)) == 3, "the entries are registered")
    assert first.terminate() == 0
    before = states(deployment.client)["a"]
    time.sleep(4.2)
    beat = deployment.start_beat()
    beat.wait_for_line(r"a missed \d+ runs")
    beat.wait_for_line("Sending due task b", count=4)
    beat.wait_for_line(r"c missed \d+ runs")
    assert beat.terminate() == 0
    after = states(deployment.client)
    assert after["a"].anchor == before.anchor
    for entry in after.values():
        # Each slot is one or the other.
        slots = (entry.mark - entry.anchor) // 1_000_000
        assert entry.sent + entry.missed == slots
    assert after["a"].missed >= 3 and after["b"].missed == 0 and after["c"].missed > after["a"].missed


@pytest.mark.parametrize("how", ["changed file", "HUP"])
def test_takes_on_an_edited_schedule_and_keeps_the_old_one_for_a_bad_file(deployment, how):
    deployment.write_beat(beat_of(keep={"schedule": 0.5}, drop={"schedule": 0.5}))
    beat = deployment.start_beat()
    beat.wait_for_line("Sending due task drop")
    count = states(deployment.client)["keep"].sent
    deployment.write_beat("beat_schedule:\n  keep: {task: proj.add, schedule: soon}\n")
    if how == "HUP":
        beat.signal(signal.SIGHUP)
    beat.wait_for_line(r"The schedule was not reloaded, the old one stays: beat\.yaml:2:36: error: ")
    seen = beat.count_lines("Sending due task drop")
    beat.wait_for_line("Sending due task drop", count=seen + 1)
    deployment.write_beat(beat_of(keep={"schedule": 0.5, "kwargs": {"n": 2}}, new={"schedule": 0.4}))
    if how == "HUP":
        beat.signal(signal.SIGHUP)
    beat.wait_for_line("Schedule changed: 2 entries, 1 added, 1 changed, 1 dropped")
    dropped = beat.count_lines("Sending due task drop")
    beat.wait_for_line("Sending due task new", count=2)
    assert beat.count_lines("Sending due task drop") == dropped
    found = states(deployment.client)
    assert set(found) == {"keep", "new"}
    assert found["keep"].sent > count
    assert beat.running


def test_status_tells_entries_with_last_and_next_runs(deployment):
    deployment.write_beat(beat_of(
        a={"schedule": 0.3, "purpose": "to try it"}, b={"schedule": {"crontab": "0 2 * * *"}},
    ))
    beat = deployment.start_beat()
    beat.wait_for_line("Sending due task a", count=3)
    done = deployment.run_beat("status", "--json", "--config", deployment.tasks_path)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    a, b = report["entries"]
    assert (a["entry"], a["task"], a["purpose"], a["missed"]) == ("a", "proj.add", "to try it", 0)
    assert a["sent"] >= 3 and 0 <= a["lag"] < 1 and a["sent_by"].startswith("celerybeat@")
    assert a["last"].endswith("+00:00") and a["next"] > a["last"]
    assert b["last"] is None and b["next"].endswith("T02:00:00+00:00")
    assert [item["id"] for item in report["beats"]] == [report["lease"]]
    assert report["metrics"]["celeriac_beat_sent_total"] >= 3
    assert report["metrics"]["celeriac_beat_up"] == 1
    table = deployment.run_beat("status", "--config", deployment.tasks_path).stdout
    assert re.search(r"^a +20\d\d-\S+ \S+ +20", table, re.MULTILINE)


def test_answers_celerys_ping_and_nothing_else(deployment):
    deployment.write_beat(beat_of(a={"schedule": 60}))
    beat = deployment.start_beat("--enable-remote-control", "-n", "celerybeat@beat.example.com")
    beat.wait_for_line("beat pidbox: Connected to")
    inspect = deployment.app().control.inspect(timeout=2)
    eventually(lambda: inspect.ping() == {"celerybeat@beat.example.com": {"ok": "pong"}}, "it answers, and nobody else")
    assert deployment.app().control.inspect(timeout=0.5).stats() is None


def test_leaves_ping_unanswered_when_the_schedule_was_not_looked_at_for_too_long(deployment):
    # It comes round every two seconds here, which is always too long ago.
    deployment.write_beat({**beat_of(a={"schedule": 60}), "beat_remote_control_max_tick_age": 0.0001})
    beat = deployment.start_beat("--enable-remote-control")
    beat.wait_for_line("beat pidbox: Connected to")
    assert deployment.app().control.inspect(timeout=1).ping() is None
    beat.wait_for_line("ping is not answered: the schedule has not been looked at for")
    deployment.write_beat({**beat_of(a={"schedule": 60}), "beat_remote_control_max_tick_age": 0})
    beat.signal(signal.SIGHUP)
    beat.wait_for_line("Schedule changed")
    inspect = deployment.app().control.inspect(timeout=2)
    eventually(lambda: list((inspect.ping() or {}).values()) == [{"ok": "pong"}], "it answers again")


# As a service


@pytest.mark.parametrize("form", ["-D", "--detach"])
def test_a_detached_beat_is_one_process_that_sends(deployment, form):
    folder = deployment.directory / "elsewhere"
    folder.mkdir()
    deployment.write_beat(beat_of(a={"schedule": 0.3})).rename(folder / "beat.yaml")
    done = deployment.run_beat(
        "--workdir", "elsewhere", form, "-l", "INFO", "--config", deployment.tasks_path,
    )
    assert done.returncode == 0, done.stderr
    pid = int(done.stdout)
    try:
        eventually(deployment.waiting, "it sends")
        # Without --pidfile and --logfile: the names that Celery's beat takes, in the folder to work in.
        assert int((folder / "celerybeat.pid").read_text()) == pid == os.getsid(pid)
        assert "Sending due task a" in (folder / "celerybeat.log").read_text()
        assert len(states(deployment.client)) == 1
    finally:
        os.kill(pid, signal.SIGTERM)
        eventually(lambda: not is_running(pid), "it has ended")
    assert not (folder / "celerybeat.pid").exists()


def test_a_detached_beat_complains_before_it_leaves(deployment):
    deployment.write_beat("beat_schedule:\n  a: {task: t, schedule: soon}\n")
    done = deployment.run_beat("-D", "--config", deployment.tasks_path)
    assert done.returncode == 2
    assert "beat.yaml:2:26: error: " in done.stderr
    assert done.stdout == "" and not (deployment.directory / "celerybeat.pid").exists()


def test_writes_its_log_to_a_file_that_hup_opens_anew(deployment):
    deployment.write_beat(beat_of(a={"schedule": 0.3}))
    log = deployment.directory / "beat.log"
    beat = deployment.spawn_beat("-l", "INFO", "--logfile", "beat.log")
    eventually(lambda: log.exists() and "Sending due task a" in log.read_text(), "the log has lines")
    log.rename(deployment.directory / "old.log")
    beat.signal(signal.SIGHUP)
    eventually(lambda: log.exists() and "Sending due task a" in log.read_text(), "the new log has lines")
    assert "Sending due task" not in beat.text
    assert beat.terminate() == 0


def test_json_logs_are_one_object_per_line(deployment):
    deployment.write_beat(beat_of(a={"schedule": 0.3}))
    beat = deployment.spawn_beat("-q", "-l", "INFO", "--log-format", "json")
    beat.wait_for_line("Sending due task a")
    assert beat.terminate() == 0
    records = [json.loads(line) for line in beat.lines if line.strip()]
    assert any("Sending due task a" in record["message"] for record in records)


def test_takes_on_user_group_and_mask(deployment):
    deployment.write_beat(beat_of(a={"schedule": 60}))
    beat = deployment.start_beat(
        "--uid", str(os.getuid()), "--gid", str(os.getgid()), "--umask", "027", "--pidfile", "beat.pid"
    )
    assert (deployment.directory / "beat.pid").stat().st_mode & 0o777 == 0o640
    assert beat.terminate() == 0


@pytest.mark.skipif(os.getuid() != 0, reason="only root may become somebody else")
def test_becomes_another_user_and_group(deployment):
    nobody = pwd.getpwnam("nobody")
    folder = pathlib.Path(tempfile.mkdtemp())
    try:
        folder.chmod(0o755)
        for path in (deployment.tasks_path, deployment.write_beat(beat_of(a={"schedule": 0.3}))):
            shutil.copy(path, folder)
        beat = deployment.spawn_beat(
            "--workdir", folder, "-l", "INFO", "--uid", "nobody", "--gid", str(nobody.pw_gid), config=False
        )
        beat.wait_for_line("Sending due task a")
        status = pathlib.Path(f"/proc/{beat.pid}/status").read_text()
        for line, id in (("Uid", nobody.pw_uid), ("Gid", nobody.pw_gid)):
            assert re.search(rf"^{line}:\s+{id}\s+{id}\s+{id}\s+{id}$", status, re.MULTILINE)
        assert re.search(r"^Groups:\s*$", status, re.MULTILINE)
        assert beat.terminate() == 0
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    "arguments, words, code",
    [
        (["--uid", "no-such-user"], "--uid: there is no user no-such-user", 2),
        (["--gid", "no-such-group"], "--gid: there is no group no-such-group", 2),
        (["--umask", "9x"], "--umask", 2),
        (["--workdir", "/nowhere/at/all"], "--workdir: /nowhere/at/all: No such file or directory", 2),
        (["--log-format", "xml"], "--log-format: expected text or json", 2),
        (["--pidfile", "/nowhere/beat.pid"], "The pid file /nowhere/beat.pid cannot be written", 73),
        (["--logfile", "/nowhere/beat.log"], "/nowhere/beat.log", 73),
    ],
)
def test_refuses_what_it_cannot_take_on(deployment, arguments, words, code):
    deployment.write_beat(beat_of(a={"schedule": 60}))
    done = deployment.run_beat("-b", deployment.redis.url(), *arguments)
    assert words in done.stderr
    assert done.returncode == code


# Inside a worker


def test_two_workers_with_b_send_and_run_each_slot_once(deployment):
    deployment.write_beat(beat_of(a={"schedule": 0.5, "args": [1, 2]}, b={"schedule": 0.7, "args": [3, 4]}))
    workers = [deployment.start_worker("-B", "-c", "1", name=name) for name in ("w1", "w2")]
    for worker in workers:
        assert worker.count_lines(r"INFO/Beat\] beat: Starting\.\.\.") == 1
    eventually(lambda: all(state.sent >= 6 for state in states(deployment.client).values()), "six of each are sent")
    assert [worker.terminate() for worker in workers] == [0, 0]
    deployment.start_worker(name="w3")
    deployment.expect_empty()
    found = states(deployment.client)
    total = sum(state.sent for state in found.values())
    assert all(state.missed == 0 for state in found.values())
    lines = [line for process in deployment.processes for line in process.lines if " succeeded in " in line]
    ids = [re.search(r"proj\.add\[([0-9a-f-]+)\]", line)[1] for line in lines]
    assert len(ids) == len(set(ids)) == total
    assert sum(worker.count_lines("Sending due task") for worker in workers) == total


# Without a server


def local(deployment, **entries):
    """Writes a schedule that runs in the beat, and a configuration that names no reachable server."""
    deployment.write_tasks(broker_url="redis://127.0.0.1:1/0", result_backend="redis://127.0.0.1:1/0")
    deployment.write_beat({"mode": "local", **beat_of(**entries)})


def test_runs_handlers_without_redis_under_a_lock(deployment):
    local(
        deployment, a={"schedule": 0.5, "args": [1, 2]},
        long={"task": "proj.sleep", "schedule": 0.6, "args": [30], "overlap": "skip"},
    )
    beat = deployment.start_beat()
    beat.wait_for_line(r"Sending due task a \(proj\.add\)")
    beat.wait_for_line(r"Task proj\.add\[.*\] succeeded in .*: 3", count=2)
    beat.wait_for_line("Leaving out long")
    again = deployment.run_beat("--config", deployment.tasks_path)
    assert again.returncode == 73
    assert "Another beat runs this schedule" in again.stderr
    begun = time.monotonic()
    assert beat.terminate() == 0
    assert time.monotonic() - begun < 2.5
    state = (deployment.directory / "beat.state").read_text()
    assert state.startswith("a\t")
    # The next one goes on where this one ended.
    time.sleep(2)
    beat = deployment.start_beat(name="second")
    beat.wait_for_line("Sending due task a")
    beat.wait_for_line(r"a missed \d+ run")
    report = json.loads(deployment.run_beat("status", "--json", "--config", deployment.tasks_path).stdout)
    assert report["entries"][0]["sent"] >= 2 and report["entries"][0]["missed"] >= 1
    beat.kill()


def test_local_mode_refuses_tasks_that_nobody_can_run(deployment):
    local(deployment, a={"task": "other.thing", "schedule": 1})
    done = deployment.run_beat("--config", deployment.tasks_path)
    assert done.returncode == 2
    assert "beat.yaml:" in done.stderr and "names no such task" in done.stderr
    assert BEAT.exists()
