"""Names, arguments and records made to harm whoever looks at them: shown as text, on every page and in every answer."""

import html.parser
import http.client
import json
import re
import socket
import threading
import time
import urllib.parse

import pytest
from kombu.pidbox import Mailbox

from browser import Browser
from deployment import Deployment
from gateway import TOKENS, USERS, Gateway
from raw_http import memory
from waiting import PATIENCE, eventually

JOBS = "/admin/jobs"
#: Pages that lead to all others.
STARTS = ["", "/tasks", "/tasks?state=active", "/tasks?state=waiting", "/tasks?state=delayed", "/tasks?state=failed",
          "/tasks?state=completed", "/tasks?state=revoked", "/workers", "/schedule", "/dead-letters", "/audit"]
VOID = {"meta", "link", "input", "br", "img", "hr", "path", "rect"}


def harm(number):
    """A text that ends attributes, elements and scripts, is a template, and has no white space."""
    return f"\"'><img/src=x/onerror=alert({number})></title></pre><script>alert({number})</script>&lt;{{{{home}}}}{{{{{{t}}}}}}"


#: Where harm comes from, by the number in it.
PLACES = {
    1: "a task's id", 2: "its name", 3: "its argument", 4: "its named argument", 5: "its queue", 6: "its tenant",
    7: "its sender", 8: "its progress", 9: "its exception", 10: "its result", 11: "its group", 12: "a worker",
    13: "a worker's queue", 14: "a worker's task", 15: "an entry of the schedule", 16: "who made a change",
    17: "what was changed", 18: "what came of it", 19: "a search", 20: "a user", 21: "a task a worker runs",
}


class Page(html.parser.HTMLParser):
    """What a browser makes of a page: its texts, links, forms, and what should not be there."""

    def __init__(self, text):
        super().__init__()
        self.texts, self.links, self.forms, self.faults = [], [], [], []
        self._open = []
        self.feed(text)
        self.close()
        if self._open:
            self.faults.append(f"never closed: {self._open}")

    def handle_starttag(self, tag, pairs):
        attributes = dict(pairs)
        if len(attributes) != len(pairs):
            self.faults.append(f"an attribute twice: {tag} {pairs}")
        if tag in ("img", "iframe", "object", "embed", "base", "style"):
            self.faults.append(f"an element: {tag} {attributes}")
        if tag == "script" and not attributes.get("src", "").startswith(f"{JOBS}/assets/"):
            self.faults.append(f"a script: {attributes}")
        for name, value in attributes.items():
            if name.startswith("on") or name in ("style", "srcdoc") or not re.fullmatch(r"[a-zA-Z-]+", name):
                self.faults.append(f"an attribute: {name} of {tag}")
            if name in ("href", "src", "action", "formaction"):
                if not re.match(r"(/admin/jobs|/api/tasks/|#)", value):
                    self.faults.append(f"an address: {value}")
            self.texts.append(value or "")
        if tag == "a" and attributes.get("href", "").startswith(JOBS) and "download" not in attributes:
            self.links.append(attributes["href"].removeprefix(JOBS).split("#")[0])
        if tag == "form":
            self.forms.append((attributes, []))
        if tag == "input" and self.forms and "name" in attributes:
            self.forms[-1][1].append((attributes["name"], attributes.get("value", "")))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, pairs):
        self.handle_starttag(tag, pairs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag):
        # An "li" or "p" may end by itself; the pages write every end.
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"an end without a beginning: {tag}")

    def handle_data(self, data):
        self.texts.append(data)


class Node:
    """A node that answers to remote control by Celery's own mailbox, with whatever it likes."""

    def __init__(self, app, name, answers):
        self._connection = app.connection_for_write()
        mailbox = Mailbox("celery", type="fanout", accept=["json"], serializer="json")(self._connection)
        node = mailbox.Node(name, state={}, channel=self._connection.channel())
        for method, answer in answers.items():
            node.handlers[method] = lambda state, answer=answer, **arguments: answer
        node.listen(callback=lambda body, message: self._handle(node, body, message))
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @staticmethod
    def _handle(node, body, message):
        try:
            node.handle_message(body, message)
        except KeyError:
            pass  # A method that it does not know.

    def _run(self):
        while not self._ends.is_set():
            try:
                self._connection.drain_events(timeout=0.2)
            except (socket.timeout, TimeoutError):
                continue

    def close(self):
        """Ends it."""
        self._ends.set()
        self._thread.join(5)
        self._connection.release()


