"""The application of a real Celery worker that stands beside Celeriac on the same queues.

Every task appends `<who> <task id>` to the list `ran` in Redis database 5, so that a test sees who ran what.
"""

import json
import os
import time

import redis
from celery import Celery
from celery.contrib.abortable import AbortableTask

PORT = int(os.environ["REDIS_PORT"])
app = Celery("proj", broker=f"redis://127.0.0.1:{PORT}/0", backend=f"redis://127.0.0.1:{PORT}/0")
app.conf.update(broker_connection_retry_on_startup=True, task_acks_late=True, worker_prefetch_multiplier=1)
app.conf.update(json.loads(os.environ.get("APP_SETTINGS", "{}")))
journal = redis.Redis(host="127.0.0.1", port=PORT, db=5)


def ran(task):
    journal.rpush("ran", f"celery {task.request.id}")


@app.task(bind=True, name="proj.noop")
def noop(self):
    ran(self)


@app.task(bind=True, name="proj.echo")
def echo(self, *args, **kwargs):
    ran(self)
    return {"args": list(args), "kwargs": kwargs}


@app.task(bind=True, name="proj.add")
def add(self, *numbers):
    ran(self)
    return sum(numbers)


@app.task(bind=True, name="proj.sleep")
def sleep(self, seconds):
    ran(self)
    time.sleep(seconds)
    return seconds


@app.task(bind=True, name="proj.fail")
def fail(self, message="failed on purpose", *rest):
    ran(self)
    raise ValueError(message)


@app.task(bind=True, name="proj.retry", max_retries=3)
def retry(self, times=1, countdown=0):
    ran(self)
    if self.request.retries < times:
        raise self.retry(countdown=countdown, exc=RuntimeError("not yet"))
    return {"retries": self.request.retries}


@app.task(bind=True, base=AbortableTask, name="proj.until_aborted")
def until_aborted(self):
    ran(self)
    while not self.is_aborted():
        time.sleep(0.05)
    return "gave up"


@app.task(name="proj.told")
def told(failed):
    return {"args": [failed], "kwargs": {}}


@app.task(bind=True, name="proj.replace")
def replace(self, *args):
    raise self.replace(self.app.signature(args[-1]))


@app.task(bind=True, name="proj.add_to_chord")
def add_to_chord(self, *args):
    self.add_to_chord(self.app.signature(args[-1]))
    return 0
