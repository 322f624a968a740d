"""Reading what a worker or a beat serves with `--metrics`."""

import re
import urllib.error
import urllib.request

from prometheus_client.parser import text_string_to_metric_families


def ask(port, path):
    """The status and the text of an answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def samples(port):
    """Every sample of a scrape by name and labels, as Prometheus' own client reads it."""
    status, text = ask(port, "/metrics")
    assert status == 200
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found, f"{key} is there twice"
            found[key] = sample.value
    return found


def value(found, metric, **labels):
    """The sum of a metric's samples that have these labels."""
    return sum(
        number for (name, pairs), number in found.items() if name == metric and labels.items() <= dict(pairs).items()
    )


def port_of(process):
    """Where a process serves its metrics."""
    line = process.wait_for_line(r"Metrics are served on http://127\.0\.0\.1:\d+/metrics")
    return int(re.search(r":(\d+)/metrics", line)[1])
