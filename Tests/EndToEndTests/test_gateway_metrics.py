"""The gateway's metrics, beside counts made by hand."""

import json
import subprocess

import flower_server
from gateway import Gateway
from prometheus_server import BINARIES
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


def test_what_ended_is_counted_for_good_and_told_in_prometheus_format(deployment):
    deployment.write_tasks(gateway={"metrics_access": "public"}, queues={"celery": {}, "pdf": {}})
    gateway = Gateway(deployment)
    worker = deployment.start_worker()
    app = deployment.app()
    for _ in range(4):
        app.send_task("proj.add", (1, 2), queue="pdf").get(timeout=60)
    for _ in range(2):
        app.send_task("proj.fail", ("no",)).get(timeout=60, propagate=False)

    def counted():
        now = scrape(gateway)
        completed = now.get(("queue_jobs_processed_total", ("queue", "pdf"), ("status", "completed")))
        failed = now.get(("queue_jobs_processed_total", ("queue", "celery"), ("status", "failed")))
        return (completed, failed) == (4, 2) and now

    samples = eventually(counted, "all six are counted")
    runs = ("queue_job_duration_seconds_count", ("job_type", "proj.add"), ("queue", "pdf"))
    assert samples[runs] == 4
    assert samples[("queue_jobs_failed", ("queue", "celery"))] == 2
    # Workers are asked between two scrapes, so that none waits for them.
    eventually(lambda: scrape(gateway).get(("celery_active_worker_count",)) == 1, "the worker is seen")
    assert scrape(gateway)[("celery_active_consumer_count", ("queue_name", "pdf"))] == 1
    # The counts are the deployment's, not a process's.
    worker.terminate()
    gateway.process.terminate()
    assert counted_again(Gateway(deployment)) == samples[runs]
    text = Gateway(deployment).request("/metrics").text
    done = subprocess.run([BINARIES / "promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)
    complaints = [line for line in done.stderr.splitlines() if "should have" not in line]
    assert complaints == [] and done.returncode in (0, 3), done.stderr


def counted_again(gateway):
    """The runs that a gateway which has just started tells of."""
    return scrape(gateway)[("queue_job_duration_seconds_count", ("job_type", "proj.add"), ("queue", "pdf"))]
