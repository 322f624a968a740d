"""The dashboard in a headless Chromium, over a running gateway, workers and a beat: every action on live data."""

import functools
import http.server
import pathlib
import threading
import time
import uuid

import pytest
from selenium.webdriver.common.keys import Keys

import office
from deployment import Deployment
from gateway import TOKENS, USERS, Gateway
from producer import fail, send
from waiting import PATIENCE, eventually

pytestmark = pytest.mark.usefixtures("calm")

PAGES = pathlib.Path(__file__).parent / "pages"
#: What every page is asked for that has no action of its own.
PATHS = ["", "/tasks", "/tasks?state=failed", "/queues/celery", "/workers", "/schedule", "/dead-letters", "/audit"]


class QuietFiles(http.server.SimpleHTTPRequestHandler):
    """Serves the pages of these tests without a word."""

    def log_message(self, *arguments):
        """Says nothing."""


@pytest.fixture(scope="module")
def front_end():
    """The origin of the front end's page."""
    handler = functools.partial(QuietFiles, directory=PAGES)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def system(tmp_path_factory, front_end):
    """The office's worker beside a gateway, a beat, and a queue that nobody takes from."""
    with Deployment(tmp_path_factory.mktemp("dashboard")) as deployment:
        office.make_database(deployment.directory / "office.db")
        content = office.tasks_content(deployment.directory)
        pool = next(iter(content["pools"]))
        content["queues"].update({name: {"pool": pool} for name in ("celery", "idle", "lonely")})
        content["tasks"] = {
            **content["tasks"],
            "proj.fail": {"handler": "debug.fail", "max_retries": 0}, "proj.sleep": {"handler": "debug.sleep"},
        }
        content["task_track_started"] = True
        content["gateway"] = {
            "cors_origins": [front_end], "locale": "en",
            "users": USERS,
        }
        deployment.write_tasks(**content)
        deployment.write_beat({
            "timezone": "UTC",
            "beat_schedule": {"nightly": {
                "task": "proj.add", "schedule": {"crontab": "0 2 * * *"}, "args": [20, 22], "options": {"queue": "idle"},
            }},
        })
        deployment.gateway = Gateway(deployment, "--schedule", deployment.directory / "beat.yaml")
        deployment.worker = deployment.start_worker("-X", "idle,lonely")
        deployment.beat = deployment.start_beat("--schedule", deployment.directory / "beat.yaml")
        yield deployment


@pytest.fixture(scope="module")
def app(system):
    """A producer."""
    return system.app()


def waiting_in(browser, queue):
    """What the overview says waits in a queue."""
    return browser.one(f"#queue-{queue} td:nth-child(2)").text


# Looking


def test_a_wrong_token_is_refused_and_a_right_one_leads_where_somebody_wanted_to_go(browser):
    browser.driver.delete_all_cookies()
    browser.open("/workers")
    browser.one("input[name=token]").send_keys("a-token-that-nobody-has")
    browser.click("button[type=submit]")
    assert browser.one("[role=alert]").text == "This token is not known."
    browser.one("input[name=token]").send_keys(TOKENS["admin"])
    browser.click("button[type=submit]")
    browser.shows("w1@test")
    assert browser.driver.current_url == browser.address("/workers")


def test_the_overview_refreshes_every_five_seconds_and_keeps_scroll_focus_and_typed_text(browser, system, app):
    browser.size(1280, 420)
    browser.open()
    before = int(waiting_in(browser, "idle"))
    browser.one("#queue-search").send_keys("typed")
    browser.script("window.marked = true; window.scrollTo(0, 150)")
    send(app, "proj.add", 1, 2, queue="idle")
    times = []
    for number in (1, 2):
        browser.until(lambda: browser.one("body").get_attribute("data-refreshed") == str(number))
        times.append(time.monotonic())
    assert 4.5 < times[1] - times[0] < 6.5
    assert waiting_in(browser, "idle") == str(before + 1)
    assert browser.script("return [window.marked, window.scrollY, document.activeElement.id]") == [
        True, 150, "queue-search",
    ]
    assert browser.one("#queue-search").get_attribute("value") == "typed"
    system.client.delete("idle")


