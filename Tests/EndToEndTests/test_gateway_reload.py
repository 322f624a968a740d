"""HUP: the gateway reads its configuration again, whole or not at all, and goes on."""

import hashlib
import re
import signal
import socket
import ssl
import subprocess

import yaml

from certificates import make_certificate
from deployment import clean_environment
from gateway import PROGRAM, Gateway
from raw_http import Connection
from visitor import JOBS, log_in
from waiting import PATIENCE, eventually

OPS, NEW, THIRD = "the-token-of-operations", "a-token-of-somebody-new", "a-third-token-for-tests"
TAKEN = "The configuration was read again and is in use"
KEPT = "The configuration was not taken, the old one stays"
STATUS = "/api/tasks/t1/status"


def bearer(token):
    """The header that shows a token."""
    return {"Authorization": f"Bearer {token}"}


def write(deployment, **settings):
    """Writes the block `gateway`."""
    deployment.write_tasks(gateway={"status_access": "token", **settings})


def users(**tokens):
    """Users by their names, each an admin."""
    return {name: {"role": "admin", "token": token} for name, token in tokens.items()}


def hang_up(gateway, line=TAKEN):
    """Has the gateway read its configuration, and waits for what it says of it."""
    before = len(re.findall(line, gateway.process.text))
    gateway.process.signal(signal.SIGHUP)
    eventually(lambda: len(re.findall(line, gateway.process.text)) > before, f"the gateway says: {line}")


def test_users_come_and_go_at_once(deployment):
    write(deployment, users=users(ops=OPS, third=THIRD))
    gateway = Gateway(deployment)
    assert gateway.request(STATUS, **bearer(OPS)).status == 200
    assert gateway.request(STATUS, **bearer(NEW)).status == 401
    digest = hashlib.sha256(NEW.encode()).hexdigest()
    write(deployment, users={"new": {"role": "viewer", "token_sha256": digest}, "third": {"token": THIRD}})
    hang_up(gateway)
    assert gateway.request(STATUS, **bearer(OPS)).status == 401
    assert gateway.request(STATUS, **bearer(NEW)).status == 200
    # From admin to viewer.
    pause = gateway.request("/api/v1/admin/jobs/celery/pause", "POST", body={}, **bearer(THIRD))
    assert pause.status == 403
    assert all(token not in gateway.process.text for token in (OPS, NEW, THIRD))


def test_a_hang_up_during_the_start_is_not_lost(deployment):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(PATIENCE)
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        deployment.write_tasks(broker_url=url, result_backend=url, gateway={
            "status_access": "token", "users": users(ops=OPS),
        })
        gateway = Gateway(deployment, is_awaited=False)
        connection, _ = silent.accept()
        # It has read its configuration and waits for an answer of Redis.
        deployment.write_tasks(broker_url=url, result_backend=url, gateway={
            "status_access": "token", "users": users(new=NEW),
        })
        gateway.process.signal(signal.SIGHUP)
    connection.close()
    gateway.wait_until_ready()
    gateway.process.wait_for_line(TAKEN)
    assert gateway.request(STATUS, **bearer(OPS)).status == 401
    assert gateway.request(STATUS, **bearer(NEW)).status == 503


def test_a_bad_file_keeps_the_old_configuration_whole(deployment):
    write(deployment, users=users(ops=OPS), tasks_per_minute=1)
    gateway = Gateway(deployment)
    write(deployment, users=users(new=NEW), tasks_per_minute="many", locale="tr")
    hang_up(gateway, KEPT)
    assert "gateway.tasks_per_minute" in gateway.process.text
    assert "nothing was started" not in gateway.process.text
    assert gateway.request(STATUS, **bearer(OPS)).status == 200
    assert gateway.request(STATUS, **bearer(NEW)).status == 401
    deployment.tasks_path.write_text("gateway: [")
    hang_up(gateway, KEPT)
    assert gateway.request(STATUS, **bearer(OPS)).status == 200
    deployment.tasks_path.unlink()
    hang_up(gateway, KEPT)
    assert gateway.request(STATUS, **bearer(OPS)).status == 200
    # What is good in itself and cannot be used is refused whole too.
    write(deployment, users=users(new=NEW), downloads={"folders": ["x"], "signing_key_file": "none.key"})
    hang_up(gateway, KEPT)
    assert "gateway.downloads.signing_key_file" in gateway.process.text
    assert gateway.request(STATUS, **bearer(NEW)).status == 401
    write(deployment, users=users(new=NEW))
    hang_up(gateway)
    assert gateway.request(STATUS, **bearer(NEW)).status == 200


def test_what_needs_a_restart_is_named_and_the_rest_is_taken(deployment):
    write(deployment, users=users(ops=OPS))
    gateway = Gateway(deployment)
    deployment.write_tasks(
        gateway={"status_access": "public", "unix_socket": "gateway.sock", "shutdown_timeout": 3},
        broker_url="redis://127.0.0.1:1/3", log_format="json",
    )
    hang_up(gateway)
    eventually(lambda: "Takes effect at the next start only" in gateway.process.text, "it says what it cannot change")
    line = next(line for line in gateway.process.text.splitlines() if "Takes effect at the next start only" in line)
    assert re.search(r"only: gateway\.shutdown_timeout, broker_url, log_format$", line), line
    assert gateway.request(STATUS).status == 200, "the same Redis answers"


