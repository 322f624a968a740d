"""Every button of the dashboard in a headless Chromium, and what it does to real workers, queues and a beat."""

import json

import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from beat_state import states
from deployment import Deployment
from gateway import TOKENS, USERS, Gateway
from producer import fail, send
from waiting import PATIENCE, eventually

pytestmark = pytest.mark.usefixtures("calm")

ENVIRONMENT = {"DOWNLOAD_KEY": "a-key-for-tests-of-downloads"}
DONE = "The worker did what it was told."
#: Tasks that fail for good, each a kind of dead letters of its own.
FAILING = ("redriven", "paced", "deleted", "chosen", "exported")


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    """A worker, a beat, and a gateway that gives files away; nobody takes from the queue `idle`."""
    with Deployment(tmp_path_factory.mktemp("actions")) as deployment:
        (deployment.directory / "reports").mkdir()
        (deployment.directory / "reports" / "report ğ.txt").write_text("what was counted", encoding="utf-8")
        deployment.write_tasks(
            pools={"cpu": {"processes": 2, "slots": 1}},
            queues={name: {"pool": "cpu"} for name in ("celery", "idle", "lonely", "ticks", "steady")},
            tasks={
                **{name: {"max_retries": 0} for name in ("proj.fail", "proj.echo", "proj.sleep")},
                **{f"dead.{name}": {"handler": "debug.fail", "max_retries": 0} for name in FAILING},
            },
            task_track_started=True, worker_pool_restarts=True,
            gateway={
                "locale": "en", "users": USERS,
                "downloads": {"folders": ["reports"], "signing_key": "${DOWNLOAD_KEY}"},
            },
        )
        deployment.write_beat({
            "timezone": "UTC",
            "beat_schedule": {
                "nightly": {
                    "task": "proj.add", "schedule": {"crontab": "0 2 * * *"}, "args": [20, 22],
                    "options": {"queue": "celery"},
                },
                **{
                    name: {"task": "proj.noop", "schedule": 1, "options": {"queue": name}}
                    for name in ("ticks", "steady")
                },
            },
        })
        deployment.gateway = Gateway(
            deployment, "--schedule", deployment.directory / "beat.yaml",
            environment=ENVIRONMENT,
        )
        deployment.worker = deployment.start_worker("-Q", "celery", environment=ENVIRONMENT)
        deployment.beat = deployment.start_beat(
            "--schedule", deployment.directory / "beat.yaml", environment=ENVIRONMENT
        )
        yield deployment


@pytest.fixture(scope="module")
def app(system):
    """A producer."""
    return system.app()


def ends(app, id, state):
    """Waits until a task is in a state."""
    eventually(lambda: app.AsyncResult(id).state == state, f"{id} is {state}")


def asked(app, method, worker="w1@test"):
    """What the worker answers to a real Celery client."""
    # It answers at once: the wait ends with the answer of the one that is asked.
    answers = getattr(app.control.inspect(destination=[worker], timeout=PATIENCE), method)()
    assert answers, f"{worker} does not answer"
    return answers[worker]


def pool(app):
    """The process ids of the worker's pool, as a real Celery client sees them."""
    return asked(app, "stats")["pool"]["processes"]


def queues(app, worker="w1@test"):
    """What the worker takes from, as a real Celery client sees it."""
    return {queue["name"] for queue in asked(app, "active_queues", worker)}


def limit(browser, kind, task, **limits):
    """Limits a task's rate or time on the worker's page."""
    browser.open("/workers/w1@test")
    form = f"form[action$='/{kind}-limit']"
    Select(browser.one(f"{form} select")).select_by_visible_text(task)
    for name, value in limits.items():
        browser.one(f"{form} input[name={name}]").send_keys(value)
    browser.click(f"{form} button")
    assert browser.notice() == DONE


def letters(system, name):
    """The dead letters of a task."""
    return {letter["id"] for letter in system.dead_letters() if letter["facts"]["n"] == name}


