"""The command line people know: flags, banner, log lines, environment, errors and exit codes."""

import json
import os
import re
import signal

import pytest

from deployment import ROOT, Deployment
from logged_process import is_running
from waiting import eventually


def test_the_banner_has_the_shape_people_grep_for(deployment):
    deployment.write_tasks(queues={"pdf": {"pool": "cpu"}, "sms": {"pool": "cpu"}})
    worker = deployment.start_worker("-Q", "pdf,sms", "-c", "2", name="banner")
    text = worker.text
    assert re.search(r"banner@test v\d+\.\d+", text)
    for line in (
        r"\[config\]",
        r"\.> app:",
        rf"\.> transport: +redis://.*127\.0\.0\.1:{deployment.redis.port}/0",
        rf"\.> results: +redis://.*127\.0\.0\.1:{deployment.redis.port}/0",
        r"\.> concurrency: +2 \(prefork\)",
        r"\.> task events: (ON|OFF)",
        r"\[queues\]",
        r"\.> pdf +exchange=pdf\(direct\) key=pdf",
        r"\.> sms +exchange=sms\(direct\) key=sms",
        r"\[tasks\]",
        r"^  \. proj\.add$",
        r"banner@test ready\.$",
    ):
        assert re.search(line, text, re.MULTILINE), f"no line like {line!r} in\n{text}"


def test_the_stages_come_in_their_order(deployment):
    text = deployment.start_worker().text
    places = [text.index(part) for part in ("[config]", "[queues]", "[tasks]", "Connected to", "ready.")]
    assert places == sorted(places)


def test_at_the_default_level_the_tasks_are_not_listed(deployment):
    worker = deployment.spawn("--config", deployment.tasks_path, "worker", "-n", "quiet@test")
    worker.wait_for_line(r"\[queues\]")
    deployment.app().tasks["proj.add"].delay(1, 1).get(timeout=60)
    assert "[tasks]" not in worker.text
    assert worker.count_lines(r"received|succeeded") == 0


def test_each_task_has_its_lines_in_the_log(deployment):
    worker = deployment.start_worker()
    app = deployment.app()
    good = app.tasks["proj.add"].delay(2, 3)
    bad = app.tasks["proj.fail"].delay("boom")
    good.get(timeout=60)
    bad.get(timeout=60, propagate=False)
    prefix = r"^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}: "
    worker.wait_for_line(prefix + rf"INFO/MainProcess\] Task proj\.add\[{good.id}\] received")
    worker.wait_for_line(prefix + rf"INFO/.*\] Task proj\.add\[{good.id}\] succeeded in [\d.e-]+s: 5")
    worker.wait_for_line(prefix + rf"ERROR/.*\] Task proj\.fail\[{bad.id}\] raised unexpected: ValueError\('boom'\)")
    retried = app.tasks["proj.retry"].delay(1, 1)
    retried.get(timeout=60)
    worker.wait_for_line(prefix + rf"INFO/.*\] Task proj\.retry\[{retried.id}\] retry: Retry in 1")


def test_json_logs_are_one_object_per_line(deployment):
    deployment.write_tasks(log_format="json", log_level="INFO")
    worker = deployment.spawn("--config", deployment.tasks_path, "worker", "-n", "json@test", "-l", "INFO")
    worker.wait_for_line(r"ready\.")
    result = deployment.app().tasks["proj.add"].delay(2, 3)
    result.get(timeout=60)
    worker.wait_for_line("succeeded")
    objects = [json.loads(line) for line in worker.text.splitlines() if line.startswith("{")]
    about_task = [entry for entry in objects if result.id in json.dumps(entry)]
    assert len(about_task) >= 2
    assert any("proj.add" in json.dumps(entry) for entry in about_task)


def test_the_json_log_flag_does_the_same_as_the_setting(deployment):
    worker = deployment.spawn(
        "--config", deployment.tasks_path, "worker", "-n", "json@test", "-l", "INFO", "--log-format", "json"
    )
    line = worker.wait_for_line(r"^\{.*ready\.")
    assert json.loads(line)


