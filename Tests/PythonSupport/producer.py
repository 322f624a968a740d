"""The producer's side: a Celery application that only calls tasks. Works with old and new Celery."""

from celery import Celery

from waiting import PATIENCE


def make_app(broker, backend, **settings):
    """An application that knows the debug tasks by name; none of them can run here."""
    app = Celery("proj", broker=broker, backend=backend, set_as_current=False)
    app.conf.update(broker_connection_retry_on_startup=True, **settings)
    # Results of a test outlive its Redis; looking for it twenty times, as is the default, would take as many seconds.
    app.conf.result_backend_transport_options = {
        **app.conf.result_backend_transport_options,
        "retry_policy": {"max_retries": 2, "interval_start": 0.1, "interval_step": 0.1, "interval_max": 0.2},
    }
    for name in ("noop", "echo", "add", "sleep", "spin", "progress", "fail", "retry", "crash", "replace",
                 "add_to_chord", "spawn"):
        app.task(_elsewhere, name=f"proj.{name}", shared=False)
    app.finalize()
    return app


def send(app, name, *args, queue="celery", **options):
    """Sends a task and returns its id."""
    return app.send_task(name, args=args, queue=queue, **options).id


def fail(app, *messages, task="proj.fail"):
    """Has tasks fail for good, each with a message, and returns their ids once they have."""
    ids = [send(app, task, message) for message in messages]
    for id in ids:
        app.AsyncResult(id).get(timeout=PATIENCE, propagate=False)
    return ids


def _elsewhere(*args, **kwargs):
    raise NotImplementedError("this task runs in a worker")
