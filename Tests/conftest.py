import signal

import pytest

from deployment import EXECUTABLE, Deployment
from gateway import TOKENS


def pytest_configure():
    """Lets a run that is ended by a time-out end its servers and workers too."""
    signal.signal(signal.SIGTERM, lambda number, frame: pytest.exit("terminated"))


@pytest.fixture(scope="session", autouse=True)
def program():
    """The built program; every test needs it."""
    assert EXECUTABLE.exists(), f"{EXECUTABLE} is missing: run `swift build` first"


@pytest.fixture
def deployment(tmp_path):
    """A Redis of the test's own, without a worker."""
    with Deployment(tmp_path) as deployment:
        yield deployment


@pytest.fixture(scope="module")
def shared(request, tmp_path_factory):
    """A Redis and one running worker for all tests of a file; the file's TASKS_FILE and WORKER_FLAGS configure it."""
    with Deployment(tmp_path_factory.mktemp(request.module.__name__)) as deployment:
        deployment.write_tasks(**getattr(request.module, "TASKS_FILE", {}))
        deployment.worker = deployment.start_worker(*getattr(request.module, "WORKER_FLAGS", ()))
        yield deployment


@pytest.fixture(scope="module")
def app(shared):
    """A Celery 5.7 application that calls the file's worker."""
    return shared.app()


@pytest.fixture(scope="module")
def browser(system, tmp_path_factory):
    """One browser for all tests of a file, logged in as the admin of the file's `system`."""
    from browser import Browser  # Selenium is slow to load, and few files have pages.

    browser = Browser(system.gateway, tmp_path_factory.mktemp("chromium"))
    browser.log_in(TOKENS["admin"])
    yield browser
    browser.close()


@pytest.fixture
def calm(browser):
    """Leaves the browser as others expect it, and fails where it had something to complain about."""
    yield
    browser.size(1280, 900)
    browser.scheme("light")
    assert browser.complaints() == []
