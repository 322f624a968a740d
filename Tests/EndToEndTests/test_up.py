"""`celeriac up`: the whole job on an embedded default."""

import fcntl
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import termios

import pytest

import office
from deployment import EXECUTABLE, ROOT, clean_environment
from logged_process import LoggedProcess, is_running
from waiting import eventually


@pytest.mark.timeout(180)
def test_up_once_runs_the_nine_tasks_and_says_where_their_work_is(tmp_path):
    done = subprocess.run(
        [EXECUTABLE, "up", "--demo", "--once", "--data", tmp_path / "data"], cwd=tmp_path, timeout=150,
        env=clean_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )
    print(done.stdout)
    assert done.returncode == 0
    for name in office.TASKS:
        assert name.rpartition(".")[2] in done.stdout
    pdfs = list((tmp_path / "data").rglob("*.pdf"))
    mails = list((tmp_path / "data").rglob("*.eml"))
    messages = list((tmp_path / "data").rglob("sms/*.json"))
    assert pdfs and mails and messages
    text = subprocess.run(["pdftotext", pdfs[0], "-"], check=True, capture_output=True, text=True).stdout
    assert office.TURKISH in text
    # It says where they are.
    assert any(str(path.parent) in done.stdout for path in pdfs)
    assert any(str(path.parent) in done.stdout for path in mails)
    reports = list((tmp_path / "data" / "reports").glob("*.jsonl"))
    assert len(reports) == 1 and len(reports[0].read_text().splitlines()) == 40
    assert str(reports[0].parent) in done.stdout
    # Nothing of it goes on: no redis-server works in the data folder any more.
    assert not [pid for pid in redis_servers() if str(tmp_path) in working_folder(pid)]


@pytest.mark.timeout(180)
def test_up_again_over_the_same_data_works(tmp_path):
    for _ in range(2):
        done = subprocess.run(
            [EXECUTABLE, "up", "--demo", "--once", "--data", tmp_path / "data"], cwd=tmp_path, timeout=80,
            env=clean_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True,
        )
        print(done.stdout)
        assert done.returncode == 0


@pytest.mark.timeout(120)
def test_up_stays_until_it_is_stopped_and_serves_plain_celery(tmp_path):
    up = LoggedProcess(
        [EXECUTABLE, "up", "--demo", "--data", tmp_path / "data"], tmp_path, clean_environment(), "up"
    )
    app = None
    try:
        line = up.wait_for_line(r"redis(\+socket)?://\S+", timeout=60)
        url = re.search(r"redis(\+socket)?://[^\s,;)'\"]+", line)[0]
        app = office.make_app(url, url)
        result = app.tasks["backend.tasks.pdf_tasks.generate_mutabakat_pdf"].delay(mutabakat_id=123).get(timeout=60)
        assert result["pages"] > 1
        assert office.TURKISH in subprocess.run(
            ["pdftotext", result["file"], "-"], check=True, capture_output=True, text=True
        ).stdout
        servers = [pid for pid in redis_servers() if str(tmp_path) in working_folder(pid)]
        assert servers
        up.wait_for_line("Ctrl-C ends it")
        up.signal(signal.SIGINT)
        assert up.exit_code(timeout=30) == 0
        assert "Error" not in up.text and "Cancellation" not in up.text
        eventually(lambda: not any(is_running(pid) for pid in servers), "its redis-server has ended")
    finally:
        if app:
            app.close()
        if up.running:
            up.kill()
        print(up.text)
        shutil.rmtree(tmp_path / "data", ignore_errors=True)


@pytest.mark.timeout(120)
def test_the_private_redis_of_a_killed_up_does_not_stay_behind(tmp_path):
    up = LoggedProcess(
        [EXECUTABLE, "up", "--demo", "--data", tmp_path / "data"], tmp_path, clean_environment(), "up"
    )
    try:
        up.wait_for_line(r"redis(\+socket)?://\S+", timeout=60)
        servers = eventually(
            lambda: [pid for pid in redis_servers() if str(tmp_path) in working_folder(pid)], "its redis-server runs"
        )
        up.kill()
        eventually(lambda: not any(is_running(pid) for pid in servers), "its redis-server has ended", timeout=20)
    finally:
        if up.running:
            up.kill()
        print(up.text)
        for pid in [pid for pid in redis_servers() if str(tmp_path) in working_folder(pid)]:
            os.kill(pid, signal.SIGTERM)