class Visitor:
    """Somebody who is logged in."""

    def __init__(self, gateway, token=TOKENS["admin"]):
        self.gateway = gateway
        form = urllib.parse.urlencode({"token": token})
        self.cookie = ""
        _, headers, _ = self.ask(f"{JOBS}/login", "POST", form, "application/x-www-form-urlencoded")
        self.cookie = headers["Set-Cookie"].split(";")[0]

    def ask(self, path, method="GET", body=None, type=None):
        """Status, headers and text of an answer."""
        headers = {"Cookie": self.cookie, **({"Content-Type": type} if type else {})}
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()

    def page(self, path):
        """A page, which is whole and harmless."""
        status, headers, text = self.ask(JOBS + path)
        assert status in (200, 404, 503), (path, status, text)
        assert "unsafe" not in headers["Content-Security-Policy"]
        page = Page(text)
        page.status = status
        assert page.faults == [], path
        return page

    def crawl(self, most=250):
        """Every page that links lead to, by its path."""
        found, left = {}, list(STARTS)
        while left and len(found) < most:
            path = left.pop(0)
            if path in found:
                continue
            found[path] = self.page(path)
            # Pages of the same form tell the same: a few of each are enough.
            kinds = [re.sub(r"[^/?]+$", "", known) for known in found]
            left += [
                link for link in found[path].links
                if link not in found and not link.startswith("/preferences")
                and kinds.count(re.sub(r"[^/?]+$", "", link)) < 40
            ]
        return found

    def questions(self, pages):
        """The pages that ask before a form of these pages does something; nothing is done."""
        asked = {}
        for page in pages.values():
            for attributes, fields in page.forms:
                if "data-asks" not in attributes:
                    continue
                body = urllib.parse.urlencode(fields)
                status, _, text = self.ask(attributes["action"], "POST", body, "application/x-www-form-urlencoded")
                assert status in (200, 303), (attributes["action"], status)
                if status == 200:
                    asked[attributes["action"]] = Page(text)
        return asked


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    """A deployment in which everything has a name that does harm where it is not escaped."""
    with Deployment(tmp_path_factory.mktemp("harm")) as deployment:
        deployment.write_tasks(
            queues={name: {"pool": "cpu"} for name in ("celery", harm(5))},
            tasks={
                harm(2): {"handler": "debug.fail", "max_retries": 0}, "proj.echo": {"max_retries": 0},
                "proj.fail": {"max_retries": 0},
            },
            task_track_started=True,
            gateway={
                "locale": "en",
                "users": {
                    **USERS,
                    harm(20): {"role": "admin", "token": "token-of-somebody-else"},
                },
            },
        )
        deployment.write_beat({
            "timezone": "UTC",
            "beat_schedule": {harm(15): {
                "task": harm(2), "schedule": {"crontab": "0 2 * * *"}, "args": [harm(3)], "options": {"queue": harm(5)},
            }},
        })
        deployment.gateway = Gateway(deployment, "--schedule", deployment.directory / "beat.yaml")
        deployment.worker = deployment.start_worker("-Q", "celery")
        deployment.beat = deployment.start_beat("--schedule", deployment.directory / "beat.yaml")
        app = deployment.app()
        deployment.ids = fill(deployment, app)
        nodes = [
            Node(app, f"{harm(12)}@host", {
                "stats": {"pool": {"max-concurrency": 4, "processes": [1, 2]}, "total": {harm(14): 3}, "pid": 7,
                          "uptime": 60, "rusage": {"maxrss": 1000}, harm(12): harm(12)},
                "active_queues": [{"name": harm(13), "exchange": {}, "routing_key": harm(13)}],
                "active": [{"id": harm(21), "name": harm(21), "type": harm(21), "args": [], "kwargs": {}, "time_start": 1.0,
                            "delivery_info": {"routing_key": harm(13)}, "worker_pid": 7}],
                "reserved": [], "registered": [harm(14)], "scheduled": [], "revoked": [harm(1)], "conf": {},
            }),
            # One that makes no sense at all.
            Node(app, "nonsense@host", {
                "stats": {"pool": "none", "total": [1], "uptime": "long", "pid": {}, "rusage": 5}, "active_queues": {"a": 1},
                "active": [7, None, {"id": 7}, {}], "reserved": "many", "registered": {"a": []}, "conf": [], "scheduled": 1,
            }),
        ]
        yield deployment
        for node in nodes:
            node.close()


