"""The program celeriac-gateway: its command line, its end, and clients and servers that behave badly."""

import pathlib
import re
import resource
import socket
import subprocess
import time

import pytest

from certificates import make_certificate
from deployment import Deployment, clean_environment
from gateway import PROGRAM, Gateway
from waiting import eventually

SOFT_LIMIT, HARD_LIMIT = resource.getrlimit(resource.RLIMIT_NOFILE)


def run(deployment, *arguments, environment=None):
    """Runs the gateway to its end."""
    return subprocess.run(
        [PROGRAM, "--config", deployment.tasks_path, *arguments], cwd=deployment.directory, timeout=30,
        env=clean_environment(**(environment or {})), stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )


def test_health_follows_redis(deployment):
    gateway = Gateway(deployment)
    assert gateway.request("/readyz").status == 200
    assert gateway.request("/startupz").status == 200
    deployment.redis.kill()
    eventually(lambda: gateway.request("/readyz").status == 503, "the gateway is not ready")
    assert gateway.request("/livez").status == 200
    assert gateway.request("/api/tasks/x/status").status == 503
    deployment.redis.start()
    eventually(lambda: gateway.request("/readyz").status == 200, "the gateway is ready again")
    assert gateway.request("/api/tasks/x/status").status == 200


def test_it_starts_while_redis_is_away(deployment):
    deployment.tasks_path
    deployment.redis.kill()
    gateway = Gateway(deployment)
    assert gateway.request("/livez").status == 200
    assert gateway.request("/startupz").status == 503
    deployment.redis.start()
    eventually(lambda: gateway.request("/startupz").status == 200, "the gateway has started")


def test_followers_live_through_a_restart_of_redis(tmp_path):
    with Deployment(tmp_path, append_only=True) as deployment:
        app = deployment.app()
        gateway = Gateway(deployment)
        reader = gateway.follow("t1")
        eventually(lambda: reader.statuses, "the first event came")
        deployment.redis.kill()
        deployment.redis.start()
        app.backend.store_result("t1", 7, "SUCCESS")
        reader.wait(20)
        assert reader.statuses[-1]["result"] == 7


def test_redis_url_is_enough(deployment):
    empty = deployment.directory / "empty.yaml"
    empty.write_text("")
    gateway = Gateway(deployment, config=empty, environment={"REDIS_URL": deployment.redis.url()})
    assert gateway.request("/readyz").status == 200


def test_host_port_and_password_are_enough_too(tmp_path):
    with Deployment(tmp_path, password="right-secret") as deployment:
        empty = deployment.directory / "empty.yaml"
        empty.write_text("")
        named = {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(deployment.redis.port), "REDIS_PASSWORD": "right-secret"}
        gateway = Gateway(deployment, config=empty, environment=named, level="DEBUG")
        assert gateway.request("/readyz").status == 200
        assert "right-secret" not in gateway.process.text


def test_a_wrong_password_is_said_in_one_line(tmp_path):
    with Deployment(tmp_path, password="right") as deployment:
        deployment.redis.password = "right"
        result = run(deployment, "-b", f"redis://:wrong-secret@127.0.0.1:{deployment.redis.port}/0")
        assert result.returncode == 1
        assert "Cannot log in at redis://:**@127.0.0.1" in result.stderr
        assert "wrong-secret" not in result.stderr


def test_a_taken_port_is_said_in_one_line(deployment):
    gateway = Gateway(deployment)
    result = run(deployment, "--port", str(gateway.port))
    assert result.returncode == 1
    assert f"Cannot serve on http://127.0.0.1:{gateway.port}" in result.stderr
    assert "in use" in result.stderr


def test_a_bad_block_is_reported_with_its_places(deployment):
    deployment.write_tasks(gateway={"prot": 1, "users": {"ops": {"role": "amin", "token": "hunter2"}}})
    result = run(deployment)
    assert result.returncode == 2
    assert "gateway.prot: unknown key; did you mean 'port'?" in result.stderr
    assert "did you mean 'admin'?" in result.stderr
    assert "hunter2" not in result.stderr
    assert "nothing was started" in result.stderr


