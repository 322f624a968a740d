"""`celeriac up`: the whole job on an embedded default."""

import os
import re
import shutil
import signal
import subprocess

import pytest

import office
from deployment import EXECUTABLE, clean_environment
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
        up.signal(signal.SIGINT)
        assert up.exit_code(timeout=30) in (0, 1)
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
