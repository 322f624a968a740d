"""Requests that nobody honest sends, as bytes to the running gateway: it answers 4xx, goes on, and keeps its memory."""

import contextlib
import hashlib
import hmac
import json
import re
import time
import urllib.parse

import pytest

from deployment import Deployment
from gateway import TOKENS, USERS, Gateway
from process_memory import PeakMemory
from raw_http import Connection, exchange
from visitor import JOBS, log_in, try_to_log_in
from waiting import PATIENCE
from watch import Watch

HEAD = f"Host: gateway\r\nAuthorization: Bearer {TOKENS['admin']}\r\n"
SIGNING_KEY = "a-key-for-tests-of-downloads"
SETTINGS = {
    "locale": "en", "users": USERS, "idle_timeout": 2, "failed_tokens_per_minute": 1_000_000,
    "tasks_per_minute": 1_000_000, "max_wait": 1, "downloads": {"folders": ["reports"], "signing_key": SIGNING_KEY},
}
#: Far more than anybody may send, and far less than that: what the gateway may hold beyond what it held before.
BEYOND, HELD = 64 << 20, 8 << 20
#: What the gateway may hold at all.
MOST_MEMORY = 300 << 20
ALIVE = "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
#: The methods that addresses may have.
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE")
#: The pages and forms of the dashboard, which the document of the interface for programs does not name.
PAGES = (
    "", "/tasks", "/tasks/{task_id}", "/queues/{queue}", "/workers", "/workers/{worker}", "/schedule", "/dead-letters",
    "/dead-letters/{fingerprint}", "/dead-letters/{fingerprint}/export", "/audit", "/live", "/login", "/preferences",
)
FORMS = (
    "/queues/{queue}/pause", "/tasks/bulk", "/tasks/{task_id}/retry", "/tasks/{task_id}/terminate",
    "/workers/{worker}/grow", "/schedule/{entry}/run", "/dead-letters/bulk", "/dead-letters/{fingerprint}/redrive",
    "/login", "/logout",
)


@pytest.fixture(scope="module")
def deployment(tmp_path_factory):
    """A Redis for all tests of the file."""
    with Deployment(tmp_path_factory.mktemp("hostile")) as deployment:
        (deployment.directory / "reports").mkdir()
        (deployment.directory / "reports" / "a.txt").write_text("a report")
        (deployment.directory / "secret.txt").write_text("a secret")
        (deployment.directory / "reports" / "link.txt").symlink_to(deployment.directory / "secret.txt")
        deployment.write_tasks(tenants={}, gateway=SETTINGS)
        yield deployment


@pytest.fixture(scope="module")
def gateway(deployment):
    """One gateway for everything that is sent."""
    return Gateway(deployment)


def start(deployment, name, level="INFO", **settings):
    """Starts another gateway, with other settings; whoever does looks after it."""
    config = deployment.write_tasks(f"{name}.yaml", tenants={}, gateway={**SETTINGS, **settings})
    return Gateway(deployment, config=config, level=level)


@pytest.fixture(scope="module")
def watch(gateway):
    """Looks after the gateway until it has ended."""
    watch = Watch(gateway, MOST_MEMORY)
    yield watch
    watch.end()


@pytest.fixture(autouse=True)
def unharmed(watch):
    """After each test the gateway answers, has logged no failure of its own, and has held little memory."""
    yield
    watch.look()


def request(path, method="GET", head=HEAD, body=None, **headers):
    """The bytes of a request; underscores in headers' names stand for hyphens."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    data = b"" if body is None else body if isinstance(body, bytes) else body.encode()
    if body is not None:
        lines += f"Content-Length: {len(data)}\r\n"
    path = path if isinstance(path, bytes) else path.encode()
    return f"{method} ".encode() + path + f" HTTP/1.1\r\n{head}{lines}\r\n".encode() + data


def ask(gateway, path, method="GET", head=HEAD + "Connection: close\r\n", body=None, **headers):
    """The one answer to one request."""
    with Connection(gateway) as connection:
        answer = connection.send(request(path, method, head, body, **headers)).answer(method)
        assert answer is not None, f"no answer to {method} {path!r}"
        return answer


def send_json(gateway, path, text, method="POST"):
    """The answer to a body that says that it is JSON."""
    return ask(gateway, path, method, body=text, Content_Type="application/json")


def routes(gateway):
    """Every address that the gateway's own document names, with its methods."""
    document = json.loads(ask(gateway, "/openapi.json").body)
    return {
        path: {method.upper() for method in methods if method.upper() in METHODS}
        for path, methods in document["paths"].items()
    }


# The head of a request