def test_a_bar_moves_while_its_task_runs_and_the_page_shows_the_result(browser, app):
    id = app.send_task("proj.progress", args=[20, 0.1], queue="celery").id
    browser.open(f"/tasks/{id}?queue=celery")
    browser.one("progress")
    browser.script("""
        window.values = [];
        new MutationObserver(() => window.values.push(document.querySelector("main progress")?.value))
            .observe(document.querySelector("main"), { subtree: true, attributes: true, childList: true });
    """)
    browser.until(lambda: browser.one(".pill").text == "Completed")
    values = [value for value in browser.script("return window.values") if value is not None]
    assert values == sorted(values)
    assert len({value for value in values if value > 0}) >= 4


def test_a_front_end_that_polls_as_document_003_does_shows_a_bar_from_0_to_100(browser, system, front_end):
    application = office.make_app(system.redis.url(), system.redis.url())
    try:
        id = uuid.uuid4().hex
        gateway = f"http://127.0.0.1:{system.gateway.port}"
        browser.driver.get(f"{front_end}/polling.html?gateway={gateway}&id={id}&every=20")
        status = "return document.getElementById('status').textContent"
        browser.until(lambda: browser.script(status) == "Waiting...", "it does not poll")
        application.send_task(
            "backend.tasks.pdf_tasks.generate_bulk_pdfs", kwargs={"mutabakat_ids": [1, 2, 3]}, queue="pdf", task_id=id,
        )
        state = "return document.getElementById('state').textContent"
        browser.until(lambda: browser.script(state) == "SUCCESS", "no end")
        shown = "return [...document.querySelectorAll('li')].map((entry) => Number(entry.textContent))"
        seen = browser.script(shown)
        assert seen[0] == 0 and seen[-1] == 100
        assert seen == sorted(seen)
        assert any(0 < percent < 100 for percent in seen)
        assert browser.script("return document.getElementById('bar').value") == 100
        assert browser.script(status) == "Completed"
    finally:
        application.close()


def test_tasks_are_found_by_state_queue_name_and_argument(browser, app):
    id, = fail(app, "a needle in the hay")
    browser.open("/tasks?state=failed&search=a+needle")
    browser.shows(id)
    assert "ValueError: a needle in the hay" in browser.text()
    browser.open("/tasks?state=failed&queue=idle")
    browser.shows("No task matches")
    browser.open(f"/tasks?search={id}&task=proj.fail&within=1h")
    browser.shows(id)
    browser.open("/tasks?task=proj.add&search=needle")
    browser.shows("No task matches")


def test_arguments_are_shown_as_text_whatever_they_are(browser, app):
    hostile = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
    id, = fail(app, hostile)
    for path in (f"/tasks/{id}", "/tasks?state=failed", "/dead-letters", ""):
        browser.open(path)
        browser.shows("<img src=x") if path != "" else browser.one("#queues")
        assert browser.driver.title != "taken"
        assert not browser.all("main img")


# Changing


def test_a_queue_is_paused_and_resumed(browser, system, app):
    browser.open("/queues/celery")
    browser.click("form[action$='/pause'] button")
    browser.answer()
    assert browser.notice() == "The queue is paused."
    system.worker.wait_for_line("Queue celery is paused")
    id = send(app, "proj.add", 1, 2)
    browser.open("/queues/celery")
    browser.shows(id)
    browser.open(f"/tasks/{id}?queue=celery")
    browser.shows("Why it is not running")
    assert app.AsyncResult(id).state == "PENDING"
    browser.open("/queues/celery")
    browser.click("form[action$='/resume'] button")
    assert browser.notice() == "The queue is running again."
    assert app.AsyncResult(id).get(timeout=PATIENCE) == 3


def test_a_question_can_be_declined(browser, system):
    changes = system.client.llen("celeriac:audit")
    browser.open("/queues/celery")
    browser.click("form[action$='/pause'] button")
    browser.answer(yes=False)
    browser.until(lambda: not browser.all("dialog[open]"))
    browser.open("/queues/celery")
    assert browser.all("form[action$='/pause']")
    assert system.client.llen("celeriac:audit") == changes


def test_picked_tasks_are_removed(browser, system, app):
    ids = [send(app, "proj.add", number, 1, queue="idle") for number in range(3)]
    browser.open("/queues/idle")
    for id in ids[:2]:
        browser.click(f"input[value='{id} idle']")
    assert browser.one(".picked").text == "2 selected"
    browser.click("#picks button[value=remove]")
    browser.answer()
    assert browser.notice() == "2 tasks were removed."
    assert system.waiting("idle") == 1
    assert ids[2] in str(system.client.lindex("idle", 0))
    system.client.delete("idle")