def open_letters(browser, name):
    """Opens the kind of dead letters of a task."""
    browser.open("/dead-letters")
    browser.click(f"main tbody a[title='{name}']")
    browser.shows("arg")


# Workers


def test_a_worker_grows_shrinks_and_restarts_its_pool(browser, app):
    before = pool(app)
    assert len(before) == 2
    browser.open("/workers/w1@test")
    browser.click("form[action$='/grow'] button")
    assert browser.notice() == DONE
    eventually(lambda: len(pool(app)) == 3, "it has grown")
    browser.until(lambda: browser.open("/workers/w1@test") and "0 / 3" in browser.text())
    browser.click("form[action$='/shrink'] button")
    browser.answer()
    assert browser.notice() == DONE
    eventually(lambda: len(pool(app)) == 2, "it has shrunk")
    before = pool(app)
    browser.open("/workers/w1@test")
    browser.click("form[action$='/restart'] button")
    browser.answer()
    assert browser.notice() == DONE
    eventually(lambda: len(pool(app)) == 2 and not set(before) & set(pool(app)), "the processes are others")
    assert app.AsyncResult(send(app, "proj.add", 1, 2)).get(timeout=PATIENCE) == 3


def test_a_question_about_a_worker_that_is_declined_changes_nothing(browser, system, app):
    before, changes = pool(app), system.client.llen("celeriac:audit")
    browser.open("/workers/w1@test")
    for verb in ("shrink", "restart", "shutdown"):
        browser.click(f"form[action$='/{verb}'] button")
        browser.answer(yes=False)
        browser.until(lambda: not browser.all("dialog[open]"))
    # Workers do one thing after the other: with the answer to this one all others would have been done.
    limit(browser, "rate", "proj.noop", rate="0")
    newest = json.loads(system.client.lindex("celeriac:audit", 0))
    assert (newest["action"], newest["target"]) == ("task.rate_limit", "proj.noop")
    assert system.client.llen("celeriac:audit") == changes + 1
    assert pool(app) == before


def test_a_worker_begins_and_stops_to_take_from_a_queue(browser, system, app):
    browser.open("/workers/w1@test")
    browser.one("#new-queue").send_keys("lonely")
    browser.click("form[action$='/add-consumer'] button")
    assert browser.notice() == DONE
    browser.one("form[action$='/cancel-consumer'] input[value=lonely]")
    assert queues(app) == {"celery", "lonely"}
    assert app.AsyncResult(send(app, "proj.add", 2, 3, queue="lonely")).get(timeout=PATIENCE) == 5
    browser.click("form[action$='/cancel-consumer'] input[value=lonely] ~ button")
    browser.answer()
    assert browser.notice() == DONE
    assert queues(app) == {"celery"}
    assert not browser.all("form[action$='/cancel-consumer'] input[value=lonely]")
    id = send(app, "proj.add", 4, 5, queue="lonely")
    browser.open(f"/tasks/{id}?queue=lonely")
    browser.shows("no_consumer")
    assert system.waiting("lonely") == 1
    system.client.delete("lonely")


def test_a_tasks_rate_is_limited_and_freed_again(browser, app):
    browser.open("/workers/w1@test")
    limit(browser, "rate", "proj.echo", rate="1/h")
    first, second = send(app, "proj.echo", 1), send(app, "proj.echo", 2)
    ends(app, first, "SUCCESS")
    browser.until(
        lambda: browser.open(f"/tasks/{second}?queue=celery") and "reserved" in browser.text(),
        "it does not say that the worker holds it",
    )
    assert "Progress" not in browser.text()
    assert app.AsyncResult(second).state == "PENDING"
    browser.open("/workers/w1@test")
    limit(browser, "rate", "proj.echo", rate="0")
    third = send(app, "proj.echo", 3)
    ends(app, third, "SUCCESS")
    ends(app, second, "SUCCESS")


