"""Asks Celery 5.7 and `celeriac-beat plan` for the next runs of the same schedules; Docs/Beat.md lists where they differ."""

import datetime
import json
import random
import subprocess
import zoneinfo

import pytest
import yaml
from celery import Celery
from celery.schedules import crontab, schedule, solar

from deployment import BEAT, clean_environment

UTC = datetime.timezone.utc

# Days on which clocks change: forward and back, by an hour, half an hour, two hours and a whole day, at midnight too.
CHANGES = {
    "America/New_York": ["2024-03-10", "2024-11-03"],
    "Europe/London": ["2023-03-26", "2023-10-29"],
    "Europe/Istanbul": ["2016-03-27", "2015-11-08"],
    "Australia/Lord_Howe": ["2024-10-05", "2024-04-06"],
    "America/Sao_Paulo": ["2018-11-04", "2018-02-18"],
    "Asia/Tehran": ["2022-03-21", "2022-09-21"],
    "Pacific/Apia": ["2011-12-30", "2012-04-01"],
    "America/Havana": ["2024-03-10", "2024-11-03"],
    "Asia/Beirut": ["2024-03-31", "2024-10-26"],
    "Antarctica/Troll": ["2024-03-31", "2024-10-27"],
    "Africa/Casablanca": ["2024-04-14", "2024-03-10"],
}


def celery_runs(entry, zone, start, end):
    """The runs of a Celery schedule after `start` and before `end`, if each starts in the moment it is meant for."""
    app = Celery(set_as_current=False)
    app.conf.timezone = zone
    entry.app = app
    last, found = start.astimezone(zoneinfo.ZoneInfo(zone)), []
    while True:
        entry.nowfun = lambda: last
        following = last.astimezone(UTC) + entry.remaining_estimate(last)
        if following >= end:
            return found
        assert following > last, f"Celery goes back from {last} to {following}"
        found.append(following)
        last = following.astimezone(zoneinfo.ZoneInfo(zone))


def planned_runs(folder, entries, start, end):
    """The runs of the entries of a beat.yaml by name, after `start` and before `end`."""
    path = folder / "beat.yaml"
    path.write_text(yaml.safe_dump({"beat_schedule": entries}), encoding="utf-8")
    done = subprocess.run(
        [BEAT, "plan", "--schedule", path, "--json", "--from", start.isoformat(), "--until", end.isoformat()],
        cwd=folder, env=clean_environment(), capture_output=True, text=True, timeout=120, check=False,
    )
    assert done.returncode == 0, done.stderr
    runs = {name: [] for name in entries}
    for line in map(json.loads, done.stdout.splitlines()):
        at = datetime.datetime.fromisoformat(line["at"])
        assert at.tzinfo is not None
        if at > start:
            runs[line["entry"]].append(at)
    return runs


