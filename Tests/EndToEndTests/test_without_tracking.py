"""A server that does not announce pushes: the worker polls, says so once, and still does its work."""

import time

import pytest

from deployment import Deployment

#: Tracking is forbidden to the user, or there is no CLIENT command at all.
SERVERS = {
    "forbidden": ["--user", "default", "on", "nopass", "~*", "&*", "+@all", "-client|tracking"],
    "renamed": ["--rename-command", "CLIENT", ""],
}


@pytest.fixture(params=SERVERS)
def untracked(request, tmp_path):
    """A deployment whose Redis has no client tracking."""
    with Deployment(tmp_path, arguments=SERVERS[request.param]) as deployment:
        yield deployment


def test_tasks_run_and_the_log_tells_once(untracked):
    worker = untracked.start_worker()
    # CLIENT SETINFO is no more allowed than the rest; redis-py ignores that.
    app = untracked.app()
    for number in range(3):
        assert app.tasks["proj.add"].delay(number, 1).get(timeout=60) == number + 1
    untracked.expect_empty()
    assert worker.count_lines("no client tracking") == 1


def test_an_idle_worker_asks_ever_slower(untracked):
    untracked.start_worker()

    def scripts():
        return untracked.client.info("commandstats")["cmdstat_evalsha"]["calls"]

    # Time has to pass: what is counted is what happens in it.
    time.sleep(2)
    before = scripts()
    time.sleep(3)
    # Five times a second at the most, by each of two claims, and a heartbeat.
    assert 10 < scripts() - before < 45
