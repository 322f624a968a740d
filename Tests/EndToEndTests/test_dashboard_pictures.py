"""How the dashboard looks after an hour of work: every page in both colours and on a phone. It leaves the pictures of the documentation."""

import json
import math
import random
import time
import uuid

import pytest

from deployment import Deployment
from gateway import TOKENS, Gateway
from waiting import eventually

ENVIRONMENT = {"DOWNLOAD_KEY": "a-key-for-tests-of-downloads"}
PDF, BULK = "backend.tasks.pdf_tasks.generate_mutabakat_pdf", "backend.tasks.pdf_tasks.generate_bulk_pdfs"
MAIL, SMS = "backend.tasks.email_tasks.send_email", "backend.tasks.sms_tasks.send_sms"
EXCEL, CLEAN = "backend.tasks.excel_tasks.process_excel_upload", "backend.tasks.maintenance_tasks.cleanup_old_logs"
TENANTS = ("acme", "globex", "initech")
#: A queue's name as long as they come.
LONG = "reconciliation-statements-for-subsidiaries-in-several-countries"
#: Queue → its task, how many end in a minute, how many of a hundred fail, seconds that a run takes.
WORK = {"pdf": (PDF, 9, 2, 1.8), "email": (MAIL, 14, 6, 0.3), "sms": (SMS, 5, 1, 0.2), "excel": (EXCEL, 2, 4, 9.0)}


def hour(client):
    """Writes down an hour of work, as workers do (Docs/History.md)."""
    chance = random.Random(7)
    now = time.time()
    for queue, (task, rate, failing, seconds) in WORK.items():
        ends = sorted(
            now - 60 * (59 - minute) - chance.uniform(1, 59)
            for minute in range(60) for _ in range(round(rate * (1 + 0.6 * math.sin(minute / 9)) * chance.uniform(0.6, 1.4)))
        )
        kinds = {"completed": [], "failed": []}
        for end in ends:
            kinds["failed" if chance.random() * 100 < failing else "completed"].append(end)
        for kind, moments in kinds.items():
            for number, end in enumerate(moments, 1):
                line = {
                    "i": str(uuid.UUID(int=chance.getrandbits(128), version=4)), "n": task,
                    "s": "SUCCESS" if kind == "completed" else "FAILURE", "w": "celery@alpha", "f": int(end * 1e6),
                    "r": int((seconds + 1) * 1e6), "b": int(seconds * 1e6), "d": int(seconds * chance.uniform(0.5, 1.6) * 1e6),
                    "m": chance.choice(TENANTS), "k": {"mutabakat_id": chance.randrange(1000, 9999)},
                    **({"v": {"status": "ok"}} if kind == "completed" else {"e": ["ConnectionError", "the provider closed the line"]}),
                }
                client.xadd(
                    f"celeriac:history:{kind}:{queue}", {"k": 5000, "a": 604800, "r": json.dumps(line)},
                    id=f"{number}-{int(end * 1000)}",
                )
            client.hset("celeriac:history", f"{kind}:{queue}", len(moments))


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    """A worker in the midst of its work, with everything that can be seen of it."""
    with Deployment(tmp_path_factory.mktemp("pictures")) as deployment:
        reports = deployment.directory / "reports"
        reports.mkdir()
        for name, size in (("mutabakat-2026-06-güneşli.pdf", 148_213), ("mutabakat-2026-06-lines.xlsx", 20_480)):
            (reports / name).write_bytes(b"x" * size)
        deployment.write_tasks(
            pools={"cpu": {"processes": 2, "slots": 1}, "io": {"processes": 1, "slots": 20}},
            queues={
                "pdf": {"pool": "cpu", "tier": "high"}, "email": {"pool": "io"}, "sms": {"pool": "io"},
                "excel": {"pool": "io", "tier": "low"}, "maintenance": {"pool": "io", "tier": "low"}, LONG: {"pool": "io"},
            },
            tasks={
                PDF: {"handler": "debug.echo", "queue": "pdf"}, BULK: {"handler": "debug.progress", "queue": "pdf"},
                MAIL: {"handler": "debug.retry", "queue": "email", "max_retries": 5},
                SMS: {"handler": "debug.fail", "queue": "sms", "max_retries": 0},
                EXCEL: {"handler": "debug.sleep", "queue": "excel", "time_limit": 3600, "stalled_after": 1},
                CLEAN: {"handler": "debug.noop", "queue": "maintenance"},
            },
            task_track_started=True,
            gateway={
                "locale": "en", "users": {"ayse.yilmaz": {"role": "admin", "token": TOKENS["admin"]}},
                "downloads": {"folders": ["reports"], "signing_key": "${DOWNLOAD_KEY}"},
            },
        )
        deployment.write_beat({"timezone": "UTC", "beat_schedule": {
            "cleanup-old-logs": {"task": CLEAN, "schedule": {"crontab": "0 0 * * *"}, "kwargs": {"days": 90}},
            "check-password-expiry": {"task": CLEAN, "schedule": {"crontab": "0 9 * * mon-fri"}},
            "statements-of-the-month": {"task": BULK, "schedule": {"crontab": "30 6 1 * *"}},
            "heartbeat-of-the-providers": {"task": CLEAN, "schedule": 30},
        }})
        hour(deployment.client)
        deployment.gateway = Gateway(deployment, "--schedule", deployment.directory / "beat.yaml", environment=ENVIRONMENT)
        deployment.worker = deployment.start_worker(
            "-Q", "pdf,email,sms,excel,maintenance", name="alpha", environment=ENVIRONMENT
        )
        deployment.start_worker("-Q", "email,sms", name="beta", environment=ENVIRONMENT)
        deployment.beat = deployment.start_beat("--schedule", deployment.directory / "beat.yaml", environment=ENVIRONMENT)
        deployment.ids = scene(deployment, deployment.app())
        yield deployment