def test_the_app_option_is_accepted_before_the_sub_command(deployment):
    deployment.start_worker(options=("-A", "backend.celery_app"))
    assert deployment.app().tasks["proj.add"].delay(1, 1).get(timeout=60) == 2


def test_the_app_option_after_the_sub_command_is_an_error_with_a_hint(deployment):
    done = deployment.run("worker", "-A", "backend.celery_app")
    assert done.returncode == 2
    assert "before" in done.stderr


@pytest.mark.parametrize(
    "flags",
    [
        ["-P", "prefork", "-c", "2"], ["-P", "solo"], ["-P", "threads", "-c", "4"], ["-P", "gevent", "-c", "50"],
        ["-E"], ["--without-gossip", "--without-mingle", "--without-heartbeat"], ["-O", "fair"],
        ["--prefetch-multiplier", "1"], ["--max-tasks-per-child", "1000"], ["--max-memory-per-child", "200000"],
        ["--loglevel=info"], ["-c", "auto"], ["--hostname", "other@%h"], ["--soft-time-limit", "30"],
    ],
    ids=" ".join,
)
def test_the_flags_people_type_are_accepted(deployment, flags):
    deployment.start_worker(*flags)
    assert deployment.app().tasks["proj.add"].delay(1, 1).get(timeout=60) == 2


def test_an_unknown_flag_is_refused_with_code_2(deployment):
    done = deployment.run("worker", "--concurency", "4")
    assert done.returncode == 2
    assert "concurency" in done.stderr


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("wroker", "did you mean 'worker'?"), ("purg", "did you mean 'purge'?"), ("beat", "celeriac-beat"),
        ("flower", "celery -b URL flower"), ("multi", "systemd"), ("shell", "Python"), ("zzz", "worker"),
    ],
)
def test_an_unknown_sub_command_is_refused_with_code_2_and_a_hint(deployment, word, hint):
    done = deployment.run(word, "--detach")
    assert done.returncode == 2
    assert re.search(rf"^{word}: no such sub-command; .*{re.escape(hint)}", done.stderr)
    assert done.stderr.count("\n") == 1


def test_bad_yaml_names_the_place_and_starts_nothing(deployment):
    deployment.tasks_path.write_text("broker_url: redis://127.0.0.1:1/0\nqueues:\n  pdf: {pool: [cpu}\n")
    done = deployment.run("worker")
    assert done.returncode == 2
    assert re.search(r"tasks\.yaml:3:\d+", done.stderr + done.stdout)
    assert "[config]" not in done.stdout + done.stderr


def test_every_wrong_key_and_value_is_named_at_once(deployment):
    text = deployment.tasks_path.read_text() + (
        "task_time_limt: 5\nworker_prefetch_multiplier: many\n"
    )
    deployment.tasks_path.write_text(text)
    first = text.splitlines().index("task_time_limt: 5") + 1
    done = deployment.run("worker")
    output = done.stdout + done.stderr
    assert done.returncode == 2
    assert re.search(rf"tasks\.yaml:{first}:\d+: error: task_time_limt: .*did you mean 'task_time_limit'", output)
    assert re.search(rf"tasks\.yaml:{first + 1}:\d+: error: worker_prefetch_multiplier", output)


def test_an_unknown_handler_is_named(deployment):
    deployment.write_tasks(tasks={"proj.add": {"handler": "debug.ad"}})
    done = deployment.run("worker")
    assert done.returncode == 2
    assert "debug.ad" in done.stdout + done.stderr