@pytest.mark.parametrize(
    "data",
    [
        "GET /livez HTTP/1.1\r\nHost: x\r\nX-A: " + "a" * 40_000 + "\r\n\r\n",
        "GET /livez HTTP/1.1\r\nHost: x\r\n" + "".join(f"X-{n}: {n}\r\n" for n in range(300)) + "\r\n",
        "GET /livez HTTP/1.1\r\nHost: x\r\n" + "".join(f"X-{n}: {'a' * 2000}\r\n" for n in range(20)) + "\r\n",
        "GET /livez?" + "a" * 40_000 + " HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /livez HTTP/1.1\r\nHost: x\r\n" + "X" * 40_000 + ": 1\r\n\r\n",
    ],
    ids=["one long line", "many lines", "many long lines", "a long address", "a long name"],
)
def test_a_head_of_more_than_the_bounds_is_refused_and_the_connection_closed(gateway, data):
    answers = exchange(gateway, data)
    assert [answer.status // 100 for answer in answers] == [4]


def test_an_address_of_more_than_4096_bytes_is_refused_in_words(gateway):
    """The query counts."""
    for path in ("/admin/jobs/tasks?search=" + "a" * 4100, "/api/tasks/" + "a" * 4100 + "/status"):
        answer = ask(gateway, path)
        assert (answer.status, json.loads(answer.body)["code"]) == (414, "uri_too_long")
    assert ask(gateway, "/admin/jobs/tasks?search=" + "a" * 4000).status == 200


def test_a_query_without_end_is_refused_without_being_held(gateway):
    memory = PeakMemory(gateway.process)
    with Connection(gateway) as connection:
        connection.send("GET /livez?").send_until_refused(b"a" * (64 << 10), BEYOND)
        answer = connection.answer()
        # What was not read may cost the answer: the connection is reset then.
        assert answer is None or answer.status == 400
    assert memory.growth < HELD


MALFORMED = {
    "no version": "GET /livez\r\n\r\n",
    "another version": "GET /livez HTTP/9.9\r\nHost: x\r\n\r\n",
    "the preface of HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a greeting of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 100 + b"\r\n\r\n",
    "a line that is folded": "GET /livez HTTP/1.1\r\nHost: x\r\nX-A: a\r\n b\r\n\r\n",
    "a blank before the colon": "GET /livez HTTP/1.1\r\nHost: x\r\nX-A : a\r\n\r\n",
    "no colon": "GET /livez HTTP/1.1\r\nHost: x\r\nX-A\r\n\r\n",
    "a NUL in a value": b"GET /livez HTTP/1.1\r\nHost: x\r\nX-A: a\x00b\r\n\r\n",
    "a NUL in a name": b"GET /livez HTTP/1.1\r\nHost: x\r\nX-\x00A: a\r\n\r\n",
    "a CR in a value": b"GET /livez HTTP/1.1\r\nHost: x\r\nX-A: a\rX-B: b\r\n\r\n",
    "a NUL in the address": b"GET /li\x00vez HTTP/1.1\r\nHost: x\r\n\r\n",
    "a blank in the address": "GET /li vez HTTP/1.1\r\nHost: x\r\n\r\n",
    "a CR in the address": b"GET /li\rvez HTTP/1.1\r\nHost: x\r\n\r\n",
    "no method": " /livez HTTP/1.1\r\nHost: x\r\n\r\n",
    "a method of signs": "G@T /livez HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_http_is_refused_and_the_connection_closed(gateway, name):
    answers = exchange(gateway, MALFORMED[name])
    assert [answer.status for answer in answers] == [400]
    assert answers[0].body == b""


def test_a_head_that_trickles_is_cut_off(gateway):
    with Connection(gateway) as connection:
        connection.send("GET /livez HTTP/1.1\r\nHost: x\r\nX-A: ")
        connection.socket.settimeout(0.2)
        start = time.monotonic()
        while time.monotonic() < start + PATIENCE:
            connection.send("a")
            try:
                if connection.socket.recv(1000) == b"":
                    return
            except TimeoutError:
                continue
            except ConnectionResetError:
                return
    raise AssertionError("the connection stays open")


def test_a_body_that_trickles_is_refused_in_time(gateway):
    with Connection(gateway) as connection:
        connection.send(request("/api/tasks", "POST", Content_Type="application/json", Content_Length="1000"))
        connection.socket.settimeout(0.2)
        start = time.monotonic()
        text = b""
        while not text and time.monotonic() < start + PATIENCE:
            connection.send(" ")
            try:
                text = connection.socket.recv(4000)
            except TimeoutError:
                continue
        assert text.startswith(b"HTTP/1.1 408 ")


def test_two_hundred_who_say_nothing_keep_nobody_out(deployment):
    """Nor are they sent away for it: this gateway is patient."""
    gateway = start(deployment, "patient", idle_timeout=3600)
    watch = Watch(gateway, MOST_MEMORY)
    with contextlib.ExitStack() as stack:
        quiet = [stack.enter_context(Connection(gateway)) for _ in range(200)]
        for one in quiet:
            one.send("POST /api/tasks HTTP/1.1\r\nHost: x\r\nX-")
        assert ask(gateway, "/livez").status == 200
        assert [one.is_silent() for one in quiet] == [True] * 200
    watch.end()


# Where one request ends and the next begins


def test_requests_in_one_packet_are_answered_in_order(gateway):
    paths = ["/livez", "/api/tasks/one/status", "/nowhere", "/readyz"] * 25
    data = b"".join(request(path) for path in paths) + ALIVE.encode()
    answers = exchange(gateway, data)
    assert [answer.status for answer in answers] == [200, 200, 404, 200] * 25 + [200]


#: What a proxy in front may read as one request and we as two, or the other way around.
SMUGGLED = "GET /livez HTTP/1.1\r\nHost: smuggled\r\n\r\n"
AMBIGUOUS = {
    "a length and chunks": f"Content-Length: {len(SMUGGLED) + 5}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": f"Content-Length: 0\r\nContent-Length: {len(SMUGGLED)}\r\n\r\n",
    "two lengths in a line": f"Content-Length: 0, {len(SMUGGLED)}\r\n\r\n",
    "a length with a sign": f"Content-Length: +{len(SMUGGLED)}\r\n\r\n",
    "a length below zero": "Content-Length: -1\r\n\r\n",
    "a length in sixteens": "Content-Length: 0x10\r\n\r\n",
    "a length that is none": "Content-Length: many\r\n\r\n",
    "a length with a fraction": "Content-Length: 1.5\r\n\r\n",
    "a length beyond 64 bits": "Content-Length: 99999999999999999999999\r\n\r\n",
    "an empty length": "Content-Length: \r\n\r\n",
    "an unknown coding": "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunks that are not last": "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "chunks twice": "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "a chunk's size that is none": "Transfer-Encoding: chunked\r\n\r\nmany\r\n",
    "a chunk's size below zero": "Transfer-Encoding: chunked\r\n\r\n-5\r\nabcde\r\n0\r\n\r\n",
    "a chunk's size beyond 64 bits": "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n",
    "a chunk without its end": "Transfer-Encoding: chunked\r\n\r\n2\r\n{}GET\r\n0\r\n\r\n",
    "a chunk's size in sixteens": "Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("path", ["/api/tasks", "/livez"])
@pytest.mark.parametrize("name", AMBIGUOUS)
def test_a_body_whose_end_is_not_clear_ends_the_connection(gateway, path, name):
    head = HEAD + "Content-Type: application/json\r\n"
    answers = exchange(gateway, f"POST {path} HTTP/1.1\r\n{head}{AMBIGUOUS[name]}{SMUGGLED}")
    # What is left of the connection's bytes is nobody's request: where no body is expected, it is refused after the head.
    assert answers and {answer.status // 100 for answer in answers} == {4}, answers


def test_bodies_in_chunks_are_read(gateway):
    body = '{"task":"proj.noop"}'
    chunks = "".join(f"1;x=y\r\n{letter}\r\n" for letter in body) + "0\r\nX-Trailer: 1\r\n\r\n"
    data = f"POST /api/tasks HTTP/1.1\r\n{HEAD}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    answers = exchange(gateway, data + chunks + ALIVE)
    assert [answer.status for answer in answers] == [202, 200]


@pytest.mark.parametrize("framing", ["length", "chunks", "a length that is not sent"])
def test_a_body_of_more_than_a_megabyte_is_refused_without_being_held(gateway, framing):
    memory = PeakMemory(gateway.process)
    head = f"POST /api/tasks HTTP/1.1\r\n{HEAD}Content-Type: application/json\r\n"
    blanks = b" " * 0x10000
    with Connection(gateway) as connection:
        if framing == "chunks":
            connection.send(head + "Transfer-Encoding: chunked\r\n\r\n")
            connection.send_until_refused(b"10000\r\n" + blanks + b"\r\n", BEYOND)
        else:
            connection.send(head + f"Content-Length: {BEYOND}\r\n\r\n")
            if framing == "length":
                connection.send_until_refused(blanks, BEYOND)
        answer = connection.answer()
        assert (answer.status, json.loads(answer.body)["code"]) == (413, "too_large")
    assert memory.growth < HELD


# Addresses

#: Parts of addresses that are not what they seem.
PARTS = (
    b"%", b"%4", b"%zz", b"%ff", b"%c0%af", b"%ed%a0%80", b"%00", b"a%00b", b"%0d%0aX-Injected:%201", b"%0a", b"%0d",
    b"..", b"%2e%2e", b"..%2f..%2f..%2fetc%2fpasswd", b"%2e%2e%2f%2e%2e%2fetc%2fpasswd", b"..%5c..%5c", b"%252e%252e",
    b"{task_id}", b"%7b%7d", b"*", b"a" * 1000, b"%e2%80%ae%e2%80%8b", b"\xff\xfe", b"\xc4\x9f", b"'%20or%201=1--",
    b"%3Cscript%3Ealert(1)%3C/script%3E", b"__proto__", b"%20", b"1e999", b"-1", b"celery-task-meta-x", b"x" * 256,
)


@pytest.mark.parametrize("part", PARTS)
def test_no_part_of_an_address_breaks_a_route(gateway, part):
    """Every route of the gateway with the same strange name in all its places, for an admin."""
    found = {path: methods - {"TRACE"} for path, methods in routes(gateway).items() if "{" in path}
    found.update({JOBS + path: {"GET"} for path in PAGES if "{" in path})
    found.pop("/api/tasks/{task_id}/events"), found.pop("/tasks/{task_id}/events")  # They last.
    asked = 0
    with Connection(gateway) as connection:
        for path, methods in found.items():
            pieces = re.split(r"\{[^}]*\}", path)
            address = part.join(piece.encode() for piece in pieces)
            for method in sorted(methods):
                body = None if method in ("GET", "HEAD", "DELETE") else b"{}"
                connection.send(request(address, method, body=body, Content_Type="application/json"))
                answer = connection.answer(method)
                if answer is None or answer.headers.get("Connection") == "close" and answer.status == 400:
                    # These bytes may stand in no address at all.
                    assert min(part) < 0x21 or max(part) > 0x7E, (method, address)
                    return
                asked += 1
                assert answer.status < 500, (method, address, answer)
                assert "X-Injected" not in answer.headers and b"X-Injected: 1" not in answer.body, (method, address)
                assert b"root:" not in answer.body and b"a secret" not in answer.body, (method, address)
                assert b"<script>alert" not in answer.body, (method, address)
                if answer.status >= 400 and not address.startswith(JOBS.encode()):
                    assert json.loads(answer.body)["success"] is False, (method, address)
    assert asked > 40


@pytest.mark.parametrize(
    "target", ["http://evil.example/livez", "//evil.example/livez", "/./livez", "/x/../livez", "/livez/", "/LIVEZ", "/%6civez"]
)
def test_other_ways_to_write_an_address_lead_nowhere_or_to_the_same(gateway, target):
    answer = ask(gateway, target)
    assert answer.status in (200, 404)
    assert b"evil" not in answer.body and "evil" not in str(answer.headers)


@pytest.mark.parametrize("data", ["OPTIONS * HTTP/1.1", "CONNECT evil.example:443 HTTP/1.1", "GET * HTTP/1.1", "GET x HTTP/1.1"])
def test_addresses_that_are_no_paths_are_refused(gateway, data):
    answers = exchange(gateway, f"{data}\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answers and answers[0].status // 100 == 4


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "..%2f..%2f..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "....//etc/passwd",
     "..%5c..%5ctasks.yaml", "dashboard.css%00.js", "/etc/passwd", "%2fetc%2fpasswd", "dashboard.css/..%2f..%2f", "."],
)
def test_no_file_but_the_dashboards_own_is_served(gateway, name):
    answer = ask(gateway, f"{JOBS}/assets/{name}")
    assert answer.status in (400, 401, 404)
    assert b"root:" not in answer.body


def signed(task, folder, name, expires=9_999_999_999):
    """The address of a file, signed with the gateway's own key as it signs itself (LinkSigner.swift)."""
    parts = (task, str(folder), name, str(expires))
    grant = b"celeriac-file" + b"".join(b":%d:%s" % (len(part.encode()), part.encode()) for part in parts)
    signature = hmac.new(hashlib.sha256(SIGNING_KEY.encode()).digest(), grant, hashlib.sha256).hexdigest()
    return f"/api/tasks/{task}/files/{urllib.parse.quote(name, safe='')}?expires={expires}&signature={signature}"


def test_no_file_outside_of_the_folder_is_given_away(deployment, gateway):
    app = deployment.app()
    directory = deployment.directory
    names = ["../secret.txt", str(directory / "secret.txt"), "reports/../secret.txt", "/etc/passwd", "reports/link.txt",
             str(directory / "reports" / ".." / "secret.txt"), "reports", "reports/a.txt\0", "reports//a.txt/../../secret.txt"]
    app.backend.store_result("files", {"files": names, "file": "reports/a.txt"}, "SUCCESS")
    status = json.loads(ask(gateway, "/api/tasks/files/status").body)
    assert [file["name"] for file in status["files"]] == ["a.txt"]
    url = status["files"][0]["url"]
    assert ask(gateway, url).body == b"a report"
    for name in ("../secret.txt", "link.txt", "/etc/passwd", "a.txt\0", "..", "a.txt/..", "./a.txt", "."):
        quoted = urllib.parse.quote(name, safe="")
        # Another file's signature is none, and a right one opens no more than a regular file below the folder.
        assert ask(gateway, f"/api/tasks/files/files/{quoted}?{url.split('?')[1]}").status in (400, 403), name
        assert ask(gateway, signed("files", directory / "reports", name)).status in (400, 404), name
        made = ask(gateway, f"/api/tasks/files/files/{quoted}/link", "POST", body="{}", Content_Type="application/json")
        assert made.status in (400, 404), name
    # A link is for its file, its task and its time.
    for changed in (url.replace("/files/files/", "/other/files/"), re.sub(r"expires=\d+", "expires=9999999999", url),
                    url[:-1] + ("0" if url[-1] != "0" else "1"), url.split("&")[0], url + "&expires=1"):
        assert ask(gateway, changed).status in (400, 403)


def test_a_signed_file_that_became_a_link_is_given_away_no_more(deployment, gateway):
    reports = deployment.directory / "reports"
    file, inner = reports / "exchanged.txt", reports / "inner" / "secret.txt"
    inner.parent.mkdir()
    for each in (file, inner):
        each.write_text("a report")
    app = deployment.app()
    app.backend.store_result("exchanged", {"files": ["reports/exchanged.txt", "reports/inner/secret.txt"]}, "SUCCESS")
    urls = [file["url"] for file in json.loads(ask(gateway, "/api/tasks/exchanged/status").body)["files"]]
    assert [ask(gateway, url).body for url in urls] == [b"a report"] * 2
    file.unlink()
    file.symlink_to(deployment.directory / "secret.txt")
    inner.unlink()
    inner.parent.rmdir()
    inner.parent.symlink_to(deployment.directory)
    for url in urls:
        answer = ask(gateway, url)
        assert answer.status == 404 and b"a secret" not in answer.body, url


def test_a_files_name_cannot_become_a_header(deployment, gateway):
    name = 'a"b;X-Injected=1\\ %0d%0aX-Injected:%201 ğ\u2028.txt'
    for each in (name, "a\r\nX-Injected: 1\r\n.txt"):
        (deployment.directory / "reports" / each).write_text("named by somebody")
    names = ["reports/" + name, "reports/a\r\nX-Injected: 1\r\n.txt"]
    deployment.app().backend.store_result("named", names, "SUCCESS")
    # A name with a line's end is given away under no name at all.
    (file,) = json.loads(ask(gateway, "/api/tasks/named/status").body).get("files") or [None]
    answer = ask(gateway, file["url"])
    assert answer.body == b"named by somebody"
    assert "X-Injected" not in answer.headers
    disposition = answer.headers["Content-Disposition"]
    plain = re.match(r'attachment; filename="([^"\\]*)"; filename\*=UTF-8\'\'(\S+)$', disposition)
    assert plain and urllib.parse.unquote(plain.group(2)) == name


# Bodies

NESTED = 10_000
BODIES = {
    "nothing": "",
    "a blank": " ",
    "no JSON": "task=proj.noop",
    "half of it": '{"task": "proj.noop"',
    "something behind it": '{"task": "proj.noop"} x',
    "a list": '[{"task": "proj.noop"}]',
    "a number": "1",
    "a mark of its order": "\ufeff" + '{"task": "proj.noop"}',
    "UTF-16": '{"task": "proj.noop"}'.encode("utf-16"),
    "no UTF-8": b'{"task": "\xff\xfe"}',
    "a NUL": b'{"task": "proj\x00noop"}',
    "single quotes": "{'task': 'proj.noop'}",
    "a comma too many": '{"task": "proj.noop",}',
    "a comment": '{"task": "proj.noop" /* x */}',
    "lists in lists": '{"task": "proj.noop", "args": ' + "[" * NESTED + "]" * NESTED + "}",
    "objects in objects": '{"task": "proj.noop", "kwargs": ' + '{"a":' * NESTED + "1" + "}" * NESTED + "}",
    "lists that do not end": '{"task": "proj.noop", "args": ' + "[" * 100_000,
    "a member that is none": '{"task": "proj.noop", "__proto__": {"admin": true}}',
    "a number beyond all": '{"task": "proj.noop", "countdown": 1e999}',
    "a number below all": '{"task": "proj.noop", "countdown": -1e999}',
    "a number that is none": '{"task": "proj.noop", "countdown": NaN}',
    "a countdown of centuries": '{"task": "proj.noop", "countdown": 1e300}',
    "a countdown of many digits": '{"task": "proj.noop", "countdown": ' + "9" * 5000 + "}",
    "a priority beyond 64 bits": '{"task": "proj.noop", "priority": 99999999999999999999}',
    "a priority that is a text": '{"task": "proj.noop", "priority": "9"}',
    "a date that is none": '{"task": "proj.noop", "eta": "2026-02-31T99:99:99"}',
    "a date of another age": '{"task": "proj.noop", "eta": "99999999999-01-01T00:00:00Z"}',
    "a task that is a list": '{"task": ["proj.noop"]}',
    "a task that is null": '{"task": null}',
    "a task with a line's end": '{"task": "proj.noop\\r\\nX-Injected: 1"}',
    "a task with a NUL": '{"task": "proj\\u0000noop"}',
    "a task of a megabyte": '{"task": "' + "a" * 1_000_000 + '"}',
    "an id with a line's end": '{"task": "proj.noop", "task_id": "a\\r\\nX-Injected: 1"}',
    "an id with a NUL": '{"task": "proj.noop", "task_id": "a\\u0000b"}',
    "an id that is too long": '{"task": "proj.noop", "task_id": "' + "a" * 256 + '"}',
    "half a character": '{"task": "\\ud800"}',
    "arguments that are an object": '{"task": "proj.noop", "args": {"0": 1}}',
    "named ones that are a list": '{"task": "proj.noop", "kwargs": [1]}',
    "a queue with a line's end": '{"task": "proj.noop", "queue": "celery\\r\\n"}',
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_not_as_it_should_be_is_refused(deployment, gateway, name):
    before = deployment.waiting()
    answer = send_json(gateway, "/api/tasks", BODIES[name])
    assert answer.status == 400, answer
    assert json.loads(answer.body)["success"] is False
    assert "X-Injected" not in answer.headers and b"X-Injected" not in answer.body
    assert deployment.waiting() == before


@pytest.mark.parametrize(
    "text",
    ['{"task": "proj.noop", "task": "proj.add"}', r'{"task": "proj.noop", "t\u0061sk": "proj.add"}',
     r'{"task": "none such", "task": "none such either", "ta\u0073\u006B": "proj.add"}'],
)
def test_the_last_of_several_equal_members_counts_as_in_python(deployment, gateway, text):
    """One reader for the whole program: what is checked is what is sent."""
    assert json.loads(text)["task"] == "proj.add"
    assert send_json(gateway, "/api/tasks", text).status == 202
    assert json.loads(deployment.client.lindex("celery", 0))["headers"]["task"] == "proj.add"


@pytest.mark.parametrize(
    "text",
    [b"", b"null", b"7", b"[]", b'"x"', b"{", b"\xff", b'{"a":' * 500, b"[" * 100_000, b'{"ids": 7}', b'{"ids": [null]}',
     b'{"ids": ["a\\u0000"]}', b'{"grace": 1e999}', b'{"n": 99999999999999999999}', b'{"__proto__": 1}', b"\x00" * 1000],
)
def test_no_body_breaks_a_route(gateway, text):
    asked = 0
    with Connection(gateway) as connection:
        for path, methods in routes(gateway).items():
            address = re.sub(r"\{[^}]*\}", "x", path)
            for method in sorted(methods & {"POST", "PUT", "DELETE"}):
                connection.send(request(address, method, body=text, Content_Type="application/json"))
                answer = connection.answer()
                asked += 1
                assert answer is not None and answer.status < 500, (method, path, answer)
                assert answer.status < 400 or json.loads(answer.body)["success"] is False, (method, path)
    assert asked > 25


@pytest.mark.parametrize(
    "type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp",
             "text/json", "application/xml", "json", "", "application/json, text/plain", "application/json\tx"]
)
def test_a_body_of_another_type_is_refused(gateway, type):
    """No page of another site can send such a request without asking first."""
    answer = ask(gateway, "/api/tasks", "POST", body='{"task": "proj.noop"}', Content_Type=type)
    assert answer.status == 415


def test_a_packed_body_is_no_json(gateway):
    answer = ask(gateway, "/api/tasks", "POST", body=b"\x1f\x8b\x08\x00" + b"\x00" * 100, Content_Type="application/json",
                 Content_Encoding="gzip")
    assert answer.status in (400, 415)


# Methods


def test_methods_that_an_address_does_not_have_are_refused_by_name(gateway):
    for path, methods in routes(gateway).items():
        allowed = methods | ({"HEAD"} if "GET" in methods else set())
        address = re.sub(r"\{[^}]*\}", "x", path)
        for method in METHODS:
            if method in allowed:
                continue
            answer = ask(gateway, address, method, body="" if method in ("POST", "PUT", "PATCH") else None)
            assert answer.status == 405, (method, path, answer)
            assert set(answer.headers["Allow"].split(", ")) >= allowed, (method, path, answer)


@pytest.mark.parametrize("path", [*(JOBS + path for path in PAGES), *(JOBS + path for path in FORMS), "/", "/admin/queues"])
def test_pages_and_forms_have_their_methods_only(gateway, path):
    path = re.sub(r"\{[^}]*\}", "x", path)
    for method in ("PUT", "PATCH", "DELETE", "TRACE"):
        answer = ask(gateway, path, method)
        assert answer.status == 405 and method not in answer.headers["Allow"], (method, path)


@pytest.mark.parametrize("path", ["/livez", "/openapi.json", "/metrics", "/api/tasks/x/status", "/api/v1/admin/jobs/stats", JOBS])
def test_head_is_get_without_a_body(gateway, path):
    whole, head = ask(gateway, path), ask(gateway, path, "HEAD")
    assert head.status == whole.status == 200
    assert head.headers["Content-Type"] == whole.headers["Content-Type"]
    with Connection(gateway) as connection:
        connection.send(request(path, "HEAD") + ALIVE.encode())
        assert connection.answer("HEAD").status == 200
        assert connection.answer().body == b'{"status":"ok"}'


@pytest.mark.parametrize("method", ["GARBAGE", "get", "PROPFIND", "A" * 5000])
def test_methods_nobody_knows_are_refused(gateway, method):
    answers = exchange(gateway, f"{method} /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert [answer.status for answer in answers] in ([400], [404], [405], [501])


# Who asks, from where


@pytest.mark.parametrize("host", ["evil.example", "evil.example:1234", "127.0.0.1@evil.example", '"><script>alert(1)</script>', "x y"])
def test_the_host_a_client_names_is_believed_nowhere(gateway, host):
    head = f"Host: {host}\r\nX-Forwarded-Host: {host}\r\nX-Forwarded-Proto: gopher\r\nForwarded: host={host}\r\nConnection: close\r\n"
    bearer = f"Authorization: Bearer {TOKENS['admin']}\r\n"
    for path in (JOBS, f"{JOBS}/login", "/openapi.json", "/nowhere", "/api/tasks/files/status"):
        answer = ask(gateway, path, head=head + bearer)
        text = f"{answer.headers}{answer.body.decode()}"
        assert "evil.example" not in text and "<script>alert" not in text and "gopher" not in text, path
    form = f"token={TOKENS['viewer']}"
    answer = ask(gateway, f"{JOBS}/login", "POST", head, form, Content_Type="application/x-www-form-urlencoded")
    assert (answer.status, answer.headers["Location"]) == (303, JOBS)


@pytest.mark.parametrize(
    "next",
    ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example", "/admin/jobsevil", "javascript:alert(1)",
     "/admin/jobs\r\nX-Injected: 1", "/admin/jobs\\..\\..", "/admin/jobs\0", " /admin/jobs", "/admin/jobs\t", "evil",
     "/admin/jobs@evil.example", "/admin/jobs/\u2028", "http:/admin/jobs", "a" * 5000, "/admin"],
)
def test_no_address_but_the_dashboards_own_is_led_to(gateway, next):
    for answer in (
        try_to_log_in(gateway, TOKENS["admin"], next),
        ask(gateway, f"{JOBS}/preferences?lang=en&next={urllib.parse.quote(next[:3000], safe='')}"),
    ):
        assert answer.status == 303 and answer.headers["Location"] == JOBS, answer
        assert "X-Injected" not in answer.headers


def test_cookies_are_for_this_site_and_not_for_script(gateway):
    answer = try_to_log_in(gateway, TOKENS["admin"])
    (cookie,) = answer.headers.get_all("Set-Cookie")
    name, *rest = cookie.split("; ")
    assert {"Path=/", "HttpOnly", "SameSite=Strict"} <= set(rest)
    assert TOKENS["admin"] not in cookie and "admin" not in name
    assert not any(part.startswith("Domain") for part in rest)
    for cookie in ask(gateway, f"{JOBS}/preferences?theme=dark&lang=tr").headers.get_all("Set-Cookie"):
        assert "SameSite=Strict" in cookie


@pytest.mark.parametrize("cookie", ["celeriac_session=", "celeriac_session=x", "celeriac_session=admin.9999999999.x.y",
                                    "celeriac_session=" + "a" * 8000, "celeriac_session=%00", "celeriac_session=;;;=;=a",
                                    "celeriac_notice=%3Cscript%3E; celeriac_theme=\"><script>; celeriac_language=xx"])
def test_cookies_that_are_not_ours_open_nothing(gateway, cookie):
    answer = ask(gateway, JOBS, head=f"Host: x\r\nCookie: {cookie}\r\nConnection: close\r\n")
    assert answer.status == 401 and b"<script>" not in answer.body


def test_a_session_with_another_end_or_user_opens_nothing(gateway):
    name, value = log_in(gateway, TOKENS["viewer"]).cookie.split("=", 1)
    for place in range(0, len(value), 3):
        changed = value[:place] + ("A" if value[place] != "A" else "B") + value[place + 1:]
        answer = ask(gateway, JOBS, head=f"Host: x\r\nCookie: {name}={changed}\r\nConnection: close\r\n")
        assert answer.status == 401, changed


def test_forms_need_the_token_of_their_own_session(deployment, gateway):
    visitor = log_in(gateway)
    token, other = visitor.form_token(), log_in(gateway).form_token()
    operators = log_in(gateway, TOKENS["operator"]).form_token()
    assert token != other
    before = deployment.client.llen("celeriac:audit")
    for csrf in ("", "x", other, operators, token[:-1], token + "a", token.swapcase()):
        for path in FORMS[:-2]:
            path = JOBS + path.replace("{queue}", "celery").replace("{", "").replace("}", "")
            answer = visitor.send(path, {"csrf": csrf, "confirmed": "yes", "queue": "celery"})
            assert answer.status == 403, (csrf, path)
    assert not deployment.client.exists("celeriac:paused")
    assert deployment.client.llen("celeriac:audit") == before
    # A cookie alone moves nothing that programs ask for, either.
    for path, methods in routes(gateway).items():
        for method in methods & {"POST", "PUT", "DELETE"}:
            answer = ask(
                gateway, re.sub(r"\{[^}]*\}", "celery", path), method,
                f"Host: gateway\r\nCookie: {visitor.cookie}\r\nConnection: close\r\n", "{}",
                Content_Type="application/json",
            )
            assert answer.status == 401, (method, path)
    # The right one works.
    answer = visitor.send(f"{JOBS}/queues/celery/pause", {"csrf": token, "confirmed": "yes"})
    assert answer.status == 303 and deployment.client.exists("celeriac:paused")
    assert visitor.send(f"{JOBS}/queues/celery/resume", {"csrf": token}).status == 303
    assert not deployment.client.exists("celeriac:paused")


@pytest.mark.parametrize("site", ["cross-site", "same-site", "garbage"])
def test_another_sites_page_cannot_log_somebody_in(gateway, site):
    answer = try_to_log_in(gateway, TOKENS["admin"], Sec_Fetch_Site=site)
    assert answer.status == 403 and "Set-Cookie" not in answer.headers


def test_pages_of_other_origins_may_read_nothing(gateway):
    for path in (JOBS, "/api/tasks/files/status", "/api/v1/admin/jobs/stats"):
        answer = ask(gateway, path, Origin="https://evil.example")
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-site"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    preflight = ask(gateway, "/api/tasks", "OPTIONS", Origin="https://evil.example", Access_Control_Request_Method="POST")
    assert preflight.status == 405 and "Access-Control-Allow-Methods" not in preflight.headers


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer ", "Basic YWRtaW46YWRtaW4=", "Bearer " + "a" * 8000, "Bearer \x7f", "bearer\ttoken",
              "Bearer null", "Bearer " + TOKENS["admin"] + "x", "Bearer " + TOKENS["admin"][:-1], TOKENS["admin"],
              "Bearer " + TOKENS["viewer"] + "," + TOKENS["admin"]]
)
def test_tokens_that_are_not_whole_open_nothing(gateway, value):
    answer = ask(gateway, "/api/v1/admin/jobs/stats", head=f"Host: x\r\nAuthorization: {value}\r\nConnection: close\r\n")
    assert answer.status in (400, 401)


def test_an_address_that_guesses_is_shut_out_with_right_tokens_too(deployment):
    # Two guesses are free, and another one each half minute.
    gateway = start(deployment, "guessing", failed_tokens_per_minute=2)
    watch = Watch(gateway, MOST_MEMORY)

    def guess(number):
        head = f"Host: x\r\nX-Forwarded-For: 10.0.0.{number}\r\nAuthorization: Bearer {number}\r\nConnection: close\r\n"
        return ask(gateway, "/api/workers", head=head).status

    # The door for people and the one for programs count together, whoever a client says to be.
    assert [try_to_log_in(gateway, "a guess").status, guess(1)] == [401, 401]
    assert [try_to_log_in(gateway, "a guess").status, guess(2)] == [429, 429]
    locked = try_to_log_in(gateway, TOKENS["admin"])
    assert locked.status == 429 and "Set-Cookie" not in locked.headers
    locked = ask(gateway, "/api/workers")
    assert locked.status == 429 and int(locked.headers["Retry-After"]) > 0
    watch.end()


def test_tokens_and_what_was_sent_are_in_no_log(deployment):
    """At no level of the log, whether it was taken or refused."""
    gateway = start(deployment, "talkative", level="DEBUG")
    watch = Watch(gateway, MOST_MEMORY)
    process = gateway.process
    visitor = log_in(gateway)
    token = visitor.form_token()
    process.wait_for_line("admin logged in from")
    # What was wrong, in each place where a token may be.
    assert try_to_log_in(gateway, "a-wrong-token-of-a-person").status == 401
    head = "Host: x\r\nAuthorization: Bearer a-wrong-token-of-a-program\r\n"
    assert ask(gateway, "/api/workers", head=head).status == 401
    process.wait_for_line("A wrong token came from", count=2)
    form = {"csrf": "a-wrong-token-of-a-form", "confirmed": "yes"}
    assert visitor.send(f"{JOBS}/queues/celery/pause", form).status == 403
    # What is logged by its name, with what would be a line of its own there.
    harm = urllib.parse.quote("none\r\nX-Injected: 1\x1b[31m\x00", safe="")
    assert visitor.send(f"{JOBS}/workers/{harm}/grow", {"csrf": token}).status == 303
    process.wait_for_line("worker.pool_grow none.*X-Injected")
    arguments = '{"task": "proj.noop", "kwargs": {"password": "an-argument-of-somebody"}}'
    assert send_json(gateway, "/api/tasks", arguments).status == 202
    process.wait_for_line("Task proj.noop.* for admin")
    watch.end()
    secrets = [
        *TOKENS.values(), visitor.cookie.split("=", 1)[1], token, SIGNING_KEY, "a-wrong-token-of",
        "an-argument-of-somebody",
    ]
    assert [secret for secret in secrets if secret in process.text] == []
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", process.text)
    assert not [line for line in process.lines if line.startswith("X-Injected")]
