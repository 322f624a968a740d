"""Plans of tenants: how much of a tenant's work runs at once and starts within a minute, over all workers."""

import datetime
import json
import re
import uuid

import pytest
from gateway import Gateway
from waiting import eventually

TOKEN = "an-administrators-token-for-tests"
ENDED = re.compile(r"\[([-\d]+ [\d:]+,\d+): .*proj\.sleep\[([-0-9a-f]+)\] succeeded in ([\d.]+)s")


def send(app, tenant, seconds=0.1, task="proj.sleep", **options):
    """Sends a task of a tenant as any Python producer may."""
    return app.tasks[task].apply_async((seconds,), headers={"tenant_id": tenant}, **options)


def runs(workers):
    """When each task ran, by its id, as the workers' logs tell."""
    found = {}
    for worker in workers:
        for when, task, seconds in ENDED.findall(worker.text):
            end = datetime.datetime.strptime(when, "%Y-%m-%d %H:%M:%S,%f").timestamp()
            found[task] = (end - float(seconds), end)
    return found


def most_at_once(spans):
    """How many of these ran at once at most."""
    moments = sorted([(start, 1) for start, _ in spans] + [(end, -1) for _, end in spans])
    count = most = 0
    for _, change in moments:
        count += change
        most = max(most, count)
    return most


def explanation(deployment, task):
    """What `celeriac explain` says of a task."""
    answer = deployment.run("explain", "--json", task)
    return [reason for reason in json.loads(answer.stdout)["reasons"]]


def test_no_more_of_a_tenants_tasks_run_at_once_than_its_plan_allows_and_others_pass(deployment):
    deployment.write_tasks(
        tenants={"plans": {"free": {"concurrency": 2}}, "members": {"acme": "pro"}},
        pools={"cpu": {"processes": 1, "slots": 8}},
    )
    workers = [deployment.start_worker(name=name) for name in ("w1", "w2")]
    app = deployment.app()
    limited = [send(app, "small", 0.3) for _ in range(30)]
    others = [send(app, "acme", 0.05) for _ in range(5)] + [app.tasks["proj.sleep"].delay(0.05) for _ in range(5)]
    for result in others + limited:
        result.get(timeout=60)
    spans = eventually(lambda: (found := runs(workers)) if len(runs(workers)) == 40 else None, "every end is logged")
    assert most_at_once([spans[result.id] for result in limited]) == 2
    ends = sorted(spans[result.id][1] for result in limited)
    assert all(spans[result.id][1] < ends[15] for result in others)
    assert {line for line in workers[0].text.splitlines() if "as its plan free allows" in line}
    deployment.expect_empty()
    assert not deployment.client.exists("celeriac:tenants:queue:small")


def test_tasks_start_in_the_order_in_which_they_came(deployment):
    deployment.write_tasks(tenants={"plans": {"free": {"concurrency": 1}}})
    worker = deployment.start_worker()
    app = deployment.app()
    results = [send(app, "small", 0.05) for _ in range(12)]
    for result in results:
        result.get(timeout=60)
    spans = eventually(lambda: (found := runs([worker])) if len(runs([worker])) == 12 else None, "every end is logged")
    assert sorted(results, key=lambda result: spans[result.id][0]) == results


def test_more_than_a_minute_allows_waits_until_the_minute_is_over(deployment):
    deployment.write_tasks(tenants={"plans": {"free": {"per_minute": 3}}})
    worker = deployment.start_worker()
    app = deployment.app()
    results = [send(app, "small", 0) for _ in range(5)]
    for result in results[:3]:
        result.get(timeout=60)
    client = deployment.client
    eventually(lambda: client.zcard("celeriac:tenants:queue:small") == 2, "two are parked")
    worker.wait_for_line("tenant small has started 3 within a minute, as many as its plan free allows")
    assert [result.state for result in results[3:]] == ["PENDING", "PENDING"]
    started = [moment for _, moment in client.zrange("celeriac:tenants:started:small", 0, -1, withscores=True)]
    assert len(started) == 3
    # The fourth may start when the first is a minute old, and not before.
    look = client.zscore("celeriac:tenants-waiting", "small")
    assert look == pytest.approx(started[0] + 60, abs=0.01)
    (reason,) = explanation(deployment, results[3].id)
    assert reason["code"] == "tenant_limited"
    assert reason["facts"]["bound"] == "per_minute" and reason["facts"]["limit"] == 3
    # A minute goes by.
    for member, moment in client.zrange("celeriac:tenants:started:small", 0, -1, withscores=True):
        client.zadd("celeriac:tenants:started:small", {member: moment - 60})
    client.zadd("celeriac:tenants-waiting", {"small": 0})
    for result in results[3:]:
        result.get(timeout=60)
    deployment.expect_empty()


