"""`celeriac-beat plan` on its command line: what a schedule will run, and what another file would change."""

import json
import subprocess

import pytest
import yaml

from deployment import BEAT, clean_environment

NIGHTLY = {"task": "office.close", "schedule": {"crontab": "30 2 * * *"}}


@pytest.fixture
def plan(tmp_path):
    """Runs the command with a beat.yaml of these entries, in a folder without anything else and without a Redis."""
    def run(*arguments, entries=None, timezone="America/New_York", name="beat.yaml"):
        content = {"timezone": timezone} if timezone else {}
        content["beat_schedule"] = {"nightly": NIGHTLY} if entries is None else entries
        (tmp_path / name).write_text(yaml.safe_dump(content), encoding="utf-8")
        return subprocess.run(
            [BEAT, "plan", *arguments], cwd=tmp_path, env=clean_environment(), capture_output=True, text=True,
            timeout=60, check=False,
        )
    return run


def test_shows_each_run_with_its_zones_offset(plan):
    done = plan("--from", "2024-03-09T00:00", "--until", "2024-03-12")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "2024-03-09T02:30:00-05:00  nightly  office.close",
        "2024-03-10T03:00:00-04:00  nightly  office.close",
        "2024-03-11T02:30:00-04:00  nightly  office.close",
    ]


def test_the_zone_asked_for_is_shown_and_read(plan):
    done = plan("--from", "2024-03-09 10:30:01", "--next", "24h", "--zone", "Europe/Istanbul", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"entry": "nightly", "at": "2024-03-10T10:00:00+03:00"}
    ]


def test_the_zone_asked_for_serves_a_file_without_one_and_that_is_said(plan):
    done = plan("--from", "2024-03-09", "--next", "1d", "--zone", "Europe/Istanbul", timezone=None)
    assert done.stdout.splitlines() == ["2024-03-09T02:30:00+03:00  nightly  office.close"]
    assert "names no timezone" in done.stderr


def test_another_file_is_compared_run_by_run_and_entry_by_entry(plan):
    changed = {
        "nightly": {**NIGHTLY, "kwargs": {"days": 1}},
        "weekly": {"task": "office.close", "schedule": {"crontab": "0 0 * * sun"}},
    }
    plan(entries=changed, name="new.yaml")
    done = plan("--from", "2024-03-09", "--next", "2d", "--diff", "new.yaml")
    assert done.stdout.splitlines() == ["~ nightly: kwargs", "+ 2024-03-10T00:00:00-05:00  weekly  office.close"]
    done = plan("--from", "2024-03-09", "--next", "2d", "--diff", "new.yaml", "--json")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"entry": "nightly", "change": "changed", "keys": ["kwargs"]},
        {"entry": "weekly", "at": "2024-03-10T00:00:00-05:00", "change": "added"},
    ]
    assert plan("--next", "2d", "--diff", "beat.yaml").stdout == "nothing changes\n"


@pytest.mark.parametrize(
    "arguments, complaint",
    [
        (["--zone", "Europe/Atlantis"], "no time zone"),
        (["--zone", "../../etc/passwd"], "no time zone"),
        (["--from", "soon"], "--from takes a moment"),
        (["--until", "2024-13-01"], "--until takes a moment"),
        (["--next", "1y"], "--next takes a number"),
        (["--until", "now+1d", "--next", "1d"], "take one of them"),
        (["--from", "now+2d", "--until", "now+1d"], "--until is before --from"),
        (["--schedule", "nowhere.yaml"], "cannot be read"),
        (["--diff", "nowhere.yaml"], "cannot be read"),
    ],
)
def test_what_cannot_be_planned_is_refused_with_code_2(plan, arguments, complaint):
    done = plan(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr


def test_a_bad_entry_is_refused_with_its_place(plan):
    done = plan(entries={"never": {"task": "t", "schedule": {"crontab": "0 0 31 feb *"}}})
    assert (done.returncode, done.stdout) == (2, "")
    assert "beat_schedule.never.schedule.crontab" in done.stderr
    assert "never comes" in done.stderr
