"""Servers behind Redis Sentinel: each form of the URL, and what a failover does to every program."""

import time

import pytest

from deployment import Deployment
from gateway import Gateway
from producer import make_app
from sentinel_servers import NAME, SentinelServers
from waiting import eventually

PASSWORD, SENTINEL_PASSWORD = "of-the-servers", "of-the-sentinels"
OPTIONS = {"master_name": NAME, "sentinel_kwargs": {"password": SENTINEL_PASSWORD}}
BEAT = {"beat_schedule": {"tick": {"task": "proj.noop", "schedule": 0.5}}}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """Servers and sentinels with passwords of their own."""
    directory = tmp_path_factory.mktemp("guarded")
    with Deployment(directory, SentinelServers(directory, PASSWORD, SENTINEL_PASSWORD)) as deployment:
        yield deployment


@pytest.fixture
def replicated(tmp_path):
    """Servers and sentinels without passwords, to be killed."""
    with Deployment(tmp_path, SentinelServers(tmp_path)) as deployment:
        yield deployment


def celery_app(deployment, **options):
    """Real Celery, which finds the master by its own means."""
    url = deployment.redis.kombu_url()
    options = {"master_name": NAME, **options}
    return make_app(url, url, broker_transport_options=options, result_backend_transport_options=options)


def settings(servers, form):
    """What the file and the environment say in this form."""
    if form == "kombu":
        return {
            "broker_url": servers.kombu_url(), "broker_transport_options": OPTIONS,
            "result_backend": servers.kombu_url(), "result_backend_transport_options": OPTIONS,
        }, {}
    options = {key: OPTIONS[key] for key in ["sentinel_kwargs"]}
    if form == "path":
        return {
            "broker_url": servers.path_url(), "broker_transport_options": options,
            "result_backend": servers.path_url(3), "result_backend_transport_options": options,
        }, {}
    return {"broker_url": "redis://127.0.0.1:1/0"}, {
        "REDIS_URL": f"{servers.path_url()}?sentinel_password={SENTINEL_PASSWORD}"
    }


@pytest.mark.parametrize("form", ["kombu", "path", "variable"])
def test_every_program_connects_in_each_form(guarded, form):
    content, environment = settings(guarded.redis, form)
    guarded.write_tasks(**content)
    guarded.write_beat(BEAT)
    worker = guarded.start_worker(name=form, environment=environment)
    assert f"@127.0.0.1:{guarded.redis.ports[0]}" in worker.text, "the banner names the sentinels"
    beat = guarded.start_beat(environment=environment)
    beat.wait_for_line("Sending due task tick")
    gateway = Gateway(guarded, environment=environment)
    assert gateway.request("/readyz").status == 200

    app = celery_app(guarded, sentinel_kwargs=OPTIONS["sentinel_kwargs"])
    sent = app.tasks["proj.add"].delay(3, 4)
    if form != "path":
        assert sent.get(timeout=60) == 7
    eventually(lambda: gateway.status(sent.id)["state"] == "SUCCESS", "the gateway reads its result")
    assert gateway.status(sent.id)["result"] == 7
    app.close()

    told = []
    for command in (["call", "proj.add", "--args", "[1, 2]"], ["result", sent.id], ["inspect", "ping"], ["doctor"]):
        done = guarded.run(*command, environment=environment)
        assert done.returncode == 0 or command == ["doctor"], (command, done.stdout, done.stderr)
        told.append(done.stdout + done.stderr)
    assert told[1].startswith("7")
    assert f"{form}@test" in told[2]
    told += [worker.text, beat.text, gateway.process.text]
    assert not [text for text in told if PASSWORD in text or SENTINEL_PASSWORD in text]
    for process in (beat, gateway.process, worker):
        assert process.terminate() == 0


def test_after_a_failover_work_resumes_within_ten_seconds_and_nothing_is_lost(replicated):
    servers = replicated.redis
    replicated.write_tasks(pools={"io": {"processes": 1, "slots": 4}}, queues={"celery": {"pool": "io"}})
    replicated.write_beat(BEAT)
    worker = replicated.start_worker()
    beat = replicated.start_beat()
    gateway = Gateway(replicated)
    app = celery_app(replicated)
    ids = [app.tasks["proj.sleep"].delay(0.3).id for _ in range(120)]
    eventually(lambda: replicated.statuses(ids).count("SUCCESS") >= 10, "some have run")
    servers.kill_master()
    killed = time.monotonic()
    done = sum(state == "SUCCESS" for state in replicated.statuses(ids))
    ticks = beat.count_lines("Sending due task")
    eventually(lambda: replicated.statuses(ids).count("SUCCESS") > done, "work has resumed")
    resumed = time.monotonic() - killed
    eventually(lambda: gateway.request("/readyz").status == 200, "the gateway is ready again")
    ready = time.monotonic() - killed
    assert (resumed < 10, ready < 10) == (True, True), (resumed, ready)
    eventually(lambda: beat.count_lines("Sending due task") > ticks, "beat sends again")
    worker.wait_for_line(rf"The master of '{NAME}' is 127\.0\.0\.1:{servers.replica.port} now")

    eventually(lambda: set(replicated.statuses(ids)) == {"SUCCESS"}, "all have run")
    assert gateway.status(ids[-1])["state"] == "SUCCESS"
    assert app.tasks["proj.add"].delay(2, 3).get(timeout=60) == 5
    assert worker.running and beat.running

    # The former master comes back, as a replica: nobody returns to it.
    servers.master.start()
    eventually(lambda: servers.role(servers.master) == "slave", "the former master is a replica")
    assert app.tasks["proj.add"].delay(3, 3).get(timeout=60) == 6
    app.close()


# What cannot work


def test_a_name_that_no_sentinel_knows_is_said_in_one_line(replicated):
    urls = ",".join(f"127.0.0.1:{port}" for port in replicated.redis.ports)
    url = f"redis+sentinel://{urls}/nobody"
    why = f"no sentinel knows a master named 'nobody' (asked: {urls.replace(',', ', ')})"
    replicated.write_tasks(broker_url=url, result_backend=url)
    ended = replicated.run("worker")
    assert (ended.returncode, ended.stderr.count(why)) == (1, 1), ended.stderr
    ended = replicated.run("inspect", "ping")
    assert (ended.returncode, ended.stderr.count(why)) == (69, 1), ended.stderr


def test_sentinels_that_do_not_answer_are_said_in_one_line(tmp_path):
    with Deployment(tmp_path) as deployment:
        url = f"redis+sentinel://:secret@127.0.0.1:1,127.0.0.1:2/{NAME}"
        deployment.write_tasks(broker_url=url, result_backend=url)
        ended = deployment.run("inspect", "ping")
        assert ended.returncode == 69
        line = next(line for line in ended.stderr.splitlines() if "sentinel" in line)
        assert f"no sentinel tells the master of '{NAME}': 127.0.0.1:1: " in line
        assert "127.0.0.1:2: " in line
        assert "secret" not in ended.stderr


def test_a_missing_master_name_is_said_before_anything_starts(tmp_path):
    with Deployment(tmp_path) as deployment:
        deployment.write_tasks(broker_url="sentinel://:secret@127.0.0.1:1;sentinel://127.0.0.1:2")
        ended = deployment.run("worker")
        assert ended.returncode == 2
        assert "sentinel://:**@127.0.0.1:1;sentinel://127.0.0.1:2: the name of the master is missing" in ended.stderr
        assert "secret" not in ended.stderr