def test_a_rate_that_is_none_is_refused_by_the_worker_and_the_page_says_so(browser, system):
    browser.open("/workers/w1@test")
    browser.one("#rate").send_keys("often")
    browser.click("form[action$='/rate-limit'] button")
    assert browser.notice().startswith("The worker refused: ")
    assert "bad" in browser.one("#notice").get_attribute("class")
    newest = json.loads(system.client.lindex("celeriac:audit", 0))
    assert (newest["action"], newest["outcome"]) == ("task.rate_limit", "refused")


def test_a_tasks_time_is_limited(browser, app):
    browser.open("/workers/w1@test")
    # One gives way at its soft limit, the other is deaf to it.
    for task, hard, end in (
        ("proj.sleep", "600", "SoftTimeLimitExceeded"), ("proj.spin", "1.5", "TimeLimitExceeded"),
    ):
        limit(browser, "time", task, hard=hard, soft="1")
        id = send(app, task, 3000)
        ends(app, id, "FAILURE")
        assert type(app.AsyncResult(id).result).__name__ == end
        limit(browser, "time", task, hard="6000")


def test_a_worker_shuts_down_and_is_gone_from_the_list(browser, system):
    worker = system.start_worker("-Q", "lonely", name="w2", environment=ENVIRONMENT)
    browser.until(lambda: browser.open("/workers") and "w2@test" in browser.text())
    browser.click("main a.name[href$='w2@test']")
    browser.shows("lonely")
    browser.click("form[action$='/shutdown'] button")
    browser.answer()
    assert browser.notice() == "The worker was told to shut down."
    assert worker.exit_code() == 0
    browser.until(lambda: browser.open("/workers") and "w2@test" not in browser.text())
    assert system.worker.running


# The schedule


def test_an_entry_is_sent_at_once_and_its_task_runs(browser, system, app):
    browser.open("/schedule")
    browser.click("#entry-nightly form[action$='/run'] button")
    browser.answer()
    assert browser.notice() == "The task was sent."
    id = json.loads(system.client.lindex("celeriac:audit", 0))["detail"]["task_id"]
    assert app.AsyncResult(id).get(timeout=PATIENCE) == 42
    browser.open(f"/tasks/{id}?queue=celery")
    browser.shows("Completed")


def test_a_paused_entry_is_sent_no_more_until_it_is_resumed(browser, system):
    def sent(name):
        return states(system.client)[name].sent

    eventually(lambda: sent("ticks") > 0 and system.waiting("ticks") > 0, "beat sends it")
    browser.open("/schedule")
    browser.click("#entry-ticks form[action$='/pause'] button")
    assert browser.notice() == "The entry is paused."
    assert browser.one("#entry-ticks .pill").text == "Paused"
    before, others = sent("ticks"), sent("steady")
    eventually(lambda: sent("steady") >= others + 4, "the other entry is sent")
    assert sent("ticks") <= before + 1  # One may have been on its way.
    assert system.waiting("ticks") <= before + 1
    paused = sent("ticks")
    browser.open("/schedule")
    browser.click("#entry-ticks form[action$='/resume'] button")
    assert browser.notice() == "The entry is running again."
    assert browser.one("#entry-ticks .pill").text != "Paused"
    eventually(lambda: sent("ticks") > paused, "it is sent again")


# Tasks


def test_a_list_leads_to_why_a_task_does_not_run(browser, system, app):
    id = send(app, "proj.add", 1, 1, queue="idle")
    browser.open("/queues/idle")
    browser.click(f"a[href*='{id}'][href$='#why']")
    browser.shows("no_consumer")
    assert browser.driver.current_url.endswith("#why")
    system.client.delete("idle")


def test_a_waiting_task_is_removed_on_its_page(browser, system, app):
    id = send(app, "proj.add", 1, 1, queue="idle")
    browser.open(f"/tasks/{id}?queue=idle")
    browser.shows("no_consumer")
    browser.click("form[action$='/remove'] button")
    browser.answer()
    assert browser.notice() == "1 task was removed."
    assert system.waiting("idle") == 0
    assert app.AsyncResult(id).state == "REVOKED"


