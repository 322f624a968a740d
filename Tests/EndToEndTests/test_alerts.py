"""Tasks that failed for good are told: to a webhook, by mail, to Sentry."""

import json
import signal
import subprocess

import pytest

from alert_hooks import MailServer, WebServer
from deployment import clean_environment
from gateway import PROGRAM, Gateway
from producer import fail
from waiting import eventually

TOKEN = "an-admins-token-for-tests"


@pytest.fixture
def slack():
    with WebServer() as server:
        yield server


@pytest.fixture
def sentry():
    with WebServer() as server:
        yield server


@pytest.fixture
def mail():
    with MailServer() as server:
        yield server


def configure(deployment, slack=None, mail=None, sentry=None, **more):
    """Writes the file with those hooks that are given."""
    alerts = {"link": "https://ops.example.org", **more}
    if slack:
        alerts["slack"] = {"webhook_url": f"http://127.0.0.1:{slack.port}/services/a-secret-path"}
    if mail:
        server = {"host": "127.0.0.1", "port": mail.port, "security": "none"}
        alerts["mail"] = {"to": ["ops@example.org", "more@example.org"], "from": "celeriac@example.org", "smtp": server}
    if sentry:
        alerts["sentry"] = {
            "dsn": f"http://a-secret-key@127.0.0.1:{sentry.port}/7", "environment": "testing", "release": "1.2.3",
        }
    deployment.write_tasks(alerts=alerts, gateway={"users": {"admin": {"role": "admin", "token": TOKEN}}})


def watching(deployment, *hooks):
    """Waits until what fails from now on is told."""
    eventually(lambda: all(deployment.client.hexists("celeriac:alerts", hook) for hook in hooks), "hooks are watched for")


def counted(deployment, hook):
    """The kinds a hook was told of, and how many nobody was told of yet."""
    state = json.loads(deployment.client.hget("celeriac:alerts", hook))
    return sum(group["waiting"] for group in state["groups"])


def test_slack_and_mail_each_get_one_alert(deployment, slack, mail):
    """001-32"""
    configure(deployment, slack, mail)
    gateway = Gateway(deployment, level="DEBUG")
    watching(deployment, "slack", "mail")
    deployment.start_worker()
    id, = fail(deployment.app(), "the card was declined & <b>more</b>")
    eventually(lambda: slack.requests and mail.requests, "both are told")
    path, _, _ = slack.requests[0]
    assert path == "/services/a-secret-path"
    message = slack.bodies[0]
    attachment, = message["attachments"]
    assert message["text"] == "proj.fail failed for good: ValueError"
    assert attachment["text"] == "the card was declined &amp; &lt;b&gt;more&lt;/b&gt;"
    assert {"title": "Task id", "value": id, "short": True} in attachment["fields"]
    assert attachment["title_link"].startswith("https://ops.example.org/admin/jobs/dead-letters/")
    recipients, _ = mail.requests[0]
    assert recipients == ["ops@example.org", "more@example.org"]
    letter, = mail.mails
    assert letter["Subject"] == "proj.fail failed for good: ValueError" and letter["From"] == "celeriac@example.org"
    assert id in letter.get_content() and "the card was declined & <b>more</b>" in letter.get_content()
    eventually(lambda: counted(deployment, "slack") == counted(deployment, "mail") == 0, "it is written down")
    metrics = gateway.request("/metrics", Authorization=f"Bearer {TOKEN}").text
    assert 'celeriac_alerts_total{hook="slack",outcome="told"} 1' in metrics
    assert 'celeriac_alerts_total{hook="mail",outcome="told"} 1' in metrics
    assert "a-secret" not in gateway.process.text


def test_a_burst_of_five_hundred_is_grouped(deployment, slack):
    """001-32"""
    configure(deployment, slack, group_for=2)
    Gateway(deployment)
    watching(deployment, "slack")
    deployment.start_worker()
    app = deployment.app()
    for number in range(500):
        app.tasks["proj.fail"].delay(f"no {number}")

    def told():
        texts = [body["text"] for body in slack.bodies]
        return sum(
            int(text.split(" more of ")[0]) if " more of " in text
            else int(text.split(" good ")[1].split(" ")[0]) if " times: " in text else 1
            for text in texts
        )

    eventually(lambda: told() == 500, "all of them are counted in alerts")
    assert len(slack.requests) < 30
    assert all("proj.fail" in body["text"] for body in slack.bodies)