@pytest.mark.parametrize("form", ["option", "variable", "setting"])
def test_the_data_folder_is_the_one_that_was_chosen(tmp_path, form):
    (tmp_path / "conf").mkdir()
    text = (ROOT / "tasks.yaml").read_text()
    line = "data_folder: ${CELERIAC_DATA:-data}"
    assert line in text
    (tmp_path / "conf" / "tasks.yaml").write_text(text.replace(line, "data_folder: kept") if form == "setting" else text)
    done = run_up(
        ["--demo", "--once", *(["--data", "kept"] if form == "option" else [])], tmp_path,
        options=["--config", "conf/tasks.yaml"], CELERIAC_DATA=str(tmp_path / "kept") if form == "variable" else "",
    )
    print(done.stdout)
    assert done.returncode == 0
    kept = tmp_path / "conf" / "kept" if form == "setting" else tmp_path / "kept"
    assert {"demo.sqlite", "pdf", "outbox", "redis", "reports"} <= set(os.listdir(kept))
    assert f"  data                {kept}\n\n" in done.stdout
    assert sorted(os.listdir(tmp_path / "conf")) == (["kept", "tasks.yaml"] if form == "setting" else ["tasks.yaml"])


def test_a_warning_is_given_once(tmp_path):
    done = run_up(["--demo", "--once"], tmp_path, CELERY_NONSENSE="1")
    assert done.returncode == 0
    assert done.stdout.count("CELERY_NONSENSE") == 1


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("columns", "rows"), [(100, 30), (44, 30), (10, 30)])
def test_the_bars_fit_the_terminal(tmp_path, columns, rows):
    text = in_terminal(["up", "--demo", "--once", "--data", tmp_path / "data"], tmp_path, columns, rows)
    drawn = [line for line in re.findall(r"\x1b\[2K([^\r\n]*)", text)]
    assert len(drawn) >= 9
    assert max(map(len, drawn)) < columns
    # Each time all nine are drawn over what was there.
    assert text.count("\x1b[9A") == len(drawn) // 9 - 1
    if columns > 80:
        assert "█" in text and "100%" in text and "✓ done" in text


def test_a_terminal_of_few_rows_gets_a_line_for_each_end(tmp_path):
    text = in_terminal(["up", "--demo", "--once", "--data", tmp_path / "data"], tmp_path, 100, 8)
    assert "\x1b" not in text
    assert len(re.findall("✓ .*: SUCCESS done", text)) == 9


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--data", ""], 2, "--data: expected a folder"),
        (["--data", "file/data"], 1, "The data folder .*/file/data cannot be made: Not a directory$"),
        (["--demo", "-l", "loud"], 2, "--loglevel"),
    ],
)
def test_up_refuses_what_it_cannot_work_with(tmp_path, arguments, code, words):
    (tmp_path / "file").write_text("")
    done = run_up(arguments, tmp_path)
    assert done.returncode == code
    assert re.search(words, done.stdout, re.MULTILINE)
    assert os.listdir(tmp_path) == ["file"]


def test_the_demonstration_sends_nothing_to_a_broker_whose_tasks_are_others(deployment):
    deployment.write_tasks()
    done = run_up(["--demo"], deployment.directory)
    assert done.returncode == 2
    assert "tasks.yaml binds no backend.tasks.pdf_tasks.generate_mutabakat_pdf and 8 more" in done.stdout
    assert deployment.client.keys("*") == []
    assert not (deployment.directory / "data").exists()


def run_up(arguments, folder, options=(), **environment):
    """Runs `celeriac up` to its end."""
    return subprocess.run(
        [EXECUTABLE, *options, "up", *arguments], cwd=folder, timeout=60, env=clean_environment(**environment),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )


def in_terminal(arguments, folder, columns, rows):
    """Runs the program to its end in a terminal of that size and returns all it wrote there; it has to end with 0."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = subprocess.Popen(
        [EXECUTABLE, *arguments], cwd=folder, env=clean_environment(), stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    written = b""
    try:
        while True:
            try:
                written += os.read(ours, 1 << 16)
            except OSError:  # EIO: the other end is closed.
                break
        assert process.wait(30) == 0
    finally:
        process.kill()
        os.close(ours)
        print(written.decode(errors="replace"))
    return written.decode()


def redis_servers():
    """The ids of all running redis-servers."""
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                with open(f"/proc/{entry.name}/comm", encoding="utf-8") as comm:
                    if comm.read().strip().startswith("redis-server") and is_running(int(entry.name)):
                        found.append(int(entry.name))
            except OSError:
                continue  # It ended meanwhile.
    return found


def working_folder(pid):
    """Where a process works; empty when it has ended."""
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return ""
