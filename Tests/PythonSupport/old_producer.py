"""Drives a producer that runs under an old Celery, in a Python environment of its own."""

import json
import os
import pathlib
import subprocess

HERE = pathlib.Path(__file__).parent
PYTHON = pathlib.Path(
    os.environ.get("CELERY52_PYTHON", HERE.parent.parent / ".build" / "venv-celery52" / "bin" / "python")
)


class OldProducer:
    """Calls tasks and reads results with Celery 5.2."""

    def __init__(self, broker, backend, **settings):
        assert PYTHON.exists(), f"{PYTHON} is missing: Scripts/test makes it"
        self._process = subprocess.Popen(
            [PYTHON, HERE / "old_producer_program.py", broker, backend, json.dumps(settings)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )

    def ask(self, op, **request):
        """Sends one request and returns its answer."""
        self._process.stdin.write(json.dumps({"op": op, **request}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the old producer ended"
        return json.loads(line)

    def delay(self, task, *args, **kwargs):
        """Calls a task with `delay` and returns its id."""
        return self.ask("delay", task=task, args=args, kwargs=kwargs)["id"]

    def apply(self, task, args=(), kwargs=None, **options):
        """Calls a task with `apply_async` and returns its id."""
        return self.ask("apply", task=task, args=args, kwargs=kwargs or {}, options=options)["id"]

    def get(self, task_id, timeout=15):
        """What `AsyncResult.get` did: `{"value": …}` or `{"error": …, "message": …}`."""
        return self.ask("get", id=task_id, timeout=timeout)

    def close(self):
        """Ends the producer."""
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)