def test_report_check_approves_a_good_file(deployment):
    done = deployment.run("report", "--check", deployment.tasks_path, config=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_report_check_refuses_a_bad_file_without_starting(deployment):
    path = deployment.directory / "bad.yaml"
    path.write_text("pools: {cpu: {process: 2}}\n")
    done = deployment.run("report", "--check", path, config=False)
    assert done.returncode == 2
    assert re.search(r"bad\.yaml:1:\d+: error: pools\.cpu\.process", done.stdout + done.stderr)


def test_the_shipped_tasks_file_is_good(deployment):
    done = deployment.run("report", "--check", ROOT / "tasks.yaml", config=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_missing_configuration_file_is_said_plainly(deployment):
    done = deployment.run("--config", "nowhere.yaml", "worker", config=False)
    assert done.returncode == 2
    assert "nowhere.yaml" in done.stdout + done.stderr


def test_a_wrong_password_is_one_clear_line_without_the_password(tmp_path):
    deployment = Deployment(tmp_path, password="right-secret")
    try:
        path = deployment.write_tasks()
        path.write_text(path.read_text().replace("right-secret", "wrong-secret"))
        done = deployment.run("worker", "-l", "INFO", timeout=30)
        output = done.stdout + done.stderr
        assert done.returncode != 0
        assert re.search(r"(?i)password|authenticat|WRONGPASS", output)
        assert "wrong-secret" not in output
    finally:
        deployment.close()


def test_the_right_password_works_and_is_never_shown(tmp_path):
    deployment = Deployment(tmp_path, password="right-secret")
    try:
        worker = deployment.start_worker()
        assert deployment.app().tasks["proj.add"].delay(1, 1).get(timeout=60) == 2
        assert "right-secret" not in worker.text
        assert re.search(r"transport: +redis://:\*\*@127", worker.text)
    finally:
        deployment.close()


def test_a_live_pid_file_ends_the_second_worker_with_code_73(deployment):
    pid_file = deployment.directory / "worker.pid"
    worker = deployment.start_worker("--pidfile", pid_file)
    assert int(pid_file.read_text()) == worker.pid
    assert deployment.run("worker", "--pidfile", pid_file).returncode == 73
    assert worker.terminate() == 0
    assert not pid_file.exists()


def test_a_stale_pid_file_is_replaced(deployment):
    pid_file = deployment.directory / "worker.pid"
    first = deployment.start_worker("--pidfile", pid_file)
    first.kill()
    second = deployment.start_worker("--pidfile", pid_file)
    assert int(pid_file.read_text()) == second.pid


def test_environment_variables_configure_the_worker(deployment):
    path = deployment.write_tasks(queues={"pdf": {"pool": "cpu"}, "sms": {"pool": "cpu"}})
    path.write_text("".join(
        line for line in path.read_text().splitlines(True) if not line.startswith(("broker_url", "result_backend"))
    ))
    worker = deployment.spawn(
        "--config", path, "worker", "-n", "env@test",
        environment={
            "CELERY_BROKER_URL": deployment.redis.url(), "CELERY_RESULT_BACKEND": deployment.redis.url(),
            "CELERY_WORKER_CONCURRENCY": "3", "CELERY_WORKER_QUEUES": "pdf", "CELERY_WORKER_LOGLEVEL": "INFO",
        },
    )
    worker.wait_for_line(r" ready\.$")
    assert re.search(r"concurrency: +3 ", worker.text)
    assert deployment.app().tasks["proj.add"].apply_async((1, 1), queue="pdf").get(timeout=60) == 2


@pytest.mark.parametrize("form", ["url", "parts"])
def test_the_redis_variables_of_the_documents_work(deployment, form):
    path = deployment.write_tasks()
    path.write_text("".join(
        line for line in path.read_text().splitlines(True) if not line.startswith(("broker_url", "result_backend"))
    ))
    environment = (
        {"REDIS_URL": deployment.redis.url()} if form == "url"
        else {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(deployment.redis.port)}
    )
    deployment.start_worker(environment=environment)
    assert deployment.app().tasks["proj.add"].delay(1, 1).get(timeout=60) == 2


def test_the_broker_option_beats_the_file(deployment):
    path = deployment.write_tasks()
    path.write_text(path.read_text().replace(f":{deployment.redis.port}/0", ":1/0"))
    deployment.start_worker(options=("-b", deployment.redis.url(), "--result-backend", deployment.redis.url()))
    assert deployment.app().tasks["proj.add"].delay(1, 1).get(timeout=60) == 2


def test_trailing_settings_override_the_file(deployment):
    deployment.start_worker("result_expires=55")
    result = deployment.app().tasks["proj.add"].delay(1, 1)
    result.get(timeout=60)
    assert 0 < deployment.client.ttl(f"celery-task-meta-{result.id}") <= 55


def test_version_and_help_are_answered(deployment):
    assert re.search(r"\d+\.\d+", deployment.run("--version", config=False).stdout)
    for arguments in (["--help"], ["worker", "--help"], ["call", "--help"]):
        done = deployment.run(*arguments, config=False)
        assert done.returncode == 0 and "usage" in done.stdout.lower()


# The folder to work in


@pytest.mark.parametrize("form", ["two words", "one word", "variable"])
def test_the_workdir_is_where_everything_relative_starts(deployment, form):
    folder = deployment.directory / "elsewhere"
    folder.mkdir()
    deployment.tasks_path.rename(folder / "tasks.yaml")
    options = {"two words": ["--workdir", "elsewhere"], "one word": ["--workdir=elsewhere"], "variable": []}[form]
    environment = {"CELERY_WORKDIR": str(folder)} if form == "variable" else {}
    worker = deployment.spawn(
        *options, "worker", "-l", "INFO", "--pidfile", "w.pid", "-f", "w.log", environment=environment
    )
    worker.wait_for_line(r"^  \. proj\.add$")
    eventually(lambda: (folder / "w.pid").exists() and "ready." in (folder / "w.log").read_text(), "the worker is ready")
    assert worker.terminate() == 0
    assert "CELERY_WORKDIR" not in worker.text


def test_a_workdir_that_is_not_there_is_refused(deployment):
    done = deployment.run("--workdir", "/nowhere/at/all", "report")
    assert done.returncode == 2
    assert done.stderr == "--workdir: /nowhere/at/all: No such file or directory\n"


# Leaving the terminal


@pytest.mark.parametrize("form", ["-D", "-DE", "--detach", "variable"])
def test_a_detached_worker_is_one_process_that_works_on(deployment, form):
    folder = deployment.directory / "elsewhere"
    folder.mkdir()
    flags = ["-n", "d@test", "-l", "INFO", "--pidfile", "w.pid", "-f", "w.log"]
    done = deployment.run(
        "--workdir", "elsewhere", "worker", *flags, *([] if form == "variable" else [form]),
        environment={"CELERY_WORKER_DETACH": "1"} if form == "variable" else {},
    )
    assert done.returncode == 0, done.stderr
    pid = int(done.stdout)
    try:
        eventually((folder / "w.pid").exists, "its pid file is there")
        assert int((folder / "w.pid").read_text()) == pid == os.getsid(pid)
        assert deployment.app().tasks["proj.add"].delay(1, 1).get(timeout=60) == 2
        assert len(re.findall("Connected to", (folder / "w.log").read_text())) == 1
    finally:
        os.kill(pid, signal.SIGTERM)
        eventually(lambda: not is_running(pid), "it has ended")
    assert not (folder / "w.pid").exists()


# Every option of the worker has a variable


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("UMASK", "9x", "--umask"), ("UID", "no-such-user", "--uid: there is no user no-such-user"),
        ("GID", "no-such-group", "--gid: there is no group no-such-group"), ("BEAT", "1", "beat.yaml: error: cannot be read"),
        ("POOL", "fancy", "--pool"), ("LOG_FORMAT", "xml", "--log-format"), ("AUTOSCALE", "a,b", "--autoscale"),
    ],
)
def test_a_wrong_value_in_a_variable_is_refused_as_one_on_the_command_line(deployment, option, value, words):
    done = deployment.run("worker", environment={f"CELERY_WORKER_{option}": value})
    assert done.returncode == 2
    assert words in done.stderr


