"""The gateway's metrics, beside counts made by hand."""

import json
import subprocess

import flower_server
from gateway import Gateway
from waiting import eventually

#: Reads metrics with Prometheus' own reader, which Flower brings along.
READER = """
import json, sys
from prometheus_client.parser import text_string_to_metric_families
families = list(text_string_to_metric_families(sys.stdin.read()))
json.dump([[s.name, s.labels, s.value] for family in families for s in family.samples], sys.stdout)
"""


def scrape(gateway):
    """The samples by name and labels."""
    text = gateway.request("/metrics").text
    done = subprocess.run(
        [flower_server.PYTHON, "-c", READER], input=text, capture_output=True, text=True, check=True, timeout=30
    )
    return {(name, *sorted(labels.items())): value for name, labels, value in json.loads(done.stdout)}


def test_they_equal_counts_made_by_hand_while_three_tasks_run_and_five_wait(deployment):
    worker_file = deployment.write_tasks(name="worker.yaml", pools={"cpu": {"processes": 3, "slots": 1}})
    deployment.write_tasks(gateway={"metrics_access": "public"})
    gateway = Gateway(deployment)
    deployment.start_worker(config=worker_file)
    app = deployment.app()
    app.tasks["proj.noop"].apply_async(countdown=600)
    eventually(lambda: deployment.client.zcard("celeriac:parked") == 1, "the later one is parked")
    running = [app.tasks["proj.sleep"].delay(20) for _ in range(3)]
    eventually(lambda: deployment.held() == 3, "three tasks run")
    for _ in range(5):
        app.tasks["proj.sleep"].delay(20)
    held, waiting = deployment.held(), deployment.waiting()
    assert held + waiting == 8
    samples = eventually(
        lambda: (all := scrape(gateway))[("queue_jobs_active", ("queue", "celery"))] == held and all, "they agree"
    )
    assert samples[("queue_jobs_waiting", ("queue", "celery"))] == waiting
    assert samples[("celery_queue_length", ("queue_name", "celery"))] == waiting
    assert samples[("celeriac_held_messages",)] == held
    assert samples[("celeriac_parked_messages",)] == 1
    assert samples[("celeriac_workers",)] == 1
    assert samples[("celeriac_redis_up",)] == 1
    assert samples[("celeriac_redis_memory_bytes",)] > 100_000
    for task in running:
        assert task.state != "FAILURE"
