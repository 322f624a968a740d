"""The dashboards for Grafana and the alerts of Docs: every query is asked of a live Prometheus."""

import json
import re
import subprocess

import pytest
import yaml

from deployment import ROOT, Deployment
from gateway import Gateway
from prometheus_server import BINARIES, PrometheusServer
from waiting import eventually

DASHBOARDS = sorted((ROOT / "Docs" / "grafana").glob("*.json"))
ALERTS = ROOT / "Docs" / "prometheus" / "alerts.yaml"


def queries(path):
    """Title and expression of every panel and variable, with what Grafana would put in for its variables."""
    board = json.loads(path.read_text())
    found = [
        (f"{panel['title']} {target['refId']}", target["expr"])
        for panel in board["panels"] for target in panel.get("targets", [])
    ]
    assert found
    for title, expression in found:
        for variable in board["templating"]["list"]:
            expression = expression.replace(f'"${variable["name"]}"', '".*"')
        expression = expression.replace("$__rate_interval", "10s")
        assert "$" not in expression, expression
        yield title, expression


def variables(path):
    """The label queries of a dashboard's variables."""
    for variable in json.loads(path.read_text())["templating"]["list"]:
        if variable["type"] == "query":
            yield re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"]).groups()


@pytest.fixture(scope="module")
def scraped(tmp_path_factory):
    """A worker and a gateway with something to tell, scraped by Prometheus for a while."""
    with Deployment(tmp_path_factory.mktemp("monitoring")) as deployment:
        deployment.write_tasks(gateway={"metrics_access": "public"})
        worker = deployment.start_worker("--metrics", "0")
        port = int(re.search(r":(\d+)/metrics", worker.wait_for_line("Metrics are served on"))[1])
        gateway = Gateway(deployment)
        deployment.write_beat({"beat_schedule": {"often": {"task": "proj.noop", "schedule": {"every": 1}}}})
        beat = deployment.spawn_beat("--metrics", "0", "-l", "INFO")
        beat_port = int(re.search(r":(\d+)/metrics", beat.wait_for_line("Metrics are served on"))[1])
        server = PrometheusServer(
            deployment.directory,
            {"celeriac-worker": [port], "celeriac-gateway": [gateway.port], "celeriac-beat": [beat_port]},
        )
        deployment.processes.append(server.process)
        app = deployment.app()

        def something_of_everything():
            app.send_task("proj.add", (1, 2))
            app.send_task("proj.fail", ("no",))
            app.send_task("proj.retry", (1,), retries=0)
            app.send_task("proj.add", (1, 2), expires=-1)

        def has_rates():
            something_of_everything()
            return all(
                server.query(f"rate({metric}[10s]) > 0")
                for metric in ("celery_task_failed_total", "celeriac_gateway_requests_total", "celeriac_beat_sent_total")
            )

        # Rates need two scrapes at least between which something happened.
        eventually(has_rates, "failures are scraped")
        yield server


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_every_panel_has_data(scraped, path):
    empty = [title for title, expression in queries(path) if not scraped.query(expression)]
    assert empty == []
    for metric, label in variables(path):
        assert scraped.ask(f"label/{label}/values", **{"match[]": metric})


def test_every_alert_asks_for_metrics_that_there_are(scraped):
    known = set(scraped.ask("label/__name__/values"))
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) >= 9
    functions = {"rate", "sum", "by", "increase", "delta", "deriv", "histogram_quantile", "and", "or", "on", "le"}
    for rule in rules:
        # Names of metrics are words that no brace, quote or bracket holds.
        bare = re.sub(r'\{[^}]*\}|\[[^]]*\]|"[^"]*"|by \([^)]*\)|on\(\)', " ", rule["expr"])
        names = {word for word in re.findall(r"[a-z_]{2,}", bare)} - functions
        assert names and names <= known, (rule["alert"], names - known)
        # It can be asked; that it is silent on a healthy deployment is the next line.
        scraped.query(rule["expr"])
    quiet = {"CeleriacBeatSilent", "CeleriacWorkerDown", "CeleriacNoWorkers", "CeleriacRedisDown", "CeleriacLeasesLost"}
    assert [rule["alert"] for rule in rules if rule["alert"] in quiet and scraped.query(rule["expr"])] == []


def test_alerts_fire_when_they_should():
    for command in (["check", "rules", ALERTS], ["test", "rules", ALERTS.with_name("alerts_test.yaml")]):
        done = subprocess.run([BINARIES / "promtool", *command], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
    tested = {
        case["alertname"]
        for test in yaml.safe_load(ALERTS.with_name("alerts_test.yaml").read_text())["tests"]
        for case in test["alert_rule_test"]
    }
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    assert {rule["alert"] for group in groups for rule in group["rules"]} == tested
