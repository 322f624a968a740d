"""Names, arguments and records made to harm whoever looks at them: shown as text, on every page and in every answer."""

import html.parser
import json
import re
import threading
import time
import urllib.parse

import pytest
from kombu.pidbox import Mailbox

from browser import Browser
from deployment import Deployment
from gateway import TOKENS, USERS, Gateway
from visitor import JOBS, log_in
from waiting import eventually
from watch import Watch

#: What a gateway of this file may hold at all.
MOST_MEMORY = 400 << 20
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


class PageForm:
    """A form of a page, filled in with what stands in it: every box is picked."""

    def __init__(self, attributes):
        self.attributes = attributes
        self.fields = []
        self._asking_buttons = []

    def take(self, tag, attributes):
        """Has the form hold a control."""
        pair = (attributes.get("name"), attributes.get("value", ""))
        if tag == "button":
            if "data-asks" in attributes:
                self._asking_buttons.append(pair)
        elif pair[0] is not None:
            self.fields.append(pair)

    @property
    def asking(self):
        """The fields of each way to send it that asks first: by itself, and by its buttons."""
        if "data-asks" in self.attributes:
            yield self.fields
        # A list of which nothing can be picked asks nothing.
        if "data-picks" not in self.attributes or any(name == "id" for name, _ in self.fields):
            for button in self._asking_buttons:
                yield [*self.fields, button]


class Page(html.parser.HTMLParser):
    """What a browser makes of a page: its texts, links, forms, and what should not be there."""

    def __init__(self, text, status=200):
        super().__init__()
        self.status = status
        self.texts, self.links, self.forms, self.faults = [], [], [], []
        self._open, self._controls, self._select = [], [], None
        self.feed(text)
        self.close()
        if self._open:
            self.faults.append(f"never closed: {self._open}")
        for form, tag, attributes in self._controls:
            self._form(form).take(tag, attributes)

    def _form(self, number_or_id):
        """A form, by its number or by the id that a control outside of it names."""
        if isinstance(number_or_id, int):
            return self.forms[number_or_id]
        return next(form for form in self.forms if form.attributes.get("id") == number_or_id)

    def _keep_control(self, tag, attributes):
        """A control belongs to the form it names, or to the one around it."""
        if "form" in attributes:
            self._controls.append((attributes["form"], tag, attributes))
        elif "form" in self._open:
            self._controls.append((len(self.forms) - 1, tag, attributes))

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
            self.forms.append(PageForm(attributes))
        if tag in ("input", "button"):
            self._keep_control(tag, attributes)
        if tag == "select":
            self._select = attributes
        if tag == "option" and self._select is not None:
            # The first one is chosen, as in a browser.
            self._keep_control("select", {**self._select, "value": attributes.get("value", "")})
            self._select = None
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
    """A node that answers to remote control by Celery's own mailbox, with whatever it likes, and notes what it is told.

    What it cannot read it passes over, as real workers do; whatever else goes wrong is raised by `close`.
    """

    #: What Celery's own reading of a broadcast raises where that is none.
    UNREADABLE = (KeyError, TypeError, AttributeError, ValueError, RecursionError)

    def __init__(self, app, name, answers):
        self.told = []
        self._connection = app.connection_for_write()
        mailbox = Mailbox("celery", type="fanout", accept=["json"], serializer="json")(self._connection)
        self._node = mailbox.Node(name, state={}, channel=self._connection.channel())
        for method, answer in answers.items():
            self._node.handlers[method] = lambda state, answer=answer, **arguments: answer
        self._node.listen(callback=self._handle)
        self._error = None
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _handle(self, body, message):
        try:
            if self._node.hostname in (body.get("destination") or [self._node.hostname]):
                self.told.append(body["method"])
            # A method that it does not know is an error of the answer's, as with a real worker.
            self._node.handle_message(body, message)
        except self.UNREADABLE:
            pass
        except Exception as error:
            self._error = error

    def _run(self):
        while not self._ends.is_set():
            try:
                self._connection.drain_events(timeout=0.2)
            except TimeoutError:
                pass
            except self.UNREADABLE:
                pass
            except Exception as error:
                self._error = error
                return

    def close(self):
        """Ends it."""
        self._ends.set()
        self._thread.join(5)
        still_runs = self._thread.is_alive()
        self._connection.release()
        if self._error is not None:
            raise self._error
        assert not still_runs, f"{self._node.hostname} does not end"


