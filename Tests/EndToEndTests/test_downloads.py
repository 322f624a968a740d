"""Files that tasks write, downloaded by signed links: the route of document 002 that returned a file, as one that returns a task."""

import http.client
import os
import socket
import urllib.parse

import pytest

import office
from deployment import Deployment
from gateway import Gateway
from waiting import PATIENCE, eventually

TOKEN = "an-operators-token-for-tests"
START = "/api/mutabakat/generate-pdf"
LARGE = 64 << 20


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    """The office's worker, which writes PDFs, and a gateway that gives them away."""
    with Deployment(tmp_path_factory.mktemp("office")) as deployment:
        office.make_database(deployment.directory / "office.db")
        content = office.tasks_content(deployment.directory)
        content["queues"]["celery"] = {"pool": "io"}
        content["gateway"] = {
            "users": {"app": {"role": "operator", "token": TOKEN}},
            "start_routes": {
                START: {
                    "task": "backend.tasks.pdf_tasks.generate_mutabakat_pdf", "arguments": ["mutabakat_id"],
                    "access": "public",
                }
            },
            "downloads": {"folders": ["pdf"], "signing_key": "${DOWNLOAD_KEY}", "max_downloads": 2},
            "idle_timeout": 5,
        }
        deployment.write_tasks(**content)
        environment = {"DOWNLOAD_KEY": "a-key-for-tests-of-downloads"}
        deployment.gateway = Gateway(deployment, environment=environment)
        deployment.worker = deployment.start_worker(environment=environment)
        yield deployment


@pytest.fixture(scope="module")
def gateway(system):
    """The gateway."""
    return system.gateway


def status_of_pdf(gateway, id=1):
    """Starts the making of a PDF as a front end does, polls until it is done, and answers the last status."""
    task_id = gateway.request(START, "POST", {"mutabakat_id": id}).json["task_id"]
    status = eventually(
        lambda: (status := gateway.status(task_id))["state"] not in ("PENDING", "STARTED", "PROGRESS") and status,
        "the PDF is made",
    )
    assert status["state"] == "SUCCESS", status
    return {**status, "task_id": task_id}