def fill(deployment, app):
    """Sends tasks that wait, run, are parked, have succeeded and failed; all by a real Celery client."""
    headers = {"tenant_id": harm(6)}
    options = {"kwargs": {harm(4): harm(4)}, "headers": headers, "origin": harm(7), "group_id": harm(11), "root_id": harm(1)}
    ids = {
        "failed": app.send_task(harm(2), [harm(9)], queue="celery", task_id=f"{harm(1)}failed", headers=headers).id,
        "done": app.send_task("proj.echo", [harm(3), harm(10)], queue="celery", task_id=f"{harm(1)}done", **options).id,
        "waiting": app.send_task(harm(2), [harm(3)], queue=harm(5), task_id=f"{harm(1)}waiting", **options).id,
        "parked": app.send_task(
            "proj.echo", [harm(3)], queue="celery", task_id=f"{harm(1)}parked", countdown=3000, **options
        ).id,
    }
    running = app.send_task("proj.sleep", [600], queue="celery", task_id=f"{harm(1)}running", headers=headers)
    eventually(lambda: running.state == "STARTED", "it runs")
    app.backend.store_result(running.id, {"current": 1, "total": 3, "status": harm(8)}, "PROGRESS")
    for name, state in (("failed", "FAILURE"), ("done", "SUCCESS")):
        eventually(lambda: app.AsyncResult(ids[name]).state == state, f"{name} is {state}")
    eventually(lambda: deployment.client.zcard("celeriac:parked") == 1, "one is parked")
    ids["running"] = running.id
    deployment.client.lpush("celeriac:audit", json.dumps({
        "at": int(time.time() * 1e6), "who": harm(16), "action": "queue.pause", "target": harm(17), "outcome": harm(18),
        "address": harm(16), "detail": {harm(18): harm(18)},
    }))
    return ids


@pytest.fixture(scope="module")
def visitor(system):
    """The admin."""
    return Visitor(system.gateway)


@pytest.fixture(scope="module")
def pages(system, visitor):
    """Every page there is."""
    eventually(lambda: harm(12) in visitor.ask(f"{JOBS}/workers")[2] or "img/src" in visitor.ask(f"{JOBS}/workers")[2],
               "the strange worker is seen")
    return visitor.crawl()


@pytest.fixture(autouse=True)
def unharmed(system):
    """The gateway goes on and has failed nowhere."""
    seen = len(system.gateway.process.lines)
    yield
    assert system.gateway.request("/livez").status == 200
    assert not [line for line in system.gateway.process.lines[seen:] if "ERROR" in line or "Fatal" in line]
    assert memory(system.gateway.process) < 400 << 20


# Pages


def test_every_page_shows_harm_as_text(system, visitor, pages):
    """Each page is parsed as a browser would; the texts that do harm have all been seen, as texts."""
    kinds = {"".join(path.split("?")[0].split("/")[1:2]) for path in pages}
    assert {"", "tasks", "queues", "workers", "schedule", "dead-letters", "audit"} <= kinds
    assert any(path.startswith("/tasks/") for path in pages) and any(path.startswith("/workers/") for path in pages)
    assert any(path.startswith("/dead-letters/") for path in pages) and any(path.startswith("/queues/") for path in pages)
    for query in (f"/tasks?search={urllib.parse.quote(harm(19))}", f"/tasks?task={urllib.parse.quote(harm(19))}",
                  f"/tasks?tenant={urllib.parse.quote(harm(19))}", f"?search={urllib.parse.quote(harm(19))}"):
        pages[query] = visitor.page(query)
    strangers = Visitor(system.gateway, "token-of-somebody-else").page("/schedule")
    text = "\n".join(text for page in [*pages.values(), strangers] for text in page.texts)
    missing = {place for number, place in PLACES.items() if harm(number) not in text and harm(number)[:60] not in text}
    assert missing == set()


def test_every_question_shows_harm_as_text(visitor, pages):
    asked = visitor.questions(pages)
    assert len(asked) > 8
    for action, page in asked.items():
        assert page.faults == [], action
    text = "\n".join(text for page in asked.values() for text in page.texts)
    assert harm(5) in text and harm(15) in text and harm(12) in text


def test_a_browser_runs_nothing_of_it(system, visitor, pages, tmp_path):
    browser = Browser(system.gateway, tmp_path / "chromium")
    try:
        browser.log_in(TOKENS["admin"])
        one_of_each = {}
        for path, page in pages.items():
            if page.status == 200:
                one_of_each.setdefault(re.sub(r"[^/?=]+$", "", path), path)
        for name, id in system.ids.items():
            queue = harm(5) if name == "waiting" else "celery"
            path = f"/tasks/{urllib.parse.quote(id, safe='')}?queue={urllib.parse.quote(queue, safe='')}"
            if visitor.page(path).status == 200:
                one_of_each[name] = path
        assert {"failed", "done", "running"} <= set(one_of_each)
        for path in one_of_each.values():
            browser.open(path)
            browser.one("main h1")
            # What a refresh and the stream of events put into the page is looked at too.
            browser.script("Refresh.now(true)")
            browser.until(lambda: browser.one("body").get_attribute("data-refreshed"), f"{path} refreshes")
            assert not browser.all("main img, main script, nav img, title img"), path
        for form in ("pause", "drain", "clean"):
            browser.open("/queues/" + urllib.parse.quote(harm(5), safe=""))
            browser.click(f"form[action$='/{form}'] button:last-of-type")
            browser.until(lambda: browser.one("dialog#question[open]"))
            assert harm(5) in browser.one("dialog#question").text and not browser.all("dialog img")
        assert browser.complaints() == []
    finally:
        browser.close()


