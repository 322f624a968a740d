"""Everything a test runs: a Redis, Celeriac workers, real Celery workers, producers; all of it ends with the test."""

import gc
import json
import os
import pathlib
import signal
import subprocess
import sys

import yaml

from logged_process import LoggedProcess, is_running
from old_producer import OldProducer
from producer import make_app
from redis_server import RedisServer
from tasks_file import tasks_file
from waiting import PATIENCE, eventually

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
EXECUTABLE = pathlib.Path(os.environ.get("CELERIAC", ROOT / ".build" / "debug" / "celeriac")).resolve()
BEAT = EXECUTABLE.with_name("celeriac-beat")


def clean_environment(**additions):
    """This process's environment without what would configure Celeriac or Celery."""
    prefixes = ("CELERY_", "CELERIAC", "REDIS_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}
    # Should the program crash, the thread that did tells enough.
    kept["SWIFT_BACKTRACE"] = "threads=crashed,registers=none,images=none,color=no"
    return {**kept, **additions}


class Deployment:
    """One Redis and everything that talks to it, in a folder of its own."""

    def __init__(self, directory, server=None, **redis_options):
        self.directory = directory
        self.directory.mkdir(parents=True, exist_ok=True)
        self.redis = server or RedisServer(directory / "redis", **redis_options)
        self.processes = []
        self._producers = []
        self._apps = []

    @property
    def client(self):
        """A client of the server."""
        return self.redis.client()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    # Celeriac

    def write_tasks(self, name="tasks.yaml", **content):
        """Writes a configuration file made by `tasks_file` and returns its path."""
        path = self.directory / name
        path.write_text(tasks_file(self.redis, **content), encoding="utf-8")
        return path

    @property
    def tasks_path(self):
        """The configuration file, written with its defaults when the test did not write one."""
        path = self.directory / "tasks.yaml"
        return path if path.exists() else self.write_tasks()

    def spawn(self, *arguments, name="celeriac", environment=None):
        """Starts the program with these arguments and returns at once."""
        process = LoggedProcess(
            [EXECUTABLE, *arguments], self.directory, clean_environment(**(environment or {})), name
        )
        self.processes.append(process)
        return process

    def start_worker(self, *flags, name="w1", config=None, options=(), environment=None, level="INFO"):
        """Starts `celeriac worker` and returns when it says that it is ready."""
        worker = self.spawn(
            "--config", config or self.tasks_path, *options,
            "worker", "-l", level, "-n", f"{name}@test", *flags, name=name, environment=environment,
        )
        worker.wait_for_line(r" ready\.$")
        return worker

    # Beat

    def write_beat(self, content, name="beat.yaml"):
        """Writes a schedule, a dictionary or a text, and returns its path; what was there is replaced at once."""
        path = self.directory / name
        fresh = path.with_suffix(".new")
        fresh.write_text(content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False), "utf-8")
        fresh.replace(path)
        return path

    def spawn_beat(self, *arguments, name="beat", environment=None, config=True):
        """Starts `celeriac-beat` with these arguments and returns at once."""
        options = ["--config", self.tasks_path] if config else []
        process = LoggedProcess(
            [BEAT, *arguments, *options], self.directory, clean_environment(**(environment or {})), name
        )
        self.processes.append(process)
        return process

    def start_beat(self, *flags, name="beat", level="INFO", environment=None):
        """Starts `celeriac-beat` and returns when it has begun."""
        beat = self.spawn_beat("-l", level, *flags, name=name, environment=environment)
        beat.wait_for_line(r"beat: Starting\.\.\.")
        return beat

    def run_beat(self, *arguments, environment=None, timeout=PATIENCE):
        """Runs `celeriac-beat` to its end and returns its exit code and output."""
        return subprocess.run(
            [str(part) for part in (BEAT, *arguments)], cwd=self.directory, timeout=timeout,
            env=clean_environment(**(environment or {})), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )

    def run(self, *arguments, environment=None, timeout=PATIENCE, config=True):
        """Runs the program to its end and returns its exit code and output."""
        options = ["--config", self.tasks_path] if config else []
        return subprocess.run(
            [str(part) for part in (EXECUTABLE, *options, *arguments)], cwd=self.directory, timeout=timeout,
            env=clean_environment(**(environment or {})), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )

    # Real Celery

    def app(self, backend_database=0, **settings):
        """A Celery application on this deployment's Redis."""
        app = make_app(self.redis.url(), self.redis.url(backend_database), **settings)
        self._apps.append(app)
        return app

    def old_producer(self, **settings):
        """A producer under Celery 5.2 on this deployment's Redis."""
        producer = OldProducer(self.redis.url(), self.redis.url(), **settings)
        self._producers.append(producer)
        return producer

    def start_celery_worker(self, *flags, name="python", environment=None, **settings):
        """Starts a real `celery worker` with the tasks of worker_app and returns when it is ready."""
        environment = clean_environment(
            REDIS_PORT=str(self.redis.port), APP_SETTINGS=json.dumps(settings), PYTHONPATH=str(HERE),
            **(environment or {}),
        )
        worker = LoggedProcess(
            [
                sys.executable, "-m", "celery", "-A", "worker_app", "worker", "-l", "INFO", "-c", "1",
                "-n", f"{name}@test", *flags,
            ],
            self.directory, environment, name,
        )
        self.processes.append(worker)
        worker.wait_for_line(r" ready\.$")
        return worker

    # What is left in Redis

    def held(self):
        """How many messages workers hold."""
        return self.client.hlen("unacked")

    def waiting(self, queue="celery"):
        """How many messages wait in a queue, over all its priorities."""
        return sum(self.client.llen(queue + suffix) for suffix in ("", *(f"\x06\x16{step}" for step in (3, 6, 9))))

    def expect_empty(self, queue="celery", timeout=PATIENCE):
        """Waits until nothing is waiting, held or parked."""
        eventually(
            lambda: not (
                self.waiting(queue) or self.held() or self.client.zcard("unacked_index")
                or self.client.zcard("celeriac:parked") or self.client.hlen("celeriac:parked:messages")
            ),
            "queue, unacked, unacked_index and parked messages are empty",
            timeout,
        )

    def dead_letters(self):
        """The kept messages of tasks that failed for good, newest first."""
        raw = self.redis.client(raw=True)
        letters = []
        for name in raw.zrevrange("celeriac:dead", 0, -1):
            failures, facts = raw.hget("celeriac:dead:facts", name).split(b"\n", 1)
            queue, message = raw.hget("celeriac:dead:messages", name).split(b"\n", 1)
            facts = json.loads(facts)
            letters.append({
                "id": name.decode(), "failures": int(failures), "reason": facts["y"], "queue": queue.decode(),
                "message": message, "facts": facts,
            })
        return letters

    def forget_dead_letters(self):
        """Removes them all."""
        self.client.delete(*(f"celeriac:dead{part}" for part in ("", ":facts", ":messages", ":totals")))

    def statuses(self, ids, database=0):
        """The stored state of each id; PENDING for those without a record."""
        records = self.redis.client(database).mget([f"celery-task-meta-{id}" for id in ids])
        return [json.loads(record)["status"] if record else "PENDING" for record in records]

    def close(self):
        """Ends everything that was started and prints what it said, for the report of a failed test."""
        pool_processes = []
        for process in self.processes:
            if process.running:
                pool_processes += process.children()
                process.kill()
        gc.collect()  # Results unsubscribe while there still is a Redis.
        for producer in self._producers:
            producer.close()
        for app in self._apps:
            app.close()
        self.redis.kill()
        for process in self.processes:
            print(f"--- {process.name}: {' '.join(process.command)}\n{process.text[-8000:]}")
        for pid in pool_processes:
            try:
                eventually(lambda pid=pid: not is_running(pid), f"pool process {pid} ends with its controller", 5)
            except AssertionError:
                os.kill(pid, signal.SIGKILL)
                raise