def test_sentry_gets_an_event_for_each_failure(deployment, sentry):
    """003-35"""
    configure(deployment, sentry=sentry)
    gateway = Gateway(deployment, level="DEBUG")
    watching(deployment, "sentry")
    deployment.start_worker()
    app = deployment.app()
    ids = fail(app, *(f"no {number}" for number in range(5)))
    ids += [app.send_task("proj.nowhere", kwargs={"password": "never to be seen"}).id]
    eventually(lambda: len(sentry.requests) >= 6, "it is told of each")
    path, headers, body = sentry.requests[0]
    assert path == "/api/7/envelope/" and "sentry_key=a-secret-key" in headers["X-Sentry-Auth"]
    header, item, payload = body.splitlines()
    assert json.loads(item)["length"] == len(payload)
    assert json.loads(header)["event_id"] == json.loads(payload)["event_id"]
    events = sentry.events
    assert sorted(event["tags"]["task_id"] for event in events) == sorted(ids)
    assert len({event["event_id"] for event in events}) == 6
    event = next(event for event in events if event["tags"]["task_id"] == ids[0])
    assert event["transaction"] == "proj.fail" and event["level"] == "error"
    assert event["tags"] == {"task": "proj.fail", "task_id": ids[0], "queue": "celery", "worker": "w1@test"}
    assert event["environment"] == "testing" and event["release"] == "1.2.3"
    exception, = event["exception"]["values"]
    assert exception["type"] == "ValueError" and exception["value"] == "no 0"
    assert len({event["fingerprint"][0] for event in events}) == 2
    assert not any(b"never to be seen" in body for _, _, body in sentry.requests)
    assert "a-secret" not in gateway.process.text


def test_a_restart_neither_repeats_nor_forgets(deployment, slack, sentry):
    configure(deployment, slack, sentry=sentry, group_for=3600)
    gateway = Gateway(deployment)
    watching(deployment, "slack", "sentry")
    deployment.start_worker()
    app = deployment.app()
    first, = fail(app, "one")
    eventually(lambda: len(slack.requests) == 1 and len(sentry.requests) == 1, "both are told")
    eventually(lambda: counted(deployment, "slack") == 0, "it is written down")
    assert gateway.process.terminate() == 0
    meanwhile, = fail(app, "two")
    Gateway(deployment)
    eventually(lambda: len(sentry.requests) == 2, "what failed meanwhile is told")
    assert [event["tags"]["task_id"] for event in sentry.events] == [first, meanwhile]
    eventually(lambda: counted(deployment, "slack") == 1, "it is counted")
    # Another kind is told at once, which shows that nothing else was told in between.
    app.send_task("proj.nowhere")
    eventually(lambda: len(slack.requests) == 2, "the other kind is told")
    assert "proj.nowhere" in slack.bodies[1]["text"]


def test_a_hook_that_is_down_is_told_when_it_is_back_and_keeps_no_other_waiting(deployment, slack, sentry):
    configure(deployment, slack, sentry=sentry)
    gateway = Gateway(deployment)
    watching(deployment, "slack", "sentry")
    deployment.start_worker()
    slack.stop()
    app = deployment.app()
    fail(app, "one", "two", "three")
    eventually(lambda: len(sentry.requests) == 3, "the other is told")
    gateway.process.wait_for_line("alerts: slack cannot be told")
    metrics = gateway.request("/metrics", Authorization=f"Bearer {TOKEN}").text
    assert 'celeriac_alerts_total{hook="sentry",outcome="told"} 3' in metrics
    slack.start()
    eventually(lambda: slack.requests, "it is told when it is back")
    assert "3 times" in slack.bodies[0]["text"]
    gateway.process.wait_for_line("alerts: slack can be told again")
    assert "a-secret" not in gateway.process.text


def test_of_two_gateways_one_tells(deployment, sentry):
    configure(deployment, sentry=sentry)
    first, second = Gateway(deployment), Gateway(deployment)
    watching(deployment, "sentry")
    deployment.start_worker()
    app = deployment.app()
    ids = fail(app, *(f"no {number}" for number in range(20)))
    eventually(lambda: len(sentry.requests) >= 20, "all are told")
    # One of them ends; whether it had the turn or not, the other goes on behind it.
    assert first.process.terminate() == 0
    ids += fail(app, "later")
    eventually(lambda: len(sentry.requests) >= 21, "the other goes on")
    assert sorted(event["tags"]["task_id"] for event in sentry.events) == sorted(ids)
    assert second.process.running


