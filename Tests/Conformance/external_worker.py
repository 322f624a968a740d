"""The only worker that runs tasks for Celery's own suites: a process of its own, Celeriac's or Celery's."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

from deployment import clean_environment

HERE = pathlib.Path(__file__).parent
#: Which worker runs the tasks: `celeriac`, or `celery` as the yardstick.
KIND = os.environ.get("CONFORMANCE_WORKER", "celeriac")
#: The executable with the suites' tasks, written with Celeriac's public API.
PROGRAM = os.environ.get("CONFORMANCE_PROGRAM", "")
#: Where logs and Redis' files of this run go.
FOLDER = pathlib.Path(os.environ.get("CONFORMANCE_RUN", ".")) / os.environ.get("PYTEST_XDIST_WORKER", "main")

#: What every line says that tells of a message's arrival.
RECEIVED = re.compile(rb"\] received")


#: Celery's defaults where Celeriac has others; the suites count on them.
CELERY_DEFAULTS = {"task_acks_late": False, "worker_prefetch_multiplier": 4}
#: What applications of the suites set although it is no setting, which Celery does not notice.
NO_SETTINGS = {"prefetch_multiplier", "visibility_timeout"}


def write_settings(folder, settings):
    """Writes settings of Celery as a `tasks.yaml` for a worker that is not Celery's, and returns its path."""
    settings = {name: value for name, value in settings.items() if name not in NO_SETTINGS}
    if "task_queues" in settings:
        settings["queues"] = settings.pop("task_queues")
    path = pathlib.Path(folder) / "tasks.yaml"
    # Every JSON document is YAML.
    path.write_text(json.dumps({**CELERY_DEFAULTS, **settings}, indent=2, default=sorted), encoding="utf-8")
    return path


def worker_command(*flags, application="reference_app"):
    """The command line of a worker of this run's kind, configured as the suite configures its own."""
    if KIND == "celery":
        return [sys.executable, "-m", "celery", "-A", application, "worker", *flags]
    return [PROGRAM, "--config", write_settings(FOLDER, {"result_extended": True}), "worker", *flags]


def worker_environment(broker, backend, redis_port, **additions):
    """The environment of a worker of either kind."""
    environment = clean_environment(
        CELERY_BROKER_URL=broker, CELERY_RESULT_BACKEND=backend, REDIS_HOST="127.0.0.1", REDIS_PORT=str(redis_port),
    )
    if KIND == "celery":
        # The suites' task modules lie in the working folder, the applications beside this file.
        environment["PYTHONPATH"] = os.pathsep.join([str(HERE), os.getcwd()])
    return {**environment, **additions}


class ExternalWorker:
    """A worker process that writes its log to a file."""

    def __init__(self, command, environment, log, directory=None):
        self.command = [str(part) for part in command]
        self.environment = environment
        self.directory = directory
        self.log = pathlib.Path(log)
        self._process = None

    @property
    def pid(self):
        """The process's id."""
        return self._process.pid

    @property
    def running(self):
        """Whether the process has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self):
        """How the process ended; None while it runs."""
        return self._process.poll()

    def start(self, timeout=40, ready=rb" ready\."):
        """Starts the process and, unless `ready` is None, waits until its log says that it is ready."""
        begin = self.log_size()
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                self.command, cwd=self.directory, env=self.environment, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True,
            )
        end = time.monotonic() + timeout
        while ready and not re.search(ready, self.log_since(begin)):
            if not self.running:
                raise AssertionError(f"the worker ended with {self.exit_code}:\n{self.log_tail()}")
            if time.monotonic() > end:
                self.kill()
                raise AssertionError(f"the worker was not ready within {timeout} s:\n{self.log_tail()}")
            time.sleep(0.02)

    def signal(self, number):
        """Sends a signal to the process, if it still runs."""
        if self.running:
            self._process.send_signal(number)

    def wait(self, timeout):
        """Waits for the process to end by itself and returns its exit code."""
        return self._process.wait(timeout)

    def stop(self, timeout=10):
        """Ends the process by SIGTERM, and with it everything it started when that takes too long."""
        self.signal(signal.SIGTERM)
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self):
        """Ends the process and everything it started at once."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self._process.wait(10)

    def log_size(self):
        """How many bytes the log holds."""
        return self.log.stat().st_size if self.log.exists() else 0

    def log_since(self, position):
        """What was logged after `position` bytes."""
        if not self.log.exists():
            return b""
        with open(self.log, "rb") as log:
            log.seek(position)
            return log.read()

    def log_tail(self, position=0, limit=6000):
        """The end of the log, as text."""
        return self.log_since(position)[-limit:].decode("utf-8", "replace")
