"""Runs those parts of Celery's t/smoke that need no more than Redis and workers, without containers.

Loaded by PYTEST_PLUGINS. The suite's own fixtures, pytest-celery and pytest-docker-tools work as they are; only the Docker
client below them is replaced, see stand_in_docker.py.
"""

import os
import pathlib

import docker
import pytest
from pytest_docker_tools.wrappers import container as container_wrapper

from external_worker import FOLDER, KIND, RECEIVED
from skip_list import SkipList
from stand_in_docker import StandInDocker

#: Longer than any passing test takes.
TIME_LIMIT = 150
#: What a test may ask for that is not there, by the fixture that brings it.
MISSING = {
    "default_rabbitmq_broker": "needs RabbitMQ",
    "celery_rabbitmq_broker": "needs RabbitMQ",
    "celery_memcached_backend": "needs memcached",
    "default_memcached_backend": "needs memcached",
    "celery_localstack_broker": "needs LocalStack",
    "celery_legacy_worker": "needs a worker of Celery 4.4.7, which no current Python runs",
    "celery_legacy_worker_container": "needs a worker of Celery 4.4.7, which no current Python runs",
}
#: A task of the suite leaves this file to know that it ran before; a container would start without it.
MARKER = pathlib.Path("/tmp/kill_child_process_once")

FOLDER.mkdir(parents=True, exist_ok=True)
client = StandInDocker(FOLDER)
docker.from_env = lambda: client
# The programs run beside the tests, wherever those run.
container_wrapper.tests_inside_container = lambda: False


def missing(item):
    """What a test needs that is not here; None when nothing."""
    asked = list(item.fixturenames)
    if callspec := getattr(item, "callspec", None):
        for value in callspec.params.values():
            asked += value if isinstance(value, (list, tuple)) else [value]
    return next((MISSING[name] for name in asked if isinstance(name, str) and name in MISSING), None)


def pytest_collection_modifyitems(config, items):
    """Skips what needs more than Redis, and marks the tests that ask for the inside of a Celery worker."""
    skips = SkipList()
    for item in items:
        limit = item.get_closest_marker("timeout")
        if limit is None or limit.kwargs.get("timeout", TIME_LIMIT) > TIME_LIMIT:
            item.add_marker(pytest.mark.timeout(TIME_LIMIT), append=False)
        if reason := missing(item):
            item.add_marker(pytest.mark.skip(reason))
        elif reason := skips.reason(item.nodeid):
            item.user_properties.append(("listed", reason))
            # The reasons of this list are about programs other than Celery's; Celery's own passes most of these tests.
            if KIND != "celery":
                item.add_marker(pytest.mark.skip(reason))


def pytest_runtest_setup(item):
    """Makes each test start as in new containers."""
    MARKER.unlink(missing_ok=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Adds how many messages reached workers to the report of every test."""
    report = yield
    if report.when == "call":
        received = sum(len(RECEIVED.findall(container.logs())) for container in client.running)
        item.user_properties.append(("received", received))
        report.user_properties = list(item.user_properties)
    return report


def pytest_unconfigure():
    """Ends what was started."""
    client.close()