def test_drained_by_its_name_whatever_that_is(system, visitor):
    path = f"{JOBS}/queues/{urllib.parse.quote(harm(5), safe='')}"
    status, _, text = visitor.ask(path)
    csrf = re.search(r'name="csrf" value="([^"]+)"', text).group(1)

    def drain(typed):
        form = urllib.parse.urlencode({"csrf": csrf, "confirmed": "yes", "typed": typed})
        return visitor.ask(f"{path}/drain", "POST", form, "application/x-www-form-urlencoded")

    assert drain(harm(5) + " ")[0] == 303 and system.waiting(harm(5)) == 1
    status, headers, _ = drain(harm(5))
    assert (status, headers["Location"]) == (303, path)
    assert system.waiting(harm(5)) == 0
    system.app().send_task(harm(2), [harm(3)], queue=harm(5), task_id=system.ids["waiting"])


# Answers for programs


def get(system, path):
    """A decoded answer."""
    answer = system.gateway.request(path, Authorization=f"Bearer {TOKENS['admin']}")
    assert answer.status == 200, (path, answer.text)
    assert answer.headers["content-type"].startswith("application/json")
    return answer.json


def test_programs_get_names_as_they_are(system):
    jobs = get(system, f"/api/v1/admin/jobs/celery/jobs?state=failed")["data"]
    assert [job["name"] for job in jobs] == [harm(2)] and jobs[0]["id"] == system.ids["failed"]
    queues = get(system, "/api/v1/admin/jobs/stats")["data"]
    assert {queue["queue"] for queue in queues} == {"celery", harm(5)}
    queue = urllib.parse.quote(harm(5), safe="")
    assert get(system, f"/api/v1/admin/jobs/{queue}/stats")["data"]["queue"] == harm(5)
    assert get(system, f"/api/tasks/{urllib.parse.quote(system.ids['running'], safe='')}/status")["status"] == harm(8)
    assert f"{harm(12)}@host" in {worker["name"] for worker in get(system, "/api/v1/admin/workers")["data"]}
    assert get(system, "/api/v1/admin/schedule")["data"]["entries"][0]["name"] == harm(15)


def test_an_export_is_whole_whatever_is_in_it(system):
    """Lines of JSON, each with the message as it was sent; there is no form of export in which a cell could be a formula."""
    app = system.app()
    formulas = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "a\nb", "a\r\nb", "\u2028", "\x00", "\x1b[31m", '"', "\\", ",", ";"]
    results = [app.send_task("proj.fail", [text], queue="celery", task_id=f"formula-{n}") for n, text in enumerate(formulas)]
    for result in results:
        eventually(lambda: result.state == "FAILURE", "it fails")
    kept = {letter["id"] for letter in system.dead_letters()}

    def export():
        """What is read of Redis may be a moment old."""
        answer = system.gateway.request("/api/v1/admin/dead-letters/export", Authorization=f"Bearer {TOKENS['operator']}")
        return answer if answer.text.count("\n") >= len(kept) else None

    answer = eventually(export, "all are exported")
    assert answer.headers["content-type"] == "application/x-ndjson; charset=utf-8"
    assert re.fullmatch(r'attachment; filename="[a-z0-9-]+\.jsonl"', answer.headers["content-disposition"])
    lines = [json.loads(line) for line in answer.text.split("\n") if line]
    assert {line["id"] for line in lines} == kept
    items = {line["id"]: line["item"] for line in lines}
    for letter in system.dead_letters():
        assert items[letter["id"]].encode() == letter["message"]
    # No line of the file begins with what a sheet would calculate.
    assert all(line.startswith("{") for line in answer.text.split("\n") if line)


def test_metrics_stay_lines_whatever_queues_are_called(system):
    text = system.gateway.request("/metrics", Authorization=f"Bearer {TOKENS['viewer']}").text
    sample = re.compile(r'[a-zA-Z_:][\w:]*(\{([a-zA-Z_]\w*="(\\["\\n]|[^"\\\n])*",?)*\})? -?[\d.e+-]+|[a-z_:]+.* (NaN|[+-]Inf)')
    for line in text.splitlines():
        assert line.startswith("# ") or sample.fullmatch(line), line
    assert harm(5).replace("\\", "\\\\").replace('"', '\\"') in text


# Events


def test_no_text_ends_an_event_early(system):
    app = system.app()
    break_out = 'a\n\nevent: end\ndata: {}\n\nid: 1\r\rretry: 1\u2028'
    app.backend.store_result("breaks-out", {"current": 1, "total": 2, "status": break_out}, "PROGRESS")
    reader = system.gateway.follow("breaks-out")
    eventually(lambda: reader.statuses, "the first event came")
    app.backend.store_result("breaks-out", break_out, "SUCCESS")
    reader.wait()
    assert [status["state"] for status in reader.statuses] == ["PROGRESS", "SUCCESS"]
    assert reader.statuses[0]["status"] == break_out and reader.statuses[1]["result"] == break_out
    assert [name for _, name, _ in reader.events] == ["status", "status", "end"]


