"""The application of the yardstick: a real Celery worker, outside the test's process, with the suite's tasks."""

import os

from celery import Celery
from celery.contrib.testing import tasks as testing_tasks  # noqa: F401  celery.ping
from celery.contrib.testing.app import DEFAULT_TEST_CONFIG
from t.integration.tasks import ClassBasedAutoRetryTask

app = Celery("conformance", include=["t.integration.tasks"])
# As the suite configures the worker that it would start itself.
servers = {"broker_url": os.environ["CELERY_BROKER_URL"], "result_backend": os.environ["CELERY_RESULT_BACKEND"]}
app.conf.update({**DEFAULT_TEST_CONFIG, **servers, "result_extended": True, "task_create_missing_queues": False})
app.conf.broker_connection_retry_on_startup = True
app.register_task(ClassBasedAutoRetryTask())
