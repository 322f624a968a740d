"""The worker that a test of clients is about: Celeriac's, or a real Celery worker that proves the test itself.

Set CELERIAC_TEST_WORKER=celery for the latter.
"""

import os

KIND = os.environ.get("CELERIAC_TEST_WORKER", "celeriac")


def start_worker_under_test(deployment, *flags, name="w1", **settings):
    """Starts `<name>@test` with the tasks proj.noop, proj.echo, proj.add and proj.sleep and returns when it is ready."""
    if KIND == "celery":
        return deployment.start_celery_worker(*flags, name=name, **settings)
    deployment.write_tasks(**settings)
    return deployment.start_worker(*flags, name=name)