def test_the_variables_of_options_without_counterpart_are_taken(deployment):
    worker = deployment.spawn(
        "--config", deployment.tasks_path, "worker", "-l", "INFO", environment={
            "CELERY_WORKER_INCLUDE": "proj.tasks", "CELERY_WORKER_SCHEDULE_FILENAME": "beat",
            "CELERY_WORKER_JSON_LOGS": "t", "CELERY_WORKER_SCHEDULER": "x:Y", "CELERY_WORKER_OPTIMIZATION": "fair",
            "CELERY_WORKER_EXECUTABLE": "python", "CELERY_WORKER_POOL_START_METHOD": "spawn",
            "CELERY_WORKER_QUEUES": "",
        },
    )
    assert json.loads(worker.wait_for_line(r"^\{.*ready\."))
    assert worker.count_lines("^Note: --include ") == worker.count_lines("^Note: --schedule ") == 1
    assert "unknown, has no effect" not in worker.text


def test_the_options_of_an_embedded_beat_and_of_a_daemon_are_taken(deployment):
    worker = deployment.start_worker("-s", "beat.db", "--scheduler", "x:Y", "--executable", "/usr/bin/python3")
    assert worker.count_lines("^Note: --schedule ") == 1


# What is said when something is missing


def test_a_worker_without_tasks_says_so(deployment):
    worker = deployment.spawn("-b", deployment.redis.url(), "worker", "-n", "idle@test")
    worker.wait_for_line(r" ready\.$")
    assert f"Note: there is no tasks.yaml in {deployment.directory}: this worker can run nothing" in worker.text