def test_a_killed_worker_frees_what_its_tasks_took(deployment):
    deployment.write_tasks(
        tenants={"plans": {"free": {"concurrency": 2}}}, worker_dead_after=2,
        pools={"cpu": {"processes": 1, "slots": 8}},
    )
    first = deployment.start_worker(name="w1")
    app = deployment.app()
    results = [send(app, "small", 1.5) for _ in range(4)]
    running = "celeriac:tenants:running:small"
    eventually(lambda: deployment.client.zcard(running) == 2, "two may run")
    eventually(lambda: deployment.client.zcard("celeriac:tenants:queue:small") == 2, "two are parked")
    first.kill()
    deployment.start_worker(name="w2")
    for result in results:
        result.get(timeout=60)
    deployment.expect_empty()
    eventually(lambda: deployment.client.zcard(running) == 0, "no slot is taken")


def test_a_task_that_is_acknowledged_early_counts_until_its_end(deployment):
    deployment.write_tasks(
        tenants={"plans": {"free": {"concurrency": 1}}}, tasks={"proj.sleep": {"acks_late": False}},
        pools={"cpu": {"processes": 1, "slots": 8}},
    )
    worker = deployment.start_worker()
    app = deployment.app()
    results = [send(app, "small", 0.3) for _ in range(4)]
    for result in results:
        result.get(timeout=60)
    spans = eventually(lambda: (found := runs([worker])) if len(runs([worker])) == 4 else None, "every end is logged")
    assert most_at_once(spans.values()) == 1


def test_revoked_tasks_of_a_tenant_hold_nobody_up(deployment):
    deployment.write_tasks(tenants={"plans": {"free": {"concurrency": 1}}})
    deployment.start_worker()
    app = deployment.app()
    first = send(app, "small", 1)
    others = [send(app, "small", 0) for _ in range(10)]
    last = send(app, "small", 0)
    eventually(lambda: deployment.client.zcard("celeriac:tenants:queue:small") == 11, "eleven are parked")
    app.control.revoke([result.id for result in others])
    first.get(timeout=60)
    last.get(timeout=20)
    assert {result.state for result in others} == {"REVOKED"}


def test_nothing_is_counted_without_the_block(deployment):
    deployment.start_worker()
    send(deployment.app(), "small", 0).get(timeout=60)
    assert not deployment.client.keys("celeriac:tenants*")


@pytest.fixture
def administered(deployment):
    """A worker and a gateway with plans, its keyword argument named by the block."""
    deployment.write_tasks(
        tenants={"argument": "customer", "plans": {"free": {"concurrency": 2, "per_minute": 3}, "none": {}}},
        gateway={"users": {"root": {"role": "admin", "token": TOKEN}}},
    )
    deployment.gateway = Gateway(deployment)
    return deployment


def ask(deployment, path, method="GET", body=None):
    """Asks the gateway as an administrator."""
    return deployment.gateway.request(path, method=method, body=body, Authorization=f"Bearer {TOKEN}")


def test_the_gateway_refuses_more_than_a_minute_allows_and_names_the_number(administered):
    def post(**members):
        return ask(administered, "/api/tasks", "POST", {"task": "proj.echo", "kwargs": {"customer": "small"}, **members})

    once = str(uuid.uuid4())
    answers = [post(id=once) for _ in range(3)] + [post() for _ in range(3)]
    assert [answer.status for answer in answers] == [202, 200, 200, 202, 202, 429]
    refused = answers[-1]
    assert refused.json["code"] == "tenant_limit" and "3 tasks a minute" in refused.json["error"]
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    other = ask(administered, "/api/tasks", "POST", {"task": "proj.echo", "tenant": "big"})
    assert other.status == 202
    usage = ask(administered, "/api/v1/admin/tenants/small").json["data"]
    assert usage["sentLastMinute"] == 3 and usage["plan"] == "free"
    queued = ask(
        administered, "/api/v1/admin/jobs/celery", "POST",
        {"type": "echo", "data": {"customer": "small"}},
    )
    assert queued.status == 429


def test_a_plan_that_is_given_at_run_time_wins_and_lets_parked_tasks_go(administered):
    administered.start_worker()
    app = administered.app()
    results = [app.tasks["proj.echo"].delay(customer="small") for _ in range(5)]
    eventually(lambda: administered.client.zcard("celeriac:tenants:queue:small") == 2, "two are parked")
    usage = ask(administered, "/api/v1/admin/tenants").json
    (small,) = usage["data"]
    assert small["waiting"] == 2 and small["startedLastMinute"] == 3 and not small["assigned"]
    assert usage["plans"]["enterprise"] == {"concurrency": 20, "perMinute": 1000}
    assert ask(administered, "/api/v1/admin/tenants/small", "PUT", {"plan": "golden"}).status == 404
    given = ask(administered, "/api/v1/admin/tenants/small", "PUT", {"plan": "pro"})
    assert given.status == 200 and given.json["data"]["assigned"] and given.json["data"]["perMinute"] == 200
    for result in results:
        result.get(timeout=60)
    assert ask(administered, "/api/v1/admin/tenants/small", "DELETE").json["data"]["plan"] == "free"
    assert ask(administered, "/api/v1/admin/tenants/small", "DELETE").status == 404
    changes = ask(administered, "/api/v1/admin/audit").json["data"]
    assert [(entry["action"], entry["target"], entry["outcome"]) for entry in changes] == [
        ("tenant.plan", "small", "not_found"), ("tenant.plan", "small", "taken_back"),
        ("tenant.plan", "small", "assigned"),
    ]