@pytest.mark.parametrize("words, said", [(["--prot", "1"], "Unknown option"), (["--loglevel", "LOUD"], "no log level")])
def test_a_wrong_command_line_ends_with_code_2(deployment, words, said):
    result = run(deployment, *words)
    assert result.returncode == 2
    assert said in result.stderr


def test_term_ends_it_cleanly_with_clients_waiting(deployment):
    deployment.write_tasks(gateway={"metrics_access": "public"})
    gateway = Gateway(deployment)
    reader = gateway.follow("t1")
    eventually(lambda: reader.statuses, "the first event came")
    waiting = socket.create_connection(("127.0.0.1", gateway.port))
    waiting.sendall(b"GET /api/tasks/t1/status?wait=60 HTTP/1.1\r\nHost: x\r\n\r\n")
    idle = socket.create_connection(("127.0.0.1", gateway.port))
    eventually(
        lambda: "celeriac_gateway_followers 2\n" in gateway.request("/metrics").text, "one follows and one waits"
    )
    start = time.monotonic()
    assert gateway.process.terminate() == 0
    assert time.monotonic() - start < 5
    reader.wait()
    # The one who waited got an answer.
    assert b" 200 OK" in waiting.recv(4096)
    waiting.close()
    idle.close()


def test_a_slow_head_and_a_large_one_are_cut_off(deployment):
    deployment.write_tasks(gateway={"idle_timeout": 1, "max_header_bytes": 2048})
    gateway = Gateway(deployment)
    slow = socket.create_connection(("127.0.0.1", gateway.port))
    slow.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nX-A: ")
    slow.settimeout(10)
    assert b" 200 " not in slow.recv(100)
    large = socket.create_connection(("127.0.0.1", gateway.port))
    large.settimeout(10)
    large.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n" + b"X-A: " + b"a" * 4000 + b"\r\n\r\n")
    answer = large.recv(4096)
    assert not answer.startswith(b"HTTP/1.1 200"), answer
    assert gateway.request("/livez").status == 200
    slow.close()
    large.close()


def test_it_serves_https(deployment):
    make_certificate(deployment.directory)
    deployment.write_tasks(gateway={"tls": {"certificate": "cert.pem", "key": "key.pem"}})
    gateway = Gateway(deployment)
    answer = gateway.request("/livez", context=gateway.context(deployment.directory / "cert.pem"))
    assert answer.status == 200
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_a_missing_certificate_ends_it_with_code_2(deployment):
    deployment.write_tasks(gateway={"tls": {"certificate": "none.pem", "key": "none.key"}})
    result = run(deployment)
    assert result.returncode == 2
    assert "gateway.tls" in result.stderr


def test_a_token_guards_the_status_where_configured(deployment):
    deployment.write_tasks(
        gateway={"status_access": "token", "users": {"app": {"token": "${APP_TOKEN}", "role": "viewer"}}}
    )
    gateway = Gateway(deployment, environment={"APP_TOKEN": "a-token-from-the-environment"})
    assert gateway.request("/api/tasks/x/status").status == 401
    answer = gateway.request("/api/tasks/x/status", Authorization="Bearer a-token-from-the-environment")
    assert answer.status == 200
    assert "a-token-from" not in gateway.process.text


def test_it_listens_on_the_loopback_only(deployment):
    gateway = Gateway(deployment)
    addresses = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for address in addresses - {"127.0.0.1", "127.0.1.1"}:
        with pytest.raises(OSError):
            socket.create_connection((address, gateway.port), timeout=2)


def test_the_limit_of_open_files_is_as_high_as_allowed(deployment):
    # pytest's children inherit its limits: the soft one is lowered here as a login shell would have it.
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, HARD_LIMIT))
    try:
        gateway = Gateway(deployment)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (SOFT_LIMIT, HARD_LIMIT))
    limits = pathlib.Path(f"/proc/{gateway.process.pid}/limits").read_text()
    soft, hard = re.search(r"^Max open files +(\d+) +(\d+)", limits, re.MULTILINE).groups()
    assert soft == hard == str(HARD_LIMIT)