def test_a_worker_whose_file_names_no_task_says_so(deployment):
    deployment.tasks_path.write_text(f"broker_url: {deployment.redis.url()}\n")
    worker = deployment.start_worker()
    assert "tasks.yaml names no task: this worker can run nothing" in worker.text


@pytest.mark.parametrize("arguments", [["result", "x"], ["worker", "broker_connection_retry_on_startup=false"]])
def test_a_broker_that_is_not_there_is_one_plain_line(deployment, arguments):
    done = deployment.run("-b", "redis://127.0.0.1:1/0", "--result-backend", "redis://127.0.0.1:1/0", *arguments)
    assert done.returncode == (69 if arguments[0] == "result" else 1)
    line = done.stderr.splitlines()[-1]
    assert line.endswith("Cannot connect to redis://127.0.0.1:1/0: Connection refused")
    assert "errno" not in done.stderr


def test_a_worker_that_waits_for_its_broker_says_why_and_where(deployment):
    worker = deployment.spawn("-b", "redis://127.0.0.1:1/0", "--config", deployment.tasks_path, "worker")
    worker.wait_for_line(r"ERROR/MainProcess\] consumer: Cannot connect to redis://127\.0\.0\.1:1/0: Connection refused$")
    worker.wait_for_line(r"Trying again in 2\.00 seconds")
    assert worker.terminate() == 0


def test_a_pid_file_that_cannot_be_written_is_said_plainly(deployment):
    done = deployment.run("worker", "--pidfile", "nowhere/w.pid")
    assert done.returncode == 73
    assert done.stderr.splitlines()[-1] == "The pid file nowhere/w.pid cannot be written: No such file or directory"


@pytest.mark.parametrize(
    "zone, offset", [("Asia/Kathmandu", "+05:45"), ("UTC", "+00:00"), ("Etc/GMT-3", "+03:00"), (None, "+00:00")]
)
def test_results_are_dated_in_the_configured_zone(deployment, zone, offset):
    deployment.write_tasks(**({"timezone": zone} if zone else {}))
    deployment.start_worker()
    result = deployment.app().tasks["proj.add"].delay(1, 1)
    assert result.get(timeout=60) == 2
    record = json.loads(deployment.client.get(f"celery-task-meta-{result.id}"))
    assert record["date_done"].endswith(offset)


@pytest.mark.parametrize(
    ("backend", "words"), [
        (None, "where the broker is"), ("redis://:secret@results.example.com:6380/4", "redis://:**@results.example.com"),
        ("disabled", "disabled"),
    ],
)
def test_report_tells_where_results_go(deployment, backend, words):
    deployment.tasks_path.write_text(
        "broker_url: redis://127.0.0.1:1/0\n" + (f"result_backend: {backend}\n" if backend else "")
    )
    done = deployment.run("report")
    assert re.search(rf"^results: .*{re.escape(words)}", done.stdout, re.MULTILINE)
    assert "secret" not in done.stdout
