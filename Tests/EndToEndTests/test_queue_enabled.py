"""QUEUE_ENABLED: what programs do where queues are switched off."""

import pytest

from gateway import Gateway

TOKEN = "an-operators-token-for-tests"
NOTE = "queues are switched off (QUEUE_ENABLED or queue_enabled is false)"


def off(form):
    """Switches queues off by the variable or by the setting."""
    return ([], {"QUEUE_ENABLED": "false"}) if form == "variable" else (["queue_enabled=false"], {})


@pytest.mark.parametrize("form", ["variable", "setting"])
def test_a_worker_ends_with_a_note(deployment, form):
    settings, environment = off(form)
    ended = deployment.run("worker", *settings, environment=environment)
    assert (ended.returncode, ended.stderr.strip()) == (0, f"worker: {NOTE}, so there is nothing to do")
    assert "ready." not in ended.stdout
    assert not deployment.client.keys("*")


def test_a_beat_ends_with_a_note(deployment):
    deployment.write_beat({"beat_schedule": {"tick": {"task": "proj.noop", "schedule": 1}}})
    ended = deployment.run_beat("--config", deployment.tasks_path, environment={"QUEUE_ENABLED": "0"})
    assert (ended.returncode, ended.stderr.strip()) == (0, f"beat: {NOTE}, so there is nothing to do")
    assert not deployment.client.keys("*")


def test_the_gateway_says_so_and_sends_nothing(deployment):
    deployment.write_tasks(gateway={"users": {"app": {"role": "operator", "token": "${APP_TOKEN}"}}})
    gateway = Gateway(deployment, environment={"QUEUE_ENABLED": "off", "APP_TOKEN": TOKEN})
    assert "(queues are off: QUEUE_ENABLED or queue_enabled is false)" in gateway.process.text
    assert gateway.request("/readyz").status == 200
    assert gateway.status("x")["state"] == "PENDING"
    answer = gateway.request("/api/tasks", method="POST", body={"task": "proj.noop"}, Authorization=f"Bearer {TOKEN}")
    assert answer.status == 503, answer.text
    assert deployment.waiting() == 0
