"""Many mails at once, 100 ms apart, as the row 001-16 of the users' documents wants them."""

import statistics

import pytest

import office
from deployment import Deployment
from gateway import Gateway
from waiting import eventually

TOKEN = "an-operators-token-for-tests"
COUNT = 12
STAGGER = 0.1
TOLERANCE = 0.02


@pytest.fixture
def system(tmp_path):
    """The office's worker and a gateway; mail goes to a folder, where each file tells when it was sent."""
    with Deployment(tmp_path) as deployment:
        content = office.tasks_content(deployment.directory)
        content["tasks"]["backend.tasks.email_tasks.send_bulk_emails"]["options"]["stagger"] = 100
        content["queues"]["celery"] = {"pool": "io"}
        content["gateway"] = {"users": {"app": {"role": "operator", "token": TOKEN}}}
        deployment.write_tasks(**content)
        deployment.gateway = Gateway(deployment)
        deployment.worker = deployment.start_worker()
        yield deployment


def sent_at(system):
    """When each mail was sent, by its recipient."""
    times = {}
    for path in (system.directory / "outbox" / "mail").glob("*.eml"):
        recipient = next(line for line in path.read_text("utf-8").splitlines() if line.startswith("X-Envelope-To: "))
        times[recipient.removeprefix("X-Envelope-To: ").strip("<>")] = path.stat().st_mtime_ns / 1e9
    return times


def expect_stagger(system):
    """Every mail was sent once, each 100 ms after the one before."""
    times = eventually(
        lambda: len(sent_at(system)) == COUNT and sent_at(system), f"{COUNT} mails are sent"
    )
    ordered = [times[f"user{number}@example.com"] for number in range(COUNT)]
    gaps = [later - earlier for earlier, later in zip(ordered, ordered[1:])]
    # The machine may stand still in the middle, which lengthens one of the gaps and shortens the next ones.
    assert abs(statistics.median(gaps) - STAGGER) <= TOLERANCE, gaps


def mail(number):
    """A mail's arguments but for the name of the recipient's."""
    return {"subject": "Kampanya", "body": f"Merhaba {number}"}


def test_001_16_mails_sent_by_the_gateway_start_100_ms_apart(system):
    # One goes ahead, so that the handler is there when the first of the others comes.
    warm = {"task": "backend.tasks.email_tasks.send_email", "kwargs": {"to_email": "warm@example.com", **mail(0)}}
    headers = {"Authorization": f"Bearer {TOKEN}"}
    id = system.gateway.request("/api/tasks", "POST", warm, **headers).json["task_id"]
    eventually(lambda: system.gateway.status(id)["state"] == "SUCCESS", "the first mail is sent")
    for path in (system.directory / "outbox" / "mail").glob("*.eml"):
        path.unlink()
    answer = system.gateway.request(
        "/api/tasks/bulk", "POST",
        {
            "task": "backend.tasks.email_tasks.send_email", "stagger": 100, "countdown": 0.5,
            "items": [
                {"kwargs": {"to_email": f"user{number}@example.com", **mail(number)}} for number in range(COUNT)
            ],
        },
        **headers,
    )
    assert answer.status == 202, answer.text
    assert answer.json["count"] == COUNT and len(set(answer.json["task_ids"])) == COUNT
    assert answer.json["exists"] == []
    expect_stagger(system)
    for id in answer.json["task_ids"]:
        eventually(lambda id=id: system.gateway.status(id)["state"] == "SUCCESS", "each has its result")


def test_001_16_one_task_sends_its_mails_100_ms_apart(system):
    app = system.app()
    result = app.send_task(
        "backend.tasks.email_tasks.send_bulk_emails",
        [[{"to": f"user{number}@example.com", **mail(number)} for number in range(COUNT)]], queue="email",
    ).get(timeout=60)
    assert result["sent"] == result["total"] == COUNT
    expect_stagger(system)


def test_jobs_as_bullmq_sends_them_run_with_their_data(system):
    answer = system.gateway.request(
        "/api/v1/admin/jobs/email/bulk", "POST",
        {
            "type": "send-email",
            "jobs": [
                {"data": {"to_email": f"user{number}@example.com", **mail(number)}, "options": {"jobId": f"mail:{number}"}}
                for number in range(3)
            ] * 2,
        },
        Authorization=f"Bearer {TOKEN}",
    )
    assert answer.status == 202, answer.text
    assert answer.json["count"] == 3 and answer.json["jobIds"] == ["mail:0", "mail:1", "mail:2"] * 2
    assert answer.json["exists"] == ["mail:0", "mail:1", "mail:2"]
    assert eventually(lambda: len(sent_at(system)) == 3, "three mails are sent")
    system.expect_empty("email")