def test_news_that_make_no_sense_change_nothing(system):
    app = system.app()
    app.backend.store_result("followed", {"current": 1, "total": 2}, "PROGRESS")
    reader = system.gateway.follow("followed")
    eventually(lambda: reader.statuses, "the first event came")
    client = system.redis.client(raw=True)
    for news in (b"", b"\x00\xff", b"{", b'{"status": "SUCCESS", "result": 1}', b"[" * 100_000, b"x" * (8 << 20), b"null"):
        client.publish("celery-task-meta-followed", news)
        client.publish("/0.celeryev/worker.heartbeat", news)
        client.publish("/0.celery.pidbox", news)
    client.publish(b"celery-task-meta-\xff\xfe", b"x")
    app.backend.store_result("followed", 7, "SUCCESS")
    reader.wait()
    assert [status["state"] for status in reader.statuses] == ["PROGRESS", "SUCCESS"]
    assert reader.statuses[-1]["result"] == 7


# Redis that holds something else

RECORDS = {
    "a list": ("rpush", ["x"]), "a hash": ("hset", {"status": "SUCCESS"}), "nothing": b"", "a NUL": b"\x00" * 100,
    "no UTF-8": b"\xff\xfe\xfd", "no JSON": b"SUCCESS", "half of it": b'{"status": "SUCCESS", "result": {"a": ',
    "a number": b"7", "null": b"null", "a list as JSON": b"[]", "an empty object": b"{}", "a state that is a number": b'{"status": 7}',
    "no state": b'{"result": 1}', "a state that does harm": json.dumps({"status": harm(1), "result": harm(1)}).encode(),
    "a failure that is a text": b'{"status": "FAILURE", "result": "<script>alert(1)</script>", "traceback": 7}',
    "a failure of lists": b'{"status": "FAILURE", "result": {"exc_type": [], "exc_message": {}, "exc_module": 7}, "traceback": []}',
    "a failure of null": b'{"status": "FAILURE", "result": null, "traceback": null}',
    "progress that is a list": b'{"status": "PROGRESS", "result": [1, 2]}',
    "progress beyond numbers": b'{"status": "PROGRESS", "result": {"current": 1e999, "total": -1e999, "status": 7}}',
    "progress that is none": b'{"status": "PROGRESS", "result": {"current": NaN, "total": NaN, "status": {}}}',
    "progress of nothing": b'{"status": "PROGRESS", "result": {"current": 5, "total": 0}}',
    "dates that are none": b'{"status": "SUCCESS", "result": 1, "date_done": "yesterday", "children": 7, "parent_id": []}',
    "children without end": json.dumps({"status": "SUCCESS", "result": 1, "children": [[["a", None], []]] * 1000}).encode(),
    "deep": b'{"status": "SUCCESS", "result": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    "too deep": b'{"status": "SUCCESS", "result": ' + b"[" * 200_000,
    "a number of many digits": b'{"status": "SUCCESS", "result": ' + b"9" * 100_000 + b"}",
    "two megabytes": b'{"status": "SUCCESS", "result": "' + b"x" * (2 << 20) + b'"}',
}


def put(client, key, value):
    """Has a key hold something."""
    client.delete(key)
    if isinstance(value, bytes):
        client.set(key, value)
    elif value[0] == "rpush":
        client.rpush(key, *value[1])
    else:
        client.hset(key, mapping=value[1])


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_that_is_none_harms_only_itself(system, visitor, name):
    client = system.redis.client(raw=True)
    put(client, "celery-task-meta-strange", RECORDS[name])
    try:
        for path in ("/api/tasks/strange/status", "/tasks/strange/status?plain=1", "/api/tasks/strange/status?locale=en&strict=1"):
            answer = system.gateway.request(path)
            assert answer.status in (200, 404, 503) or answer.json["code"] == "undecodable", answer.text
        for path in ("/api/tasks/strange/why", "/api/task/info/strange", "/api/v1/admin/jobs/celery/strange"):
            answer = system.gateway.request(path, Authorization=f"Bearer {TOKENS['admin']}")
            assert answer.status in (200, 404, 503) or answer.json["code"] == "undecodable", (path, answer.text)
        visitor.page("/tasks/strange")
        visitor.page("/tasks/strange?queue=celery")
    finally:
        client.delete("celery-task-meta-strange")


#: Keys that hold something of another kind, or something unreadable: name → (key, what to do with it).
MOST, LEAST = str(2**63 - 1), str(-(2**63))
MESSAGE = b'{"body": "W10=", "headers": {"id": "broken", "task": "proj.echo"}, "properties": {}}'
DAMAGED = {
    "a queue that is a text": ("idle", lambda client, key: client.set(key, "x")),
    "a queue of nonsense": ("idle", lambda client, key: client.rpush(
        key, b"", b"x", b"{}", b"[]", b"\xff\xfe", b"null", MESSAGE, MESSAGE[:40], b"[" * 100_000, b"x" * (4 << 20),
        b'{"body": 7, "headers": [], "properties": "x"}', b'{"headers": {"id": [], "task": {}, "eta": 5, "argsrepr": []}}',
    )),
    "messages of great numbers": ("idle", lambda client, key: client.rpush(key, *(
        json.dumps({
            "body": "W1tdLCB7fSwge31d", "content-type": "application/json", "content-encoding": "utf-8",
            "headers": {
                "lang": "py", "id": f"great-{n}", "task": "proj.echo", "retries": number, "timelimit": [number, number],
                "eta": eta, "expires": eta, "celeriac_attempts": [[number, number, number, "x", "y"]] * 3, "priority": number,
            },
            "properties": {"body_encoding": "base64", "delivery_tag": "t", "priority": number,
                           "delivery_info": {"routing_key": "idle"}},
        })
        for n, (number, eta) in enumerate([
            (int(MOST), "9999-12-31T23:59:59.999999Z"), (int(LEAST), "0001-01-01T00:00:00"), (10**400, "x" * 1000), (1e308, 5),
        ])
    ))),
    "counts of great numbers": ("celeriac:history", lambda client, key: (
        client.hset(key, mapping={f"{outcome}:{queue}": MOST for queue in ("idle", "celery") for outcome in (
            "completed", "failed", "revoked", "rejected", "ignored", "retried")}),
        client.hset("celeriac:history:durations", mapping={
            f"{queue}\nproj.echo\n{part}": MOST for queue in ("idle", "celery") for part in ("us", "0", "1", "14")}))),
    "counts below zero": ("celeriac:history", lambda client, key: client.hset(
        key, mapping={f"{outcome}:idle": LEAST for outcome in ("completed", "failed", "revoked", "ignored", "cleaned-failed")})),
    "a stream of great numbers": ("celeriac:history:failed:idle", lambda client, key: (
        client.hset("celeriac:history", "failed:idle", MOST),
        client.xadd(key, {"k": MOST, "a": MOST, "r": json.dumps({
            "i": "great", "n": "x", "s": "FAILURE", "f": int(MOST), "d": int(LEAST), "b": int(LEAST), "a": int(MOST),
            "c": int(LEAST), "p": [1e308, -1e308, "x"]})}, id=f"{MOST}-{MOST}"))),
    "marks at the end of time": ("celeriac:beat:beat", lambda client, key: client.hset(key, mapping={
        harm(15): " ".join(["0" * 16] * 2 + [LEAST, MOST, MOST, MOST, MOST, MOST, MOST, LEAST, "id", "beat"]),
        "nightly": " ".join(["f" * 16] * 2 + [MOST, MOST, LEAST, MOST, LEAST, MOST, LEAST, MOST, "id", "beat"])})),
    "marks before all time": ("celeriac:beat:beat", lambda client, key: client.hset(key, mapping={
        harm(15): " ".join(["0" * 16] * 2 + [LEAST, LEAST, "-", "-", LEAST, "0", "0", "0", "-", "beat"]),
        "nightly": " ".join(["f" * 16] * 2 + [LEAST, LEAST, "-", "-", "0", "0", "0", "0", "-", "beat"])})),
    "parked ones at the end of time": ("celeriac:parked", lambda client, key: (
        client.zadd(key, {"a": 1.7e308, "b": -1.7e308, "c": "inf", "d": "-inf"}),
        client.hset("celeriac:parked:messages", mapping={part: b"idle\n" + MESSAGE for part in "abcd"}))),
    "held ones at the end of time": ("unacked_index", lambda client, key: (
        client.zadd(key, {"a": 1.7e308, "b": -1.7e308, "w:1": "inf"}),
        client.hset("unacked", mapping={tag: b"[" + MESSAGE + b', "", "idle"]' for tag in ("a", "b", "w:1")}),
        client.zadd("celeriac:workers", {"w": "inf", "v": "-inf", "u": 1.7e308}))),
    "dead letters at the end of time": ("celeriac:dead", lambda client, key: (
        client.zadd(key, {"a": 9.2e18, "b": 1.7e308, "c": "inf", "d": 9.3e18, "e": 0.5}),
        client.hset("celeriac:dead:facts", mapping={
            part: f'{MOST}\n{{"i":"{part}","n":"x","s":"FAILURE","q":"idle","y":"x","e":["E","m"],"f":{MOST},"a":{MOST}}}' for part in "abcde"}),
        client.hset("celeriac:dead:messages", mapping={part: b"idle\n" + MESSAGE for part in "abcde"}))),
    "changes at the end of time": ("celeriac:audit", lambda client, key: client.rpush(key, *(
        json.dumps({"at": at, "who": "x", "action": "y", "target": "z", "outcome": "o", "address": "a"})
        for at in (int(MOST), int(LEAST), 1e308, -1e308)))),
    "paused queues that are a text": ("celeriac:paused", lambda client, key: client.set(key, "x")),
    "held messages that are a list": ("unacked", lambda client, key: client.rpush(key, "x")),
    "held messages of nonsense": ("unacked", lambda client, key: client.hset(
        key, mapping={"tag": b"x", "other:1": b"[]", b"\xff": b"\xff", "third": b'[{"headers": 7}, 7, 7]', "": b""})),
    "an index of held ones that is a text": ("unacked_index", lambda client, key: client.set(key, "x")),
    "an index of nobody": ("unacked_index", lambda client, key: client.zadd(key, {"gone": 1, b"\xff": 2, "": 1e300})),
    "parked ones that are a text": ("celeriac:parked", lambda client, key: client.set(key, "x")),
    "parked ones without messages": ("celeriac:parked", lambda client, key: client.zadd(key, {"gone": 1, "": 1e300, b"\xff": 3})),
    "parked messages of nonsense": ("celeriac:parked:messages", lambda client, key: (
        client.hset(key, mapping={"a": b"", "b": b"x", "c": b"idle\n{", "d": b"\n\n\n"}),
        client.zadd("celeriac:parked", {"a": 1, "b": 2, "c": 3, "d": 4}))),
    "a history that is a text": ("celeriac:history", lambda client, key: client.set(key, "x")),
    "counts that are none": ("celeriac:history", lambda client, key: client.hset(
        key, mapping={"completed:idle": "many", "failed:idle": "-5", "revoked:": "1e999", b"\xff": b"\xff", "retried:idle": "9" * 40})),
    "durations that are none": ("celeriac:history:durations", lambda client, key: client.hset(
        key, mapping={"idle\nx\nus": "x", "idle": "1", "idle\nx\n99": "1", "\n\n": "9" * 40, "celery\nx\n3": "-1"})),
    "a stream that is a list": ("celeriac:history:failed:idle", lambda client, key: (
        client.rpush(key, "x"), client.hset("celeriac:history", "failed:idle", 1))),
    "records that were cut short": ("celeriac:history:failed:idle", lambda client, key: [
        client.hset("celeriac:history", "failed:idle", 8),
        *(client.xadd(key, fields, id=f"{n}-1700000000000") for n, fields in enumerate((
            {"k": "10", "a": "999999999", "r": '{"i":"cut","n":"proj.ec'}, {"k": "10"}, {"r": b"\xff"}, {"k": "x", "a": "x", "r": "x"},
            {"k": "10", "a": "999999999", "r": '[]\n7\nnull\n{}\n{"i":7,"n":[],"s":{}}'},
            {"k": "10", "a": "999999999", "r": '{"i":"odd","n":"x","s":"FAILURE","e":"x","b":-9e18,"f":9e300,"d":"x","w":[],"t":{}}'},
            {"k": "10", "a": "999999999", "r": '{"i":"odd2","n":"x","s":"FAILURE","e":[1,2,3,4],"f":-99999999999999999999}'},
            {"k": "9" * 30, "a": "-1", "r": "[" * 100_000},
        ), 1)),
    ]),
    "an audit list that is a hash": ("celeriac:audit", lambda client, key: client.hset(key, "a", "b")),
    "an audit list of nonsense": ("celeriac:audit", lambda client, key: client.rpush(
        key, b"", b"x", b"7", b"[]", b"{}", b"\xff", b'{"at": "x", "who": 7, "action": [], "detail": 1}', b"[" * 100_000)),
    "dead letters that are a text": ("celeriac:dead", lambda client, key: client.set(key, "x")),
    "dead letters without facts": ("celeriac:dead", lambda client, key: client.zadd(key, {"gone": 1, b"\xff": 2, "": 1e300})),
    "facts of nonsense": ("celeriac:dead:facts", lambda client, key: (
        client.zadd("celeriac:dead", {"a": 1e15, "b": 1e15, "c": 1e15, "d": 1e15}),
        client.hset(key, mapping={"a": b"", "b": b"1\n{", "c": b'x\n{"i":7,"e":7,"y":[]}', "d": b"\xff\n\xff"}),
        client.hset("celeriac:dead:messages", mapping={"a": b"", "b": b"x", "c": b"\n", "d": b"idle\n\xff"}))),
    "a schedule that is a list": ("celeriac:beat:beat", lambda client, key: client.rpush(key, "x")),
    "a schedule of nonsense": ("celeriac:beat:beat", lambda client, key: client.hset(
        key, mapping={"": "x", "a": "", "b": "1 2 3 4 5 6 7 8 9 10 11 12 13 14", "c": "- " * 12, harm(15): "9" * 400, b"\xff": b"\xff"})),
    "beats that are a text": ("celeriac:beat:beat:beats", lambda client, key: client.set(key, "x")),
    "workers that are a text": ("celeriac:workers", lambda client, key: client.set(key, "x")),
}


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A gateway on a Redis of its own that nobody else uses, so that anything may stand in it."""
    with Deployment(tmp_path_factory.mktemp("bare")) as deployment:
        deployment.write_tasks(
            queues={name: {"pool": "cpu"} for name in ("celery", "idle")},
            gateway={"locale": "en", "users": USERS},
        )
        deployment.write_beat({"beat_schedule": {
            harm(15): {"task": "proj.echo", "schedule": 3600},
            "nightly": {"task": "proj.echo", "schedule": {"crontab": "0 2 * * *"}},
        }})
        deployment.gateway = Gateway(deployment, "--schedule", deployment.directory / "beat.yaml")
        deployment.visitor = Visitor(deployment.gateway)
        yield deployment


def test_workers_that_claim_great_numbers_are_shown(bare):
    great = int(MOST)
    app = bare.app()
    nodes = [
        Node(app, f"{name}@host", {
            "stats": {
                "pool": {"max-concurrency": great, "processes": [great] * 3, "slots": great}, "total": {"x": great, "y": great},
                "uptime": 1e308, "pid": great, "prefetch_count": great, "rusage": {"maxrss": 1e308, "utime": great},
                "clock": 10**300,
            },
            "active_queues": [{"name": "idle"}] * 3, "registered": ["x"] * 3, "scheduled": [{"eta": "never", "request": {"id": 1}}],
            "active": [{"id": "t", "type": "x", "time_start": 1e308, "worker_pid": great, "delivery_info": {"routing_key": "idle"}}] * 3,
            "reserved": [{"id": "t", "type": "x", "time_start": -1e308}], "revoked": [great], "conf": {"a": great},
        })
        for name in ("one", "two")
    ]
    try:
        eventually(lambda: "two@host" in bare.visitor.ask(f"{JOBS}/workers")[2], "both are seen")
        for path in ("", "/workers", "/workers/one@host", "/tasks/t?queue=idle", "/queues/idle"):
            assert bare.visitor.page(path)
        for path in ("/metrics", "/api/v1/admin/workers", "/api/v1/admin/workers/one@host", "/api/workers", "/api/tasks/t/why",
                     "/api/v1/admin/jobs/stats", "/api/queues/length"):
            answer = bare.gateway.request(path, Authorization=f"Bearer {TOKENS['admin']}")
            assert answer.status in (200, 404), (path, answer.text)
    finally:
        for node in nodes:
            node.close()


@pytest.mark.parametrize("name", DAMAGED)
def test_a_key_that_holds_something_else_harms_only_what_needs_it(bare, name):
    key, damage = DAMAGED[name]
    client = bare.redis.client(raw=True)
    damage(client, key)
    seen = len(bare.gateway.process.lines)
    try:
        for path in [*STARTS, "/queues/idle", *(f"/queues/idle?state={s}" for s in ("active", "delayed", "completed", "failed")),
                     "/tasks/broken?queue=idle", "/tasks/great-0?queue=idle", "/tasks/great?queue=idle", "/tasks/odd?queue=idle", "/tasks/a", "/tasks?search=x&within=1h"]:
            status, _, text = bare.visitor.ask(JOBS + path)
            assert status in (200, 404, 503), (path, status, text[-2000:])
            assert Page(text).faults == [], path
        for path in ["/metrics", "/readyz", "/api/tasks", "/api/tasks?state=FAILURE", "/api/v1/admin/jobs/stats", "/api/v1/admin/audit",
                     *(f"/api/v1/admin/jobs/idle/jobs?state={s}" for s in ("waiting", "active", "delayed", "completed", "failed")),
                     "/api/v1/admin/jobs/idle/broken", "/api/v1/admin/workers", "/api/v1/admin/schedule", "/api/v1/admin/dead-letters",
                     "/api/v1/admin/dead-letters/groups", "/api/v1/admin/dead-letters/export", "/api/v1/admin/dead-letters/a",
                     "/api/tasks/broken/status", "/api/tasks/a/why", "/api/queues/length", "/api/task/info/odd"]:
            answer = bare.gateway.request(path, Authorization=f"Bearer {TOKENS['admin']}")
            assert answer.status in (200, 404, 503), (path, answer.text[:2000])
        assert not [line for line in bare.gateway.process.lines[seen:] if "ERROR" in line or "Fatal" in line]
    finally:
        client.delete(*client.keys("*"))
    assert bare.gateway.request("/readyz").status == 200
    # What could not be read is read again once it is as it should be.
    eventually(lambda: bare.visitor.ask(JOBS)[0] == 200, "the first page is back")
    assert memory(bare.gateway.process) < 400 << 20