def scene(deployment, app):
    """Sends tasks of every kind, and returns the ids of some of them."""
    number = iter(range(10_000))

    def send(task, *args, **options):
        kwargs = options.pop("kwargs", {})
        tenant = TENANTS[next(number) % len(TENANTS)]
        return app.send_task(task, args, kwargs, headers={"tenant_id": tenant}, **options).id

    ids = {
        "done": send(PDF, queue="pdf", kwargs={
            "mutabakat_id": 4711, "files": ["reports/mutabakat-2026-06-güneşli.pdf", "reports/mutabakat-2026-06-lines.xlsx"],
            "company": "Güneşli Örme Sanayi ve Ticaret A.Ş.",
        }),
        "attempts": send(MAIL, 3, 0.4, queue="email", kwargs={}),
        "failed": send(SMS, "the provider answered 402: no credit left", queue="sms"),
        "stalled": send(EXCEL, 3000, queue="excel"),
    }
    for text in ("the provider answered 402: no credit left", "the number +90 555 000 00 00 is on the list of those who refuse"):
        for _ in range(3):
            send(SMS, text, queue="sms")
    ids["running"] = send(BULK, 2000, 1, queue="pdf")
    send(BULK, 300, 1, queue="pdf")
    for _ in range(30):
        send(PDF, queue="pdf", kwargs={"mutabakat_id": 5000 + next(number)})
    for _ in range(4):
        send(MAIL, queue="email", countdown=1800)
    for _ in range(12):
        send(PDF, queue=LONG, kwargs={"note": "nobody takes from this queue"})
    ids["long"] = send("backend.tasks." + "a_name_that_goes_on_and_on_" * 4, "x" * 300, queue=LONG)

    def state(name, wanted):
        eventually(lambda: app.AsyncResult(ids[name]).state == wanted, f"{name} is {wanted}")

    for name, wanted in (("done", "SUCCESS"), ("attempts", "SUCCESS"), ("failed", "FAILURE"), ("running", "PROGRESS")):
        state(name, wanted)
    deployment.worker.wait_for_line(r" stalled: ")
    headers = {"Authorization": f"Bearer {TOKENS['admin']}"}
    for path in ("maintenance/pause", "sms/clean"):
        answer = deployment.gateway.request(f"/api/v1/admin/jobs/{path}", "POST", {"grace": 3_600_000} if "clean" in path else {}, **headers)
        assert answer.status == 200, answer.text
    deployment.gateway.request("/api/v1/admin/schedule/check-password-expiry/pause", "POST", {}, **headers)
    deployment.gateway.request("/api/v1/admin/schedule/cleanup-old-logs/run", "POST", {}, **headers)
    eventually(lambda: len(deployment.dead_letters()) >= 7, "the failed ones are kept")
    return ids