def test_picked_tasks_are_retried_and_run_at_once(browser, system, app):
    failed = fail(app, "one", "two", "three")
    ended = {id: app.AsyncResult(id).date_done for id in failed}
    browser.open("/tasks?state=failed&task=proj.fail")
    for id in failed[:2]:
        browser.click(f"input[value='{id} celery']")
    browser.click("#picks button[value=retry]")
    browser.answer()
    assert browser.notice() == "2 tasks run again."
    for id in failed[:2]:
        eventually(lambda: app.AsyncResult(id).date_done not in (None, ended[id]), f"{id} runs again")
    assert app.AsyncResult(failed[2]).date_done == ended[failed[2]]
    later = [send(app, "proj.add", number, 1, countdown=3000) for number in range(2)]
    browser.until(
        lambda: browser.open("/tasks?state=delayed") and all(id in browser.text() for id in later), "they are parked"
    )
    browser.click("input[data-all=picks]")
    assert browser.one(".picked").text == "2 selected"
    browser.click("#picks button[value=promote]")
    browser.answer()
    assert browser.notice() == "2 tasks wait in their queues."
    assert [app.AsyncResult(id).get(timeout=PATIENCE) for id in later] == [1, 2]


def test_draining_takes_delayed_tasks_along_where_that_was_ticked(browser, system, app):
    parked = [send(app, "proj.add", 1, 1, countdown=3000) for _ in range(2)]
    eventually(lambda: system.client.zcard("celeriac:parked") == 2, "they are parked")

    def drain():
        browser.open("/queues/celery")
        browser.click("form[action$='/drain'] button")
        browser.one("dialog#question input[name=typed]").send_keys("celery")

    drain()
    browser.answer()
    assert browser.notice() == "0 tasks were thrown away."
    assert system.client.zcard("celeriac:parked") == 2
    drain()
    browser.click("dialog#question input[name=delayed]")
    browser.answer()
    assert browser.notice() == "2 tasks were thrown away."
    assert system.client.zcard("celeriac:parked") == 0
    assert all(app.AsyncResult(id).state != "SUCCESS" for id in parked)


def test_old_records_stay_where_only_older_ones_are_cleaned(browser, app):
    app.AsyncResult(id := send(app, "proj.add", 1, 1)).get(timeout=PATIENCE)
    browser.until(lambda: browser.open("/queues/celery?state=completed") and id in browser.text())
    grace = Select(browser.one("#clean-grace"))
    grace.select_by_index(len(grace.options) - 1)
    oldest = int(grace.first_selected_option.get_attribute("value"))
    assert oldest >= 3600
    browser.click("form[action$='/clean'] button")
    browser.answer()
    assert browser.notice() == "0 records were removed."
    browser.open("/queues/celery?state=completed")
    browser.shows(id)