def download(gateway, url, method="GET", **headers):
    """Asks for a file; answers status, headers by lower-case name, and bytes."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=PATIENCE)
    try:
        connection.request(method, url, headers=headers)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def test_002_48_a_front_end_starts_polls_and_downloads(system, gateway):
    status = status_of_pdf(gateway)
    written = (system.directory / "pdf" / os.path.basename(status["result"]["file"])).read_bytes()
    (file,) = status["files"]
    assert file["size"] == len(written) and status["result"]["file"].endswith(file["name"])
    code, headers, body = download(gateway, file["url"])
    assert code == 200 and body == written and body.startswith(b"%PDF-")
    assert headers["content-type"] == "application/pdf"
    assert headers["content-disposition"].startswith("attachment; filename=")
    assert headers["x-content-type-options"] == "nosniff" and "sandbox" in headers["content-security-policy"]
    code, headers, rest = download(gateway, file["url"], Range="bytes=10-")
    assert code == 206 and rest == written[10:]
    assert headers["content-range"] == f"bytes 10-{len(written) - 1}/{len(written)}"
    code, again, nothing = download(gateway, file["url"], "HEAD")
    assert code == 200 and nothing == b"" and int(again["content-length"]) == len(written)
    code, _, nothing = download(gateway, file["url"], **{"If-None-Match": headers["etag"]})
    assert code == 304 and nothing == b""


def test_every_file_of_many_has_its_link(system, gateway):
    result = system.app().send_task(
        "backend.tasks.pdf_tasks.generate_bulk_pdfs", kwargs={"mutabakat_ids": [1, 2, 3]}, queue="pdf"
    )
    result.get(timeout=PATIENCE)
    status = gateway.status(result.id)
    assert len(status["files"]) == 3
    for file in status["files"]:
        assert download(gateway, file["url"])[2].startswith(b"%PDF-")
    assert "files" not in gateway.status(result.id, "?plain=1")
    tag = gateway.request(f"/api/tasks/{result.id}/status").headers["etag"]
    again = gateway.request(f"/api/tasks/{result.id}/status", If_None_Match=tag)
    # Unless the quarter of an hour ended just now, with which the links change.
    assert again.status == 304 or again.json["files"] != status["files"]


def test_no_other_file_and_no_other_task_is_to_be_had_with_a_link(system, gateway):
    status = status_of_pdf(gateway)
    (system.directory / "pdf" / "other.pdf").write_bytes(b"%PDF-other")
    (system.directory / "secret.txt").write_text("secret")
    url = urllib.parse.urlsplit(status["files"][0]["url"])
    name = status["files"][0]["name"]
    for path in (
        url.path.replace(name, "other.pdf"), url.path.replace(status["task_id"], "another-task"),
        url.path.replace(name, "%2E%2E%2Fsecret.txt"), url.path.replace(name, "..%2Fsecret.txt"),
    ):
        code, _, body = download(gateway, f"{path}?{url.query}")
        assert code in (400, 403) and b"secret" not in body and b"%PDF" not in body
    for query in ("", "expires=99999999999", url.query[:-1], url.query.replace("expires=", "expires=1")):
        assert download(gateway, f"{url.path}?{query}")[0] == 403


def test_an_operator_makes_a_link_that_ends(system, gateway):
    status = status_of_pdf(gateway)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    path = f"/api/tasks/{status['task_id']}/files/{status['files'][0]['name']}/link"
    assert gateway.request(path, "POST", {"lifetime": 1}).status == 401
    answer = gateway.request(path, "POST", {"lifetime": 1}, **headers)
    assert answer.status == 200, answer.text
    url = answer.json["data"]["url"]
    code, _, body = eventually(lambda: (got := download(gateway, url))[0] == 410 and got, "the link ends")
    assert b"expired" in body
    audit = gateway.request("/api/v1/admin/audit", **headers).json
    assert any(entry["action"] == "file.link" for entry in audit["data"])


@pytest.fixture
def large(system, gateway):
    """A link to a file that no buffer of a socket holds."""
    (system.directory / "pdf").mkdir(exist_ok=True)
    path = system.directory / "pdf" / "büyük.bin"
    path.write_bytes(os.urandom(1 << 20) * (LARGE >> 20))
    result = system.app().send_task("proj.echo", kwargs={"file": "pdf/büyük.bin"}, queue="celery")
    result.get(timeout=PATIENCE)
    return path, gateway.status(result.id)["files"][0]["url"]


def read_some(gateway, url):
    """A client that asks for a file and reads its head only."""
    client = socket.create_connection(("127.0.0.1", gateway.port))
    client.sendall(f"GET {url} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert client.recv(12) == b"HTTP/1.1 200"
    return client


def test_a_large_file_comes_whole_and_costs_no_memory(gateway, large):
    path, url = large
    before = memory(gateway)
    code, headers, body = download(gateway, url)
    assert code == 200 and body == path.read_bytes()
    assert headers["content-disposition"].endswith("filename*=UTF-8''b%C3%BCy%C3%BCk.bin")
    assert memory(gateway) - before < LARGE // 2


def memory(gateway):
    """The gateway's resident memory in bytes."""
    with open(f"/proc/{gateway.process.pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def test_places_are_given_back_by_clients_that_go_and_by_those_that_read_nothing(gateway, large):
    url = large[1]
    gone = [read_some(gateway, url) for _ in range(2)]
    code, headers, body = download(gateway, url)
    assert code == 503 and b"too_many_downloads" in body and headers["retry-after"] == "5"
    for client in gone:
        client.close()
    eventually(lambda: download(gateway, url, Range="bytes=0-9")[0] == 206, "those that went give their places back")
    sleepers = [read_some(gateway, url) for _ in range(2)]
    eventually(lambda: download(gateway, url, Range="bytes=0-9")[0] == 206, "those that read nothing are given up")
    for client in sleepers:
        client.close()


def test_a_file_that_is_gone_is_404_and_no_longer_shown(system, gateway):
    status = status_of_pdf(gateway, 2)
    (file,) = status["files"]
    (system.directory / "pdf" / file["name"]).unlink()
    assert download(gateway, file["url"])[0] == 404
    assert "files" not in gateway.status(status["task_id"])