def read_page(visitor, path):
    """A page, which is whole and harmless."""
    answer = visitor.ask(JOBS + path)
    assert answer.status in (200, 404, 503), (path, answer.status, answer.text)
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    page = Page(answer.text, answer.status)
    assert page.faults == [], path
    return page


def crawl(visitor, most=250):
    """Every page that links lead to, by its path."""
    found, left = {}, list(STARTS)
    while left and len(found) < most:
        path = left.pop(0)
        if path in found:
            continue
        found[path] = read_page(visitor, path)
        # Pages of the same form tell the same: a few of each are enough.
        kinds = [re.sub(r"[^/?]+$", "", known) for known in found]
        left += [
            link for link in found[path].links
            if link not in found and not link.startswith("/preferences")
            and kinds.count(re.sub(r"[^/?]+$", "", link)) < 40
        ]
    return found


def ask_questions(visitor, pages):
    """The pages that ask before a form of these pages does something, by the form's address and button."""
    asked = {}
    for page in pages.values():
        for form in page.forms:
            for fields in form.asking:
                answer = visitor.send(form.attributes["action"], fields)
                assert answer.status == 200, (form.attributes["action"], fields, answer)
                asked[form.attributes["action"].removeprefix(JOBS), dict(fields).get("do")] = Page(answer.text)
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
        deployment.nodes = [
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
        for node in deployment.nodes:
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
def watch(system):
    """Looks after the gateway until it has ended."""
    watch = Watch(system.gateway, MOST_MEMORY)
    yield watch
    watch.end()


@pytest.fixture(autouse=True)
def unharmed(watch):
    """The gateway goes on and has failed nowhere."""
    yield
    watch.look()


@pytest.fixture(scope="module")
def visitor(system):
    """The admin."""
    return log_in(system.gateway)


@pytest.fixture(scope="module")
def pages(system, visitor):
    """Every page there is."""
    eventually(
        lambda: any(harm(12) in text for text in read_page(visitor, "/workers").texts), "the strange worker is seen",
    )
    return crawl(visitor)


# Pages


def test_every_page_shows_harm_as_text(system, visitor, pages):
    """Each page is parsed as a browser would; the texts that do harm have all been seen, as texts."""
    kinds = {"".join(path.split("?")[0].split("/")[1:2]) for path in pages}
    assert {"", "tasks", "queues", "workers", "schedule", "dead-letters", "audit"} <= kinds
    assert any(path.startswith("/tasks/") for path in pages) and any(path.startswith("/workers/") for path in pages)
    assert any(path.startswith("/dead-letters/") for path in pages) and any(path.startswith("/queues/") for path in pages)
    for query in (f"/tasks?search={urllib.parse.quote(harm(19))}", f"/tasks?task={urllib.parse.quote(harm(19))}",
                  f"/tasks?tenant={urllib.parse.quote(harm(19))}", f"?search={urllib.parse.quote(harm(19))}"):
        pages[query] = read_page(visitor, query)
    strangers = read_page(log_in(system.gateway, "token-of-somebody-else"), "/schedule")
    text = "\n".join(text for page in [*pages.values(), strangers] for text in page.texts)
    missing = {place for number, place in PLACES.items() if harm(number) not in text and harm(number)[:60] not in text}
    assert missing == set()


#: Every form that asks first: a part of the dashboard, and what the form or its button does.
QUESTIONS = {
    *(("queues", verb) for verb in ("pause", "clean", "drain")),
    *(("tasks", verb) for verb in ("retry", "promote", "terminate", "remove")),
    *(("tasks", f"bulk {verb}") for verb in ("retry", "promote", "remove")),
    *(("workers", verb) for verb in ("shrink", "restart", "shutdown", "cancel-consumer")),
    ("schedule", "run"),
    *(("dead-letters", verb) for verb in ("redrive", "delete")),
    *(("dead-letters", f"bulk {verb}") for verb in ("redrive", "delete")),
}


def all_there_is(deployment):
    """What forms could change: messages that wait, are held, parked or kept, the workers, and the list of changes."""
    client = deployment.client
    return {
        "changes": client.lrange("celeriac:audit", 0, -1),
        "queues": {queue: client.lrange(queue, 0, -1) for queue in ("celery", harm(5))},
        "paused": client.exists("celeriac:paused"),
        "held": client.hkeys("unacked"),
        "parked": client.zrange("celeriac:parked", 0, -1),
        "kept": client.zrange("celeriac:dead", 0, -1),
        "results": sorted(client.scan_iter("celery-task-meta-*", count=1000)),
        "running": [process.running for process in deployment.processes],
    }


def test_every_question_shows_harm_as_text(system, visitor, pages):
    """Each form asks before it does anything, and nothing is done."""
    before = all_there_is(system)
    told = [len(node.told) for node in system.nodes]
    asked = ask_questions(visitor, pages)
    kinds = {(path.split("/")[1], path.split("/")[-1] + (f" {verb}" if verb else "")) for path, verb in asked}
    assert kinds == QUESTIONS
    for action, page in asked.items():
        assert page.faults == [], action
    text = "\n".join(text for page in asked.values() for text in page.texts)
    assert harm(5) in text and harm(15) in text and harm(12) in text
    assert all_there_is(system) == before
    # The gateway asks workers how they are, and gives them no order.
    orders = [method for node, count in zip(system.nodes, told) for method in node.told[count:]]
    assert set(orders) <= {
        "ping", "stats", "active_queues", "active", "reserved", "registered", "scheduled", "revoked", "conf",
    }


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
            if read_page(visitor, path).status == 200:
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
    csrf = visitor.form_token()

    def drain(typed):
        return visitor.send(f"{path}/drain", {"csrf": csrf, "confirmed": "yes", "typed": typed})

    assert drain(harm(5) + " ").status == 303 and system.waiting(harm(5)) == 1
    answer = drain(harm(5))
    assert (answer.status, answer.headers["Location"]) == (303, path)
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
    # The workers who heard them still answer to a real Celery client.
    names = [f"{harm(12)}@host", "nonsense@host", "w1@test"]
    for name in names:
        eventually(lambda: app.control.inspect([name], timeout=2, limit=1).stats(), f"{name} answers")


# Redis that holds something else

#: Of another kind than a record.
NO_TEXTS = {"a list": ("rpush", ["x"]), "a hash": ("hset", {"status": "SUCCESS"})}
#: Texts that are no records.
UNREADABLE = {
    "nothing": b"", "a NUL": b"\x00" * 100, "no UTF-8": b"\xff\xfe\xfd", "no JSON": b"SUCCESS",
    "half of it": b'{"status": "SUCCESS", "result": {"a": ', "a number": b"7", "null": b"null", "a list as JSON": b"[]",
    "an empty object": b"{}", "a state that is a number": b'{"status": 7}', "no state": b'{"result": 1}',
    "deep": b'{"status": "SUCCESS", "result": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    "too deep": b'{"status": "SUCCESS", "result": ' + b"[" * 200_000,
}
#: Records with parts that make no sense.
STRANGE = {
    "a state that does harm": json.dumps({"status": harm(1), "result": harm(1)}).encode(),
    "a failure that is a text": b'{"status": "FAILURE", "result": "<script>alert(1)</script>", "traceback": 7}',
    "a failure of lists": b'{"status": "FAILURE", "result": {"exc_type": [], "exc_message": {}, "exc_module": 7}, "traceback": []}',
    "a failure of null": b'{"status": "FAILURE", "result": null, "traceback": null}',
    "progress that is a list": b'{"status": "PROGRESS", "result": [1, 2]}',
    "progress beyond numbers": b'{"status": "PROGRESS", "result": {"current": 1e999, "total": -1e999, "status": 7}}',
    "progress that is none": b'{"status": "PROGRESS", "result": {"current": NaN, "total": NaN, "status": {}}}',
    "progress of nothing": b'{"status": "PROGRESS", "result": {"current": 5, "total": 0}}',
    "dates that are none": b'{"status": "SUCCESS", "result": 1, "date_done": "yesterday", "children": 7, "parent_id": []}',
    "children without end": json.dumps({"status": "SUCCESS", "result": 1, "children": [[["a", None], []]] * 1000}).encode(),
    "a number of many digits": b'{"status": "SUCCESS", "result": ' + b"9" * 100_000 + b"}",
    "two megabytes": b'{"status": "SUCCESS", "result": "' + b"x" * (2 << 20) + b'"}',
}
#: Each with its answers: where the record alone is asked for, and where the task is looked for beside others.
RECORDS = {
    **{name: (record, (503, "unavailable"), 404) for name, record in NO_TEXTS.items()},
    **{name: (record, (500, "undecodable"), 404) for name, record in UNREADABLE.items()},
    **{name: (record, (200, None), 200) for name, record in STRANGE.items()},
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


@pytest.fixture(scope="module")
def healthy(system):
    """A task of which nothing is strange."""
    result = system.app().send_task("proj.echo", ["well"], queue="celery", task_id="healthy")
    eventually(lambda: result.state == "SUCCESS", "it succeeds")
    completed = "/api/v1/admin/jobs/celery/jobs?state=completed"
    eventually(lambda: "healthy" in {job["id"] for job in get(system, completed)["data"]}, "it is in the history")
    return result.id


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_that_is_none_harms_only_itself(system, visitor, healthy, name):
    client = system.redis.client(raw=True)
    record, by_itself, beside_others = RECORDS[name]
    put(client, "celery-task-meta-strange", record)

    def ask(path, id):
        answer = system.gateway.request(path.format(id), Authorization=f"Bearer {TOKENS['admin']}")
        return answer.status, None if answer.status == 200 else answer.json["code"]

    try:
        for path in ("/api/tasks/{}/status", "/tasks/{}/status?plain=1", "/api/tasks/{}/status?locale=en&strict=1",
                     "/api/tasks/{}/why"):
            assert ask(path, "strange") == by_itself, path
            assert ask(path, healthy) == (200, None), path
        path = "/api/v1/admin/jobs/celery/{}"
        assert [ask(path, id)[0] for id in ("strange", healthy)] == [beside_others, 200]
        for page in ("/tasks/{}", "/tasks/{}?queue=celery"):
            found = [read_page(visitor, page.format(id)).status for id in ("strange", healthy)]
            assert found == [beside_others, 200], page
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
        deployment.visitor = log_in(deployment.gateway)
        deployment.watch = Watch(deployment.gateway, MOST_MEMORY)
        yield deployment
        deployment.watch.end()


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
        eventually(lambda: "two@host" in bare.visitor.ask(f"{JOBS}/workers").text, "both are seen")
        for path in ("", "/workers", "/workers/one@host", "/queues/idle"):
            assert read_page(bare.visitor, path).status == 200, path
        # What workers alone say that they run is no task that anybody sent.
        assert read_page(bare.visitor, "/tasks/t?queue=idle").status == 404
        for path in ("/metrics", "/api/v1/admin/workers", "/api/v1/admin/workers/one@host", "/api/workers", "/api/tasks/t/why",
                     "/api/v1/admin/jobs/stats", "/api/queues/length"):
            answer = bare.gateway.request(path, Authorization=f"Bearer {TOKENS['admin']}")
            assert answer.status == 200, (path, answer.text)
    finally:
        for node in nodes:
            node.close()
    bare.watch.look()


#: What cannot be told while a key holds something of another kind, as patterns of addresses; all else is told.
UNTOLD = {
    # Which of a queue's tasks wait and which run, and so every count of them.
    "held messages that are a list": (
        rf"{JOBS}(/queues/idle.*|/tasks(/.*queue=idle|\?search=.*|\?state=(active|waiting|delayed))?)?"
        r"|/api/v1/admin/jobs/(stats|idle/broken|idle/jobs\?state=active)|/api/tasks/(broken/status|a/why)"
        r"|/api/queues/length"
    ),
    "parked ones that are a text": (
        rf"{JOBS}/queues/idle\?state=delayed|/api/v1/admin/jobs/idle/jobs\?state=delayed"
        r"|/api/tasks/(broken/status|a/why)"
    ),
    "a schedule that is a list": rf"{JOBS}/schedule|/api/v1/admin/schedule",
    "beats that are a text": rf"{JOBS}/schedule|/api/v1/admin/schedule",
}
#: Addresses of lists and of figures, which are there whatever is in Redis.
LISTS = [
    *(JOBS + path for path in STARTS), f"{JOBS}/queues/idle", f"{JOBS}/tasks?search=x&within=1h",
    *(f"{JOBS}/queues/idle?state={state}" for state in ("active", "delayed", "completed", "failed")),
    "/metrics", "/readyz", "/api/tasks", "/api/tasks?state=FAILURE", "/api/v1/admin/jobs/stats", "/api/v1/admin/audit",
    *(f"/api/v1/admin/jobs/idle/jobs?state={s}" for s in ("waiting", "active", "delayed", "completed", "failed")),
    "/api/v1/admin/workers", "/api/v1/admin/schedule", "/api/v1/admin/dead-letters",
    "/api/v1/admin/dead-letters/groups", "/api/v1/admin/dead-letters/export", "/api/tasks/broken/status",
    "/api/tasks/a/why", "/api/queues/length",
]
#: Addresses of single things, which may be there or not.
SINGLES = [
    *(f"{JOBS}/tasks/{id}?queue=idle" for id in ("broken", "great-0", "great", "odd")), f"{JOBS}/tasks/a",
    "/api/v1/admin/jobs/idle/broken", "/api/v1/admin/dead-letters/a", "/api/task/info/odd",
]


@pytest.mark.parametrize("name", DAMAGED)
def test_a_key_that_holds_something_else_harms_only_what_needs_it(bare, name):
    key, damage = DAMAGED[name]
    untold = [path for path in LISTS + SINGLES if re.fullmatch(UNTOLD.get(name, "nothing"), path)]
    client = bare.redis.client(raw=True)

    def status(path):
        if path.startswith(JOBS):
            answer = bare.visitor.ask(path)
            assert Page(answer.text).faults == [], path
        else:
            answer = bare.gateway.request(path, Authorization=f"Bearer {TOKENS['admin']}")
        return answer.status

    damage(client, key)
    try:
        # What was read just before is told for a moment more.
        for path in untold:
            eventually(lambda: status(path) == 503, f"{path} cannot be told")
        found = {path: status(path) for path in LISTS + SINGLES}
    finally:
        client.delete(*client.keys("*"))
    assert [path for path in found if found[path] == 503] == untold
    assert {found[path] for path in LISTS if path not in untold} == {200}
    assert {found[path] for path in SINGLES if path not in untold} <= {200, 404}
    assert bare.gateway.request("/readyz").status == 200
    # What could not be read is read again once it is as it should be.
    for path in untold:
        eventually(lambda: status(path) in (200, 404), f"{path} is told again")
    bare.watch.look()