def test_draining_needs_the_queues_name(browser, system, app):
    for number in range(4):
        send(app, "proj.add", number, 1, queue="idle")
    browser.open("/queues/idle")
    browser.click("form[action$='/drain'] button")
    browser.until(lambda: browser.one("dialog#question[open]"))
    assert "4 waiting tasks" in browser.one("dialog#question").text
    yes = browser.one("dialog#question button[type=submit]")
    assert not yes.is_enabled()
    browser.one("dialog#question input[name=typed]").send_keys("idl")
    assert not yes.is_enabled()
    browser.one("dialog#question input[name=typed]").send_keys("e")
    browser.answer()
    assert browser.notice() == "4 tasks were thrown away."
    assert system.waiting("idle") == 0


def test_a_failed_task_is_retried_under_its_id(browser, app):
    id, = fail(app, "retry me by hand")
    first = app.AsyncResult(id).date_done
    browser.open(f"/tasks/{id}?queue=celery")
    browser.shows("retry me by hand")
    browser.click("form[action$='/retry'] button")
    browser.answer()
    assert browser.notice() == "1 task runs again."
    eventually(lambda: app.AsyncResult(id).date_done not in (None, first), "it runs again")


def test_a_running_task_is_terminated(browser, app):
    id = send(app, "proj.sleep", 300)
    eventually(lambda: app.AsyncResult(id).state == "STARTED", "it starts")
    browser.open("/tasks?state=active")
    browser.shows(id)
    browser.open(f"/tasks/{id}?queue=celery")
    browser.click("form[action$='/terminate'] button")
    browser.answer()
    assert browser.notice() == "The workers were told to end the task."
    eventually(lambda: app.AsyncResult(id).state == "REVOKED", "it ends")


def test_a_delayed_task_is_run_now(browser, app):
    id = send(app, "proj.add", 20, 22, countdown=3000)
    browser.until(lambda: browser.open("/tasks?state=delayed") and id in browser.text())
    browser.open(f"/tasks/{id}?queue=celery")
    browser.click("form[action$='/promote'] button")
    browser.answer()
    assert app.AsyncResult(id).get(timeout=PATIENCE) == 42


def test_finished_tasks_are_forgotten(browser, app):
    app.AsyncResult(send(app, "proj.add", 1, 2)).get(timeout=PATIENCE)
    browser.open("/queues/celery?state=completed")
    browser.until(lambda: browser.open("/queues/celery?state=completed").all("main tbody tr"))
    browser.click("form[action$='/clean'] button:last-of-type")
    browser.answer()
    assert "removed" in browser.notice()
    browser.open("/queues/celery?state=completed")
    browser.shows("Nothing has completed")


def test_dead_letters_are_redriven_deleted_and_exported(browser, system, app):
    ids = fail(app, *(f"dead {number}" for number in range(2)))
    browser.open("/dead-letters")
    browser.click("main tbody a[title='proj.fail']")
    browser.shows(ids[0])
    export = "/admin/jobs" + browser.one("a[download]").get_attribute("href").removeprefix(browser.address(""))
    lines = system.gateway.request(export, Authorization=f"Bearer {TOKENS['operator']}").text.splitlines()
    assert any(ids[0] in line for line in lines)
    browser.click(f"input[value='{ids[0]}']")
    browser.click("#picks button[value=redrive]")
    browser.answer()
    assert browser.notice() == "1 letter was sent back to its queue."
    browser.click("form[action$='/delete'] button")
    browser.answer()
    assert "deleted" in browser.notice()
    browser.open("/dead-letters")


def test_a_worker_grows_takes_from_another_queue_and_shuts_down(browser, system, app):
    worker = system.start_worker("-Q", "lonely", name="w2")
    browser.open("/workers")
    browser.until(lambda: browser.open("/workers") and "w2@test" in browser.text())
    browser.open("/workers/w2@test")
    browser.one("#new-queue").send_keys("idle")
    browser.click("form[action$='/add-consumer'] button")
    assert browser.notice() == "The worker did what it was told."
    id = send(app, "proj.add", 2, 3, queue="idle")
    assert app.AsyncResult(id).get(timeout=PATIENCE) == 5
    browser.open("/workers/w2@test")
    browser.click("form[action$='/cancel-consumer'] input[value=idle] ~ button")
    browser.answer()
    assert browser.notice() == "The worker did what it was told."
    browser.click("form[action$='/shutdown'] button")
    browser.answer()
    assert worker.exit_code() == 0