def test_followers_live_on_and_limits_are_new(deployment):
    app = deployment.app()
    deployment.write_tasks(gateway={"max_followers": 2, "locale": "tr"})
    gateway = Gateway(deployment)
    reader = gateway.follow("t1")
    eventually(lambda: reader.statuses, "the first event came")
    assert reader.statuses[0]["status"] == "Bekliyor..."
    deployment.write_tasks(gateway={"max_followers": 1, "locale": "en", "cors_origins": ["https://app.example.com"]})
    hang_up(gateway)
    answer = gateway.request(STATUS, Origin="https://app.example.com")
    assert answer.json["status"] == "Waiting..."
    assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
    # The one from before counts among those that may be.
    assert gateway.request("/api/tasks/t2/events").status == 503
    app.backend.store_result("t1", 7, "SUCCESS")
    reader.wait()
    assert reader.statuses[-1]["result"] == 7


def test_who_follows_and_is_no_user_any_more_is_sent_away(deployment):
    app = deployment.app()
    write(deployment, users=users(ops=OPS, new=NEW))
    gateway = Gateway(deployment)
    gone, stays = (gateway.follow("t1", **bearer(token)) for token in (OPS, NEW))
    for reader in (gone, stays):
        eventually(lambda: reader.statuses, "the first event came")
    write(deployment, users=users(new=NEW))
    hang_up(gateway)
    app.backend.store_result("t1", {"current": 1, "total": 2}, "PROGRESS")
    eventually(lambda: "PROGRESS" in [status["state"] for status in stays.statuses], "the one who stays hears of it")
    gone.wait()
    assert {status["state"] for status in gone.statuses} == {"PENDING"}
    # To whoever stays, the rest is told as well.
    app.backend.store_result("t1", 7, "SUCCESS")
    stays.wait()
    assert stays.statuses[-1]["result"] == 7


def test_a_session_ends_with_its_token(deployment):
    write(deployment, users=users(ops=OPS), session_key="a-key-that-stays-the-same")
    gateway = Gateway(deployment)
    visitor = log_in(gateway, OPS)
    assert visitor.ask(JOBS).status == 200
    hang_up(gateway)
    assert visitor.ask(JOBS).status == 200, "nothing has changed for it"
    write(deployment, users=users(ops=NEW), session_key="a-key-that-stays-the-same")
    hang_up(gateway)
    assert visitor.ask(JOBS).status == 401
    assert log_in(gateway, NEW).ask(JOBS).status == 200


def test_queues_tasks_and_start_routes_are_new(deployment):
    write(deployment, users=users(ops=OPS))
    gateway = Gateway(deployment)
    assert gateway.request("/api/start", "POST", body={}, **bearer(OPS)).status == 404
    text = yaml.safe_load(deployment.tasks_path.read_text())
    text["gateway"] = {
        "users": users(ops=OPS), "start_routes": {"/api/start": {"task": "new.task"}}, "base_path": "/jobs",
    }
    text.setdefault("queues", {})["brand-new"] = {}
    text.setdefault("tasks", {})["new.task"] = {"handler": "debug.noop", "queue": "brand-new"}
    deployment.tasks_path.write_text(yaml.safe_dump(text))
    hang_up(gateway)
    started = gateway.request("/jobs/api/start", "POST", body={"a": 1}, **bearer(OPS))
    assert started.status == 200, started.text
    status = gateway.request(f"/jobs/api/tasks/{started.json['task_id']}/status").json
    assert (status["known"], status["queue"]) == (True, "brand-new")
    # An address of the gateway's own cannot be one that starts a task; it would have been two routes at one address.
    text["gateway"]["start_routes"] = {"/admin/jobs/login": {"task": "new.task"}}
    deployment.tasks_path.write_text(yaml.safe_dump(text))
    hang_up(gateway, KEPT)
    assert "the gateway itself answers at this address" in gateway.process.text
    assert gateway.request("/livez").status == 200


def test_new_connections_use_the_new_certificate(deployment):
    old = make_certificate(deployment.directory, "old")
    deployment.write_tasks(gateway={"tls": {"certificate": "cert.pem", "key": "key.pem"}})
    gateway = Gateway(deployment)
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE

    def connect():
        return Connection(gateway, context=trusting)

    def certificate(connection):
        return connection.socket.getpeercert(binary_form=True)

    def ask(connection):
        answer = connection.send("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").answer()
        return answer.status, answer.text

    alive = (200, '{"status":"ok"}')
    with connect() as before:
        assert certificate(before) == old
        assert ask(before) == alive
        new = make_certificate(deployment.directory, "new")
        assert new != old
        hang_up(gateway)
        with connect() as after:
            assert certificate(after) == new
            assert ask(after) == alive
        assert ask(before) == alive, "an open connection goes on"
        (deployment.directory / "key.pem").write_text("no key")
        hang_up(gateway, KEPT)
        assert "gateway.tls" in gateway.process.text
        with connect() as still:
            assert certificate(still) == new


def test_check_finds_all_that_a_start_would(deployment):
    def check():
        return subprocess.run(
            [PROGRAM, "--config", deployment.tasks_path, "--check"], cwd=deployment.directory, timeout=30,
            env=clean_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )

    good = check()
    assert (good.returncode, good.stdout) == (0, "The configuration is good\n"), good.stderr
    for block, said in [
        ({"tls": {"certificate": "none.pem", "key": "none.pem"}}, "gateway.tls"),
        ({"downloads": {"folders": ["x"], "signing_key_file": "none.key"}}, "gateway.downloads.signing_key_file"),
        ({"users": {"ops": {"role": "admin"}}}, "gateway.users.ops"),
    ]:
        deployment.write_tasks(gateway=block)
        bad = check()
        assert bad.returncode == 2, bad.stderr
        assert said in bad.stderr