def test_a_tasks_files_are_downloaded(browser, system, app, tmp_path):
    path = str(system.directory / "reports" / "report ğ.txt")
    app.AsyncResult(id := send(app, "proj.echo", path)).get(timeout=PATIENCE)
    browser.driver.execute_cdp_cmd("Page.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    browser.open(f"/tasks/{id}?queue=celery")
    browser.click("section[aria-labelledby=files] a[download]")
    saved = eventually(lambda: [file for file in tmp_path.iterdir() if file.suffix == ".txt"], "it is saved")
    assert saved[0].name == "report ğ.txt"
    assert saved[0].read_text(encoding="utf-8") == "what was counted"


def test_an_id_is_copied(browser, system, app):
    id = send(app, "proj.add", 1, 2)
    origin = f"http://127.0.0.1:{system.gateway.port}"
    browser.driver.execute_cdp_cmd(
        "Browser.grantPermissions", {"origin": origin, "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    )
    browser.open(f"/tasks/{id}?queue=celery")
    browser.click("[data-copy]")
    browser.until(lambda: browser.one("#announcements").get_attribute("textContent") == "Copied")
    read = "const done = arguments[0]; navigator.clipboard.readText().then(done, (e) => done(String(e)))"
    assert browser.driver.execute_async_script(read) == id


# Dead letters


def test_all_of_a_kind_are_sent_again_at_once(browser, system, app):
    ids = fail(app, "arg 1", "arg 2", task="dead.redriven")
    ended = {id: app.AsyncResult(id).date_done for id in ids}
    open_letters(browser, "dead.redriven")
    browser.click("form[action$='/redrive'] button")
    browser.answer()
    assert browser.notice() == "2 letters were sent back to their queues."
    for id in ids:
        eventually(lambda: app.AsyncResult(id).date_done not in (None, ended[id]), f"{id} runs again")


def test_all_of_a_kind_are_sent_again_one_after_the_other(browser, system, app):
    ids = fail(app, "arg 1", "arg 2", "arg 3", task="dead.paced")
    open_letters(browser, "dead.paced")
    browser.click("form[action$='/redrive'] button")
    pace = browser.one("dialog#question input[name=pace]")
    pace.clear()
    pace.send_keys("0.001")
    browser.answer()
    assert browser.notice() == "3 letters were sent back to their queues."
    # The first one runs, and fails again; the others wait their turn.
    eventually(lambda: len(letters(system, "dead.paced")) == 1, "the first one is back")
    assert system.client.zcard("celeriac:parked") == 2
    assert letters(system, "dead.paced") < set(ids)
    system.client.delete("celeriac:parked", "celeriac:parked:messages")


def test_all_of_a_kind_are_deleted(browser, system, app):
    fail(app, "arg 1", "arg 2", task="dead.deleted")
    eventually(lambda: len(letters(system, "dead.deleted")) == 2, "they are kept")
    others = len(system.dead_letters()) - 2
    open_letters(browser, "dead.deleted")
    browser.click("form[action$='/delete'] button")
    browser.answer()
    assert browser.notice() == "2 letters were deleted."
    assert letters(system, "dead.deleted") == set()
    assert len(system.dead_letters()) == others


def test_picked_letters_are_sent_again_or_deleted(browser, system, app):
    ids = fail(app, "arg 1", "arg 2", "arg 3", task="dead.chosen")
    ended = app.AsyncResult(ids[0]).date_done
    open_letters(browser, "dead.chosen")
    browser.click(f"input[value='{ids[0]}']")
    browser.click("#picks button[value=redrive]")
    browser.answer()
    assert browser.notice() == "1 letter was sent back to its queue."
    eventually(lambda: app.AsyncResult(ids[0]).date_done not in (None, ended), "it runs again")
    open_letters(browser, "dead.chosen")
    browser.click(f"input[value='{ids[1]}']")
    browser.click("#picks button[value=delete]")
    browser.answer()
    assert browser.notice() == "1 letter was deleted."
    eventually(lambda: letters(system, "dead.chosen") == {ids[0], ids[2]}, "the deleted one is gone")


def test_a_kind_is_exported_to_a_file(browser, system, app, tmp_path):
    (id,) = fail(app, "arg ğ\n\"1\"", task="dead.exported")
    browser.driver.execute_cdp_cmd("Page.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    open_letters(browser, "dead.exported")
    browser.click("a[download]")
    (file,) = eventually(lambda: list(tmp_path.glob("*.jsonl")), "it is saved")
    (line,) = file.read_text(encoding="utf-8").splitlines()
    assert id in line and "dead.exported" in line


# Finding


def test_filters_are_sent_by_themselves_and_cleared(browser, app):
    id = send(app, "proj.echo", "needle-in-the-hay")
    ends(app, id, "SUCCESS")
    browser.open("/tasks")
    browser.one("#filters input[name=search]").send_keys("needle-in" + Keys.ENTER)
    browser.until(lambda: "search=needle-in" in browser.driver.current_url)
    browser.shows(id)
    # What is empty is left out of the address.
    assert "task=" not in browser.driver.current_url
    Select(browser.one("#filters select[name=queue]")).select_by_visible_text("idle")
    browser.until(lambda: "queue=idle" in browser.driver.current_url)
    browser.shows("No task matches")
    browser.click("#filters a.button")
    browser.until(lambda: "search" not in browser.driver.current_url)
    assert browser.one("#filters input[name=search]").get_attribute("value") == ""


def test_queues_are_searched_and_sorted(browser, system, app):
    for _ in range(3):
        send(app, "proj.add", 1, 1, queue="idle")
    browser.open()
    browser.one("#queue-search").send_keys("idl" + Keys.ENTER)
    browser.until(lambda: "search=idl" in browser.driver.current_url)
    assert [row.get_attribute("id") for row in browser.all("tr[id^=queue-]")] == ["queue-idle"]
    browser.open()
    browser.click("thead a[href*='order=waiting']")
    browser.until(lambda: "order=waiting" in browser.driver.current_url)
    counts = [int(cell.text or 0) for cell in browser.all("tr[id^=queue-] td:nth-child(2)")]
    assert counts == sorted(counts, reverse=True) and counts[0] >= 3
    assert browser.one("th[aria-sort]").text.startswith("Waiting")
    system.client.delete("idle")


def test_long_lists_have_pages(browser, system, app):
    ids = [send(app, "proj.add", number, 1, queue="idle") for number in range(53)]
    browser.open("/queues/idle")
    assert len(browser.all("main tbody tr")) == 50
    browser.shows(ids[0])
    browser.click("a[rel=next]")
    browser.until(lambda: "offset=50" in browser.driver.current_url)
    browser.until(lambda: len(browser.all("main tbody tr")) == 3)
    browser.shows(ids[52])
    assert not browser.all("a[rel=next]")
    browser.click("a[rel=prev]")
    browser.shows(ids[0])
    system.client.delete("idle")


# Everything by key, and without script


def test_refreshing_is_paused_resumed_and_asked_for_by_key(browser, system, app):
    def refreshed():
        return int(browser.one("body").get_attribute("data-refreshed") or 0)

    browser.open("/queues/idle")
    browser.script("Refresh.seconds = 0.2; Refresh.plan()")
    browser.until(lambda: refreshed() > 1)
    browser.click("#live")
    assert browser.one("#live").text == "Paused"
    assert browser.one("#live").get_attribute("aria-pressed") == "true"
    browser.until(lambda: not browser.script("return Refresh.busy"))
    paused = refreshed()
    id = send(app, "proj.add", 1, 1, queue="idle")
    turns = "const done = arguments[0]; setTimeout(() => done(true), 1000)"
    assert browser.driver.execute_async_script(turns)
    assert refreshed() == paused
    assert id not in browser.text()
    browser.script("document.activeElement.blur()")
    browser.press("r")
    browser.shows(id)
    browser.press("p")
    assert browser.one("#live").text == "Live"
    system.client.delete("idle")
    browser.shows("Nothing")


def test_a_task_is_found_picked_and_removed_by_key_alone(browser, system, app):
    ids = [send(app, "proj.add", number, 1, queue="idle") for number in range(3)]
    browser.open("/queues/idle")
    browser.press("j")
    browser.press("j")
    assert ids[1] in browser.script("return document.activeElement.closest('tr').textContent")
    browser.press("k")
    browser.press("x")
    assert browser.one(".picked").text == "1 selected"
    remove = "document.activeElement.name === 'do' && document.activeElement.value === 'remove'"
    for _ in range(30):
        if browser.script(f"return {remove}"):
            break
        browser.press(Keys.TAB)
    browser.press(Keys.ENTER)
    browser.until(lambda: browser.one("dialog#question[open]"))
    # The harmless answer comes first.
    assert browser.script("return document.activeElement.hasAttribute('data-no')")
    browser.press(Keys.TAB)
    browser.press(Keys.ENTER)
    assert browser.notice() == "1 task was removed."
    assert system.waiting("idle") == 2 and not any(ids[0] in text for text in system.client.lrange("idle", 0, -1))
    browser.open("/queues/idle")
    browser.press("j")
    browser.press(Keys.ENTER)
    browser.until(lambda: ids[1] in browser.driver.current_url)
    system.client.delete("idle")


@pytest.mark.parametrize(
    "key, path", [("o", ""), ("t", "/tasks"), ("w", "/workers"), ("s", "/schedule"), ("d", "/dead-letters"), ("a", "/audit")]
)
def test_two_keys_lead_to_every_page(browser, key, path):
    browser.open("/queues/idle")
    browser.press("g")
    browser.press(key)
    browser.until(lambda: browser.driver.current_url == browser.address(path))


def test_everything_is_done_without_script(browser, system, app):
    (id,) = fail(app, "without script")
    ended = app.AsyncResult(id).date_done
    waiting = [send(app, "proj.add", number, 1, queue="idle") for number in range(2)]

    def confirm(selector):
        browser.click(selector)
        browser.click("main .confirm button[type=submit]")

    browser.scripting(False)
    try:
        browser.driver.delete_all_cookies()
        browser.open("/workers/w1@test")
        browser.one("input[name=token]").send_keys(TOKENS["admin"])
        browser.click("button[type=submit]")
        browser.shows("w1@test")
        browser.click("form[action$='/grow'] button")
        assert browser.notice() == DONE
        eventually(lambda: len(pool(app)) == 3, "it has grown")
        confirm("form[action$='/shrink'] button")
        assert browser.notice() == DONE
        eventually(lambda: len(pool(app)) == 2, "it has shrunk")
        browser.open(f"/tasks/{id}?queue=celery")
        confirm("form[action$='/retry'] button")
        assert browser.notice() == "1 task runs again."
        eventually(lambda: app.AsyncResult(id).date_done not in (None, ended), "it runs again")
        browser.open("/queues/idle")
        browser.click(f"input[value='{waiting[0]} idle']")
        confirm("#picks button[value=remove]")
        assert browser.notice() == "1 task was removed."
        assert system.waiting("idle") == 1
        # "Cancel" is a way back.
        browser.open("/queues/idle")
        browser.click("form[action$='/pause'] button")
        browser.click("main .confirm [data-no]")
        assert browser.driver.current_url == browser.address("/queues/idle")
        assert browser.all("form[action$='/pause']")
        browser.open("/schedule")
        confirm("#entry-nightly form[action$='/run'] button")
        assert browser.notice() == "The task was sent."
        browser.open("/tasks?state=failed")
        browser.one("#filters input[name=search]").send_keys("without script")
        browser.click("#filters button[type=submit]")
        browser.shows(id)
        browser.click(".choices a[hreflang=tr]")
        browser.shows("Görevler")
        browser.click(".choices a[hreflang=en]")
        browser.click("form[action$='/logout'] button")
        browser.one("input[name=token]")
    finally:
        browser.scripting(True)
    browser.log_in(TOKENS["admin"])
    system.client.delete("idle")


def test_an_operator_sees_the_buttons_of_operators_only(browser, app):
    (id,) = fail(app, "for operators")
    browser.log_in(TOKENS["operator"])
    try:
        for path, there, missing in (
            ("/queues/celery?state=failed", "#picks", "form[action$='/pause'], form[action$='/drain'], form[action$='/clean']"),
            (f"/tasks/{id}?queue=celery", "form[action$='/retry']", "form[action$='/pause']"),
            ("/schedule", "form[action$='/run']", "form[action$='/pause'], form[action$='/resume']"),
            ("/workers/w1@test", "main", "main form[method=post]"),
        ):
            browser.open(path)
            assert browser.one(there) and not browser.all(missing), path
        browser.open("/dead-letters")
        browser.click("main tbody a[title='proj.fail']")
        assert browser.one("form[action$='/redrive']")
        assert not browser.all("form[action$='/delete'], #picks button[value=delete]")
    finally:
        browser.log_in(TOKENS["admin"])
