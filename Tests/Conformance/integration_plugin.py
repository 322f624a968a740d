"""Runs Celery's t/integration with a worker outside the test's process.

Loaded by PYTEST_PLUGINS, before the suite's own conftest. Each pytest process has a redis-server and a worker of its own, so that
several can share the suite. No test is edited: the function that starts the suite's session worker is replaced before
the suite imports it.
"""

import contextlib
import os
import socket

import pytest

from external_worker import FOLDER, KIND, RECEIVED, ExternalWorker, worker_command, worker_environment
from redis_server import RedisServer
from skip_list import SkipList

#: Longer than any passing test takes: three wait seven times for the ten seconds in which nothing must happen.
TIME_LIMIT = 200


class Session:
    """The redis-server and the worker of this pytest process."""

    def __init__(self):
        FOLDER.mkdir(parents=True, exist_ok=True)
        self.redis = RedisServer(FOLDER / "redis")
        url = self.redis.url()
        os.environ.update(
            TEST_BROKER=url, TEST_BACKEND=url, REDIS_HOST="127.0.0.1", REDIS_PORT=str(self.redis.port),
        )
        # The suite asks for its worker by a name made from its own process id.
        name = f"gen{os.getpid()}@{socket.gethostname()}"
        self.worker = ExternalWorker(
            # As the suite would start it, but for the log level.
            worker_command(
                "-P", "prefork", "-c", "1", "-n", name, "-l", "INFO",
                "--without-heartbeat", "--without-mingle", "--without-gossip",
            ),
            worker_environment(url, url, self.redis.port),
            FOLDER / "worker.log",
        )
        self.wanted = False
        self.log_position = 0

    def ensure_worker(self):
        """Starts the worker unless it runs."""
        self.wanted = True
        if not self.worker.running:
            self.worker.start()

    def begin_anew(self):
        """Forgets all messages and starts another worker, so that a failed test does not fail the next."""
        if self.wanted:
            self.worker.kill()
        self.redis.client().flushall()
        if self.wanted:
            self.worker.start()

    def close(self):
        """Ends the worker and the server."""
        if self.worker.running:
            self.worker.stop(timeout=5)
        self.redis.kill()


session = None


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config):
    """Starts the server and replaces the suite's worker before the suite's modules are imported."""
    global session
    divided = early_config.known_args_namespace.numprocesses and "PYTEST_XDIST_WORKER" not in os.environ
    if divided or early_config.known_args_namespace.collectonly:
        return
    session = Session()

    from celery.contrib.testing import worker

    @contextlib.contextmanager
    def start_worker(app, **options):
        session.ensure_worker()
        yield session.worker

    worker.start_worker = start_worker


def pytest_unconfigure():
    """Ends what was started."""
    if session:
        session.close()


def pytest_collection_modifyitems(config, items):
    """Marks the tests that cannot do without a worker inside their own process."""
    skips = SkipList()
    # Each process gets a run of neighbours; so the long tests, which are neighbours, come to different ones.
    shares = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    items[:] = [item for first in range(shares) for item in items[first::shares]]
    # Counts the server's subscriptions, which earlier tests of its process may have left behind.
    items.sort(key=lambda item: item.name != "test_pubsub_subscribe_churn_while_draining")
    for item in items:
        limit = item.get_closest_marker("timeout")
        if limit is None or limit.kwargs.get("timeout", TIME_LIMIT) > TIME_LIMIT:
            item.add_marker(pytest.mark.timeout(TIME_LIMIT), append=False)
        if reason := skips.reason(item.nodeid):
            item.user_properties.append(("listed", reason))
            # Where the yardstick runs it, such a test must fail: a reason that holds no more fails the run.
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True) if KIND == "celery" else pytest.mark.skip(reason))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Notes where this test's part of the worker's log begins."""
    from celery.result import _set_task_join_will_block

    session.log_position = session.worker.log_size()
    # Tests that make a worker object leave this process believing that it runs tasks, which may not wait for others.
    _set_task_join_will_block(False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Adds the worker's log to the report of a failed test, and how many messages reached the worker to every one."""
    report = yield
    if report.when == "call":
        received = len(RECEIVED.findall(session.worker.log_since(session.log_position)))
        item.user_properties.append(("received", received))
        report.user_properties = list(item.user_properties)
    if report.failed or call.excinfo:
        item.stash[failed] = not report.skipped or hasattr(report, "wasxfail")
        report.sections.append(("Log of the worker", session.worker.log_tail(session.log_position)))
    return report


failed = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item):
    """Fails a test that ended the worker, and cleans up after one that failed."""
    try:
        return (yield)
    finally:
        ended = session.wanted and not session.worker.running
        if ended or item.stash.get(failed, False):
            code, log = session.worker.exit_code if ended else None, session.worker.log_tail(session.log_position)
            session.begin_anew()
            if ended:
                pytest.fail(f"the worker ended with {code}:\n{log}", pytrace=False)