def pages(system):
    """What each picture shows."""
    group = system.gateway.request("/api/v1/admin/dead-letters/groups", Authorization=f"Bearer {TOKENS['admin']}").json["data"]
    return {
        "overview": "", "tasks": "/tasks", "tasks-active": "/tasks?state=active", "tasks-failed": "/tasks?state=failed",
        "tasks-empty": "/tasks?state=revoked", "queue": "/queues/pdf", "queue-paused": "/queues/maintenance",
        "queue-long": f"/queues/{LONG}", "task": f"/tasks/{system.ids['done']}", "task-attempts": f"/tasks/{system.ids['attempts']}",
        "task-failed": f"/tasks/{system.ids['failed']}", "task-running": f"/tasks/{system.ids['running']}?queue=pdf",
        "task-stalled": f"/tasks/{system.ids['stalled']}?queue=excel", "task-long": f"/tasks/{system.ids['long']}?queue={LONG}",
        "workers": "/workers", "worker": "/workers/alpha@test", "schedule": "/schedule", "dead-letters": "/dead-letters",
        "dead-letter-group": f"/dead-letters/{group[0]['fingerprint']}", "audit": "/audit", "not-found": "/tasks/nobody",
    }


def shown(browser, path, name):
    """Opens a page, and waits until it says what its picture is to show."""
    browser.open(path)
    browser.one("main h1")
    if name == "task-stalled":
        browser.until(lambda: browser.open(path) and "stalled" in browser.text())


def fit(browser, width, least, most):
    """Makes the window as high as the page needs, but for pictures of a bearable length."""
    browser.size(width, least)
    height = browser.script("return document.querySelector('main').scrollHeight + document.querySelector('main').offsetTop")
    browser.size(width, max(least, min(most, height)))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_can_be_read_in_both_colours(system, browser, scheme):
    browser.scheme(scheme)
    for name, path in pages(system).items():
        browser.size(1280, 900)
        shown(browser, path, name)
        assert browser.faint_texts() == [], name
        assert browser.nameless() == [], name
        assert browser.script("return document.documentElement.scrollWidth") <= 1280, (name, browser.too_wide())
        fit(browser, 1280, 900, 1300)
        browser.picture(f"{name}-{scheme}")
    browser.scheme("light")


@pytest.mark.parametrize("width", [320, 360, 768])
def test_every_page_fits_on_small_screens(system, browser, width):
    for name, path in pages(system).items():
        browser.size(width, 740)
        shown(browser, path, name)
        assert browser.script("return document.documentElement.scrollWidth") <= width, (name, browser.too_wide())
        assert browser.too_wide() == [], name
        if width == 360:
            fit(browser, width, 740, 1500)
            browser.picture(f"{name}-phone")


def test_questions_and_the_login_look_well_everywhere(system, browser):
    try:
        for width, scheme, name in ((1280, "light", "light"), (1280, "dark", "dark"), (360, "light", "phone")):
            browser.scheme(scheme)
            browser.size(width, 740)
            browser.open("/queues/pdf")
            browser.click("form[action$='/drain'] button")
            browser.until(lambda: browser.one("dialog#question[open]"))
            assert browser.faint_texts() == []
            box = browser.script("const b = document.querySelector('dialog[open]').getBoundingClientRect(); return [b.left, b.right]")
            assert box[0] >= 0 and box[1] <= width
            browser.picture(f"question-{name}")
            browser.driver.delete_all_cookies()
            browser.open("/login")
            browser.one("input[name=token]").send_keys("wrong")
            browser.click("button[type=submit]")
            browser.one("[role=alert]")
            assert browser.script("return document.documentElement.scrollWidth") <= width
            browser.picture(f"login-{name}")
            browser.log_in(TOKENS["admin"])
    finally:
        browser.scheme("light")