def random_field(random, low, high):
    """A crontab field that may hold everything that the grammar has but names."""
    if random.random() < 0.4:
        return "*"
    parts = []
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        first, last = random.randint(low, high), random.randint(low, high)
        step = random.randint(1, (high - low) // 2)
        parts.append(random.choice([f"*/{step}", f"{first}", f"{first}-{last}", f"{first}-{last}/{step}"]))
    return ",".join(parts)


def random_crontab(random):
    """The five fields of a crontab that Celery accepts."""
    while True:
        day, month, weekday = "*", "*", "*"
        if random.random() < 0.5:
            day, month = random_field(random, 1, 31), random_field(random, 1, 12)
            weekday = random_field(random, 0, 6)
        text = f"{random_field(random, 0, 59)} {random_field(random, 0, 23)} {day} {month} {weekday}"
        try:
            crontab.from_string(text)
        except ValueError:
            continue
        return text


def clock_change(zone, day):
    """The first moment after the change near a day, and by how much clocks were moved."""
    rules = zoneinfo.ZoneInfo(zone)
    moment = datetime.datetime.fromisoformat(day).replace(tzinfo=UTC) - datetime.timedelta(days=1)
    for _ in range(3 * 24 * 60):
        following = moment + datetime.timedelta(minutes=1)
        moved = following.astimezone(rules).utcoffset() - moment.astimezone(rules).utcoffset()
        if moved:
            return following, moved
        moment = following
    raise AssertionError(f"no clock change in {zone} near {day}")


def behind_gap(moment, change, moved):
    """Whether a moment lies right behind a gap, by no more than the gap is long: fault F1."""
    return moved > datetime.timedelta() and change <= moment < change + moved


@pytest.mark.parametrize(("zone", "day"), [(zone, day) for zone, days in CHANGES.items() for day in days])
def test_crontabs_run_when_celerys_do_but_for_the_listed_faults(tmp_path, zone, day):
    change, moved = clock_change(zone, day)
    start, end = change - datetime.timedelta(hours=18, minutes=7), change + datetime.timedelta(hours=30)
    choice = random.Random(f"{zone} {day}")
    texts = {f"entry {number}": random_crontab(choice) for number in range(50)}
    texts["every quarter"] = "*/15 * * * *"
    texts["hourly"] = "30 * * * *"
    plan = planned_runs(
        tmp_path,
        {name: {"task": "t", "schedule": {"crontab": text}, "zone": zone} for name, text in texts.items()},
        start, end,
    )
    explained = 0
    for name, text in texts.items():
        theirs = celery_runs(crontab.from_string(text), zone, start, end)
        different = set(theirs) ^ set(plan[name])
        unexplained = sorted(moment for moment in different if not behind_gap(moment, change, moved))
        assert not unexplained, f"{text} in {zone}: {unexplained}"
        assert plan[name] == sorted(set(plan[name]))
        explained += len(different)
    if moved > datetime.timedelta():
        assert explained > 0
    else:
        assert explained == 0


def test_crontabs_of_rare_days_run_when_celerys_do(tmp_path):
    choice = random.Random("rare days")
    start = datetime.datetime(2026, 1, 1, tzinfo=UTC)
    end = start + datetime.timedelta(days=8 * 365)
    texts = {}
    while len(texts) < 120:
        days = [random_field(choice, *span) for span in [(1, 31), (1, 12), (0, 6)]]
        text = f"{choice.randint(0, 59)} {choice.randint(0, 23)} {' '.join(days)}"
        try:
            crontab.from_string(text)
        except ValueError:
            continue
        texts[f"entry {len(texts)}"] = text
    plan = planned_runs(
        tmp_path, {name: {"task": "t", "schedule": {"crontab": text}} for name, text in texts.items()}, start, end
    )
    for name, text in texts.items():
        assert plan[name][:100] == celery_runs_of(crontab.from_string(text), start, end, 100), text


def celery_runs_of(entry, start, end, count):
    """The first runs of a Celery schedule in UTC."""
    app = Celery(set_as_current=False)
    entry.app = app
    last, found = start - datetime.timedelta(microseconds=1), []
    while len(found) < count:
        entry.nowfun = lambda: last
        last = last + entry.remaining_estimate(last)
        if last >= end:
            break
        found.append(last)
    return [moment for moment in found if moment > start]


@pytest.mark.parametrize(("zone", "day"), [(zone, day) for zone, days in CHANGES.items() for day in days])
def test_rounded_intervals_run_when_celerys_do(tmp_path, zone, day):
    change, moved = clock_change(zone, day)
    start = change - datetime.timedelta(hours=30, minutes=7, seconds=13)
    end = change + datetime.timedelta(hours=80)
    lengths = [90, 600, 2700, 3600, 5400, 7200, 9000, 86_400, 129_600]
    if moved < datetime.timedelta(days=1):
        # Over a day that is left out ours keep their dates, and Celery's count on from the day after.
        lengths.append(172_800)
    plan = planned_runs(
        tmp_path,
        {
            str(seconds): {"task": "t", "schedule": {"every": seconds, "relative": True}, "zone": zone}
            for seconds in lengths
        },
        start, end,
    )
    for seconds in lengths:
        theirs = celery_runs(schedule(seconds, relative=True), zone, start, end)
        assert plan[str(seconds)] == theirs, f"{seconds} in {zone}"


def test_the_sun_does_what_celery_says(tmp_path):
    pytest.importorskip("ephem")
    choice = random.Random("sun")
    start = datetime.datetime(2026, 4, 1, tzinfo=UTC)
    events = sorted(solar._all_events)
    places = {
        f"entry {number}": (choice.choice(events), round(choice.uniform(-60, 60), 3), round(choice.uniform(-180, 180), 3))
        for number in range(150)
    }
    entries = {
        name: {"task": "t", "schedule": {"solar": {"event": event, "lat": latitude, "lon": longitude}}}
        for name, (event, latitude, longitude) in places.items()
    }
    plan = planned_runs(tmp_path, entries, start, start + datetime.timedelta(days=2))
    app = Celery(set_as_current=False)
    for name, place in places.items():
        entry = solar(*place, app=app, nowfun=lambda: start)
        first = start + entry.remaining_estimate(start)
        if first < start + datetime.timedelta(days=1):
            assert abs(plan[name][0] - first) < datetime.timedelta(seconds=2), place


def test_an_entry_first_seen_in_a_repeated_hour_waits_where_celery_sends_without_end(tmp_path):
    """Fault F2: from the second pass of an hour Celery finds its matches in the first pass, which is over."""
    zone = zoneinfo.ZoneInfo("America/New_York")
    seen = datetime.datetime(2024, 11, 3, 6, 10, tzinfo=UTC)
    app = Celery(set_as_current=False)
    app.conf.timezone = "America/New_York"
    entry = crontab.from_string("* * * * *")
    entry.app = app
    now = last = seen.astimezone(zone)
    entry.nowfun = lambda: now
    for _ in range(20):
        assert entry.is_due(last) == (True, 0), "Celery has become better; take the fault off the list"
        last = now
        now = (now.astimezone(UTC) + datetime.timedelta(milliseconds=10)).astimezone(zone)
    plan = planned_runs(
        tmp_path, {"minutely": {"task": "t", "schedule": {"crontab": "* * * * *"}, "zone": "America/New_York"}},
        seen, seen + datetime.timedelta(hours=1),
    )
    assert plan["minutely"][0] == datetime.datetime(2024, 11, 3, 7, 0, tzinfo=UTC)


def test_a_sun_that_does_not_rise_is_not_taken_for_one_that_does(tmp_path):
    """Fault F3: at the pole PyEphem finds no sunrise, and Celery sends when it has given up looking."""
    pytest.importorskip("ephem")
    start = datetime.datetime(2026, 1, 1, tzinfo=UTC)
    entry = solar("sunrise", 90, 0, app=Celery(set_as_current=False), nowfun=lambda: start)
    given_up = start + entry.remaining_estimate(start)
    assert given_up - start > datetime.timedelta(days=360), "Celery has become better; take the fault off the list"
    plan = planned_runs(
        tmp_path, {"rise": {"task": "t", "schedule": {"solar": {"event": "sunrise", "lat": 90, "lon": 0}}}},
        start, start + datetime.timedelta(days=370),
    )
    assert [moment.month for moment in plan["rise"]] == [3]