def test_an_entry_of_the_schedule_is_run_now_paused_and_resumed(browser, system):
    browser.open("/schedule")
    browser.shows("nightly")
    browser.click("#entry-nightly form[action$='/run'] button")
    browser.answer()
    assert browser.notice() == "The task was sent."
    eventually(lambda: system.waiting("idle") == 1, "it is sent")
    browser.click("#entry-nightly form[action$='/pause'] button")
    assert browser.notice() == "The entry is paused."
    assert browser.one("#entry-nightly .pill").text == "Paused"
    browser.click("#entry-nightly form[action$='/resume'] button")
    assert browser.notice() == "The entry is running again."
    system.client.delete("idle")


def test_everything_that_was_changed_is_in_the_audit_list(browser):
    browser.open("/audit")
    text = browser.text()
    for action in ("queue.pause", "queue.drain", "job.remove", "job.retry", "schedule.run", "dead.redrive"):
        assert action in text
    assert "admin" in text and "127.0.0.1" in text


def test_a_viewer_sees_no_button_that_changes_something(browser, app):
    id, = fail(app, "not for viewers")
    browser.log_in(TOKENS["viewer"])
    try:
        for path in (*PATHS, f"/tasks/{id}?queue=celery", "/workers/w1@test"):
            browser.open(path)
            assert not browser.all("main form[method=post]"), path
    finally:
        browser.log_in(TOKENS["admin"])


# For everybody


def test_everything_is_reached_by_keyboard(browser):
    browser.open("/schedule")
    reached = browser.reached_by_tab(26)
    assert reached[0][1] == "skip"
    texts = [text for _, _, text in reached]
    for name in ("Overview", "Tasks", "Live", "Run now", "Pause"):
        assert name in texts, texts
    browser.open("/schedule")
    browser.press("?")
    browser.until(lambda: browser.one("dialog#help[open]"))
    browser.press(Keys.ESCAPE)
    browser.until(lambda: not browser.all("dialog#help[open]"))
    browser.press("g")
    browser.press("t")
    browser.until(lambda: browser.driver.current_url.endswith("/tasks"))
    browser.press("/")
    assert browser.script("return document.activeElement.name") == "search"


def test_language_and_colours_are_chosen_and_remembered(browser):
    browser.open()
    browser.click(".choices a[hreflang=tr]")
    browser.shows("Genel bakış")
    browser.open("/tasks")
    browser.shows("Görevler")
    browser.click(".choices a[hreflang=en]")
    browser.shows("Tasks")
    browser.click("[data-theme-switch]")
    browser.until(lambda: browser.one("html").get_attribute("data-theme") == "dark")
    browser.until(lambda: browser.driver.get_cookie("celeriac_theme"))
    browser.open("/workers")
    assert browser.one("html").get_attribute("data-theme") == "dark"
    browser.driver.delete_cookie("celeriac_theme")


def test_pages_and_forms_work_without_script(browser, system, app):
    send(app, "proj.add", 1, 2, queue="idle")
    browser.scripting(False)
    try:
        browser.open("/queues/idle")
        assert browser.all("main tbody tr")
        browser.click("form[action$='/drain'] button")
        assert "Drain idle?" in browser.text()
        browser.one("main input[name=typed]").send_keys("idle")
        browser.click("main .confirm button[type=submit]")
        assert browser.notice() == "1 task was thrown away."
    finally:
        browser.scripting(True)
    assert system.waiting("idle") == 0


def test_a_session_that_was_left_is_worth_nothing(browser):
    browser.open()
    cookie = browser.driver.get_cookie("celeriac_session")
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict"
    browser.click("form[action$='/logout'] button")
    browser.one("input[name=token]")
    browser.driver.add_cookie({"name": cookie["name"], "value": cookie["value"], "path": cookie["path"]})
    browser.open()
    assert browser.one("[role=alert]").text == "The session has ended. Log in again."
    browser.log_in(TOKENS["admin"])