def test_hooks_are_tried_and_say_what_they_answer(deployment, slack, mail, sentry):
    configure(deployment, slack, mail, sentry)

    def run(*flags):
        return subprocess.run(
            [PROGRAM, "--config", deployment.tasks_path, *flags], env=clean_environment(), capture_output=True,
            text=True, timeout=60,
        )

    good = run("--test-alerts")
    assert good.returncode == 0, good.stderr
    assert [line.split(":")[0] for line in good.stdout.splitlines()] == ["slack", "mail", "sentry"]
    assert slack.bodies[0]["text"] == "A test of Celeriac's alerts" and sentry.events[0]["level"] == "info"
    assert mail.mails[0]["Subject"] == "A test of Celeriac's alerts"
    slack.status = 404
    bad = run("--test-alerts")
    assert bad.returncode == 1 and "slack: not told: it answered 404" in bad.stderr
    assert "a-secret" not in good.stdout + good.stderr + bad.stdout + bad.stderr
    assert run("--check").returncode == 0


@pytest.mark.parametrize(
    ("alerts", "complaint"),
    [
        ({"slack": {"webhook_url": "ftp://x"}}, "expected an address that begins with https:// or http://"),
        ({"slack": {}}, "the key 'webhook_url' is missing"),
        ({"sentry": {"dsn": "https://sentry.example.org/7"}}, "alerts.sentry.dsn: expected an address such as"),
        ({"mail": {"to": ["nobody"], "from": "a@b.c", "smtp": {"host": "x"}}}, "alerts.mail.to: is not an e-mail"),
        ({"mail": {"to": ["a@b.c"], "from": "a@b.c"}}, "the key 'smtp' is missing"),
        ({"mail": {"to": ["a@b.c"], "from": "a@b.c", "smtp": {"port": 25}}}, "the key 'smtp.host' is missing"),
        (
            {
                "mail": {
                    "to": ["a@b.c"], "from": "a@b.c",
                    "smtp": {"host": "mail.example.org", "security": "none", "username": "u", "password": "p" * 9},
                }
            },
            "the password would travel in clear",
        ),
        ({"at_most_per_hour": 0}, "expected a whole number from 1 to 100000"),
    ],
)
def test_a_wrong_block_is_refused(deployment, alerts, complaint):
    deployment.write_tasks(alerts=alerts)
    done = subprocess.run(
        [PROGRAM, "--config", deployment.tasks_path, "--check"], env=clean_environment(), capture_output=True,
        text=True, timeout=60,
    )
    assert done.returncode == 2 and complaint in done.stderr
    assert "ppppppppp" not in done.stderr


def test_hup_tells_others_from_then_on(deployment, slack):
    configure(deployment, slack)
    gateway = Gateway(deployment, level="DEBUG")
    watching(deployment, "slack")
    deployment.start_worker()
    app = deployment.app()

    def hang_up():
        """Has the gateway read its configuration, and waits until that is in use."""
        before = gateway.process.count_lines("read again and is in use")
        gateway.process.signal(signal.SIGHUP)
        eventually(lambda: gateway.process.count_lines("read again and is in use") > before, "it is in use")

    # Each of another kind: a second one of a kind is told a minute later.
    fail(app, "one")
    eventually(lambda: slack.requests, "the first hook is told")
    with WebServer() as other, WebServer() as third:
        configure(deployment, other)
        hang_up()
        fail(app, "KILL", task="proj.crash")
        eventually(lambda: other.requests, "the other hook is told")
        configure(deployment)
        hang_up()
        eventually(lambda: not deployment.client.exists("celeriac:alerts:turn"), "nobody is to be told any more")
        nobody = app.send_task("proj.nowhere").id
        eventually(lambda: nobody in {letter["id"] for letter in deployment.dead_letters()}, "the third is kept")
        configure(deployment, sentry=third)
        hang_up()
        watching(deployment, "sentry")
        last, = fail(app, "four")
        eventually(lambda: third.requests, "the third hook is told")
        assert [event["tags"]["task_id"] for event in third.events] == [last]
        assert [body["text"] for body in slack.bodies] == ["proj.fail failed for good: ValueError"]
        assert [body["text"] for body in other.bodies] == ["proj.crash failed for good: WorkerLostError"]
    assert gateway.process.terminate() == 0
