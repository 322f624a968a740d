"""Several servers in broker_url: every program goes to the next when one cannot be reached, and work goes on there."""

import pytest

from deployment import Deployment
from gateway import Gateway
from producer import make_app
from redis_server import RedisServer
from waiting import eventually

PASSWORD, TOKEN = "of-the-second-server", "a-token-for-the-tests-of-brokers"
BEAT = {"beat_schedule": {"tick": {"task": "proj.noop", "schedule": 0.5}}}


class Pair:
    """Two servers, and every program with both in its broker_url; the deployment's own is the second."""

    def __init__(self, deployment, first):
        self.deployment = deployment
        self.first = first
        self.second = deployment.redis
        self.urls = [self.first.url(), self.second.url()]
        deployment.write_tasks(
            broker_url=self.urls, result_backend=";".join(self.urls),
            gateway={"users": {"tests": {"role": "admin", "token": TOKEN}}},
        )
        deployment.write_beat(BEAT)

    def start(self):
        """Starts a worker, a beat and a gateway."""
        self.worker = self.deployment.start_worker()
        self.beat = self.deployment.start_beat()
        self.gateway = Gateway(self.deployment)
        self.logs = (self.worker, self.beat, self.gateway.process)

    def call(self, *numbers):
        """Sends a task through the gateway and waits for its result there."""
        answer = self.gateway.request(
            "/api/tasks", "POST", {"task": "proj.add", "args": numbers}, Authorization=f"Bearer {TOKEN}"
        )
        assert answer.status == 202, answer.text
        id = answer.json["task_id"]
        eventually(lambda: self.gateway.status(id)["state"] == "SUCCESS", "the task runs")
        return self.gateway.status(id)["result"]

    def expect_at(self, number):
        """Waits until every program says that it is at the server of this number."""
        port = (self.first, self.second)[number - 1].port
        for process in self.logs:
            process.wait_for_line(rf"Connected to redis://.*127\.0\.0\.1:{port}/0, server {number} of 2: the one before")
        eventually(lambda: self.gateway.request("/readyz").status == 200, "the gateway is ready")

    def expect_ticks(self):
        """Waits until beat sends."""
        count = self.beat.count_lines("Sending due task")
        eventually(lambda: self.beat.count_lines("Sending due task") > count, "beat sends")


@pytest.fixture
def pair(tmp_path):
    first = RedisServer(tmp_path / "first", append_only=True)
    try:
        with Deployment(tmp_path / "all", RedisServer(tmp_path / "second", password=PASSWORD)) as deployment:
            yield Pair(deployment, first)
    finally:
        first.kill()


def test_with_the_first_dead_at_the_start_all_are_at_the_second(pair):
    pair.first.kill()
    pair.start()
    pair.expect_at(2)
    assert pair.call(1, 2) == 3
    pair.expect_ticks()
    # Celery's own producer does the same with such a list.
    app = make_app(";".join(pair.urls), pair.second.url())
    sent = app.send_task("proj.add", (3, 4))
    assert sent.get(timeout=60) == 7
    app.close()
    told = [process.text for process in pair.logs]
    for command in (["call", "proj.add", "--args", "[1, 2]"], ["result", sent.id], ["inspect", "ping"]):
        done = pair.deployment.run(*command)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        told.append(done.stdout + done.stderr)
    assert "w1@test" in told[-1]
    assert not [text for text in told if PASSWORD in text]


def test_when_the_first_is_killed_work_goes_on_at_the_second_and_nobody_returns_without_need(pair):
    pair.start()
    assert pair.call(1, 2) == 3
    app = make_app(pair.first.url(), pair.first.url())
    held = app.send_task("proj.sleep", (2,))
    eventually(lambda: pair.first.client().hlen("unacked") >= 1, "the worker has the task")
    pair.first.kill()
    pair.expect_at(2)
    assert pair.call(3, 4) == 7
    pair.expect_ticks()
    done = pair.deployment.app().send_task("proj.add", (5, 6))
    assert done.get(timeout=60) == 11

    pair.first.start()
    assert pair.call(7, 8) == 15
    pair.expect_ticks()
    for process in pair.logs:
        # A program that had gone back would have said so.
        assert process.count_lines("server 1 of 2: the one before") == 0, process.name
    # What was held at the first waits there, until somebody comes back because the second has gone.
    pair.second.kill()
    pair.expect_at(1)
    assert held.get(timeout=60) == 2
    assert pair.call(9, 10) == 19
    pair.expect_ticks()
    app.close()
    for process in pair.logs:
        assert process.terminate() == 0


@pytest.mark.parametrize("_", range(4))
def test_a_worker_and_the_beat_in_it_choose_one_server_of_a_shuffled_list(pair, _):
    pair.deployment.write_tasks(
        broker_url=pair.urls, broker_failover_strategy="shuffle", result_backend=";".join(pair.urls)
    )
    worker = pair.deployment.start_worker("-B", "--schedule", pair.deployment.directory / "beat.yaml")
    worker.wait_for_line(r"Task proj\.noop\[.*\] succeeded")
    # Which one is said once for each choice that is made, by the worker's own line too, and the other is left alone.
    line = worker.wait_for_line(r"Connected to redis://.*, server [12] of 2")
    assert worker.count_lines(r"Connected to redis://.*, server [12] of 2") == 1, worker.text
    used, other = (pair.first, pair.second) if "server 1 of" in line else (pair.second, pair.first)
    assert f"127.0.0.1:{used.port}/0" in line
    worker.wait_for_line(rf"Connected to redis://[^ ;]*127\.0\.0\.1:{used.port}/0$")
    assert not other.client().keys("*")
    assert worker.terminate() == 0
