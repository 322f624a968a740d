"""`celeriac explain` and `celeriac doctor`, over deployments of Celeriac and of Celery."""

import json

from waiting import eventually


def explain(deployment, id):
    done = deployment.run("explain", id, "--json")
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, [reason["code"] for reason in json.loads(done.stdout)["reasons"]]


def doctor(deployment, *flags):
    done = deployment.run("doctor", "--json", *flags)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, {finding["check"]: finding["level"] for finding in json.loads(done.stdout)}


def test_explain_says_why_a_task_waits(deployment):
    task = deployment.app().tasks["proj.noop"].delay()
    assert explain(deployment, task.id) == (0, ["no_consumer", "waiting"])
    assert explain(deployment, "never-sent") == (1, ["unknown"])
    done = deployment.run("explain", task.id)
    assert f"proj.noop[{task.id}]: PENDING, queue celery" in done.stdout
    assert "No worker consumes its queue." in done.stdout
    deployment.start_worker()
    eventually(lambda: task.state == "SUCCESS", "it has run")
    assert explain(deployment, task.id) == (0, ["succeeded"])


def test_doctor_finds_what_is_wrong(deployment):
    deployment.write_tasks(queues={"celery": {"pool": "cpu"}, "lonely": {"pool": "cpu"}})
    client = deployment.client
    client.config_set("maxmemory-policy", "allkeys-lru")
    client.config_set("maxmemory", "100mb")
    client.config_set("timeout", "60")
    client.set("celery-task-meta-for-ever", "{}")
    client.lpush("lonely", "{}")
    client.zadd("unacked_index", {"old": 1})
    code, found = doctor(deployment)
    assert code == 1
    assert found["broker.eviction"] == "error" and found["broker.timeout"] == "warning"
    assert found["results"] == "warning" and found["held"] == "error" and found["workers"] == "error"
    assert found["broker.version"] == "ok" and found["clock"] == "ok"
    deployment.start_worker("-Q", "celery")
    code, found = doctor(deployment)
    assert found["workers"] == "ok" and found["consumers"] == "error"


def test_doctor_finds_two_workers_of_one_name_among_celerys_own(deployment):
    for _ in range(2):
        deployment.start_celery_worker("--without-gossip", "--without-mingle", name="twin")
    code, found = doctor(deployment)
    assert found["node_names"] == "error" and code == 1


def test_doctor_is_content_with_a_good_deployment(deployment):
    deployment.client.config_set("appendonly", "yes")
    deployment.start_worker()
    code, found = doctor(deployment, "--strict")
    assert code == 0, found
    assert set(found.values()) == {"ok"}
    deployment.redis.kill()
    assert deployment.run("doctor").returncode == 69
