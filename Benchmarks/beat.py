"""Measures `celeriac-beat` beside Celery's beat and RedBeat; measure.py runs it with `--only beat`."""

import contextlib
import datetime
import os
import re
import subprocess
import sys
import time

CELERY_APP = """
import os
from celery import Celery
from celery.schedules import crontab
app = Celery("bench", broker=os.environ["BENCH_URL"])
app.conf.update(
    worker_hijack_root_logger=False, redbeat_redis_url=os.environ["BENCH_URL"], redbeat_lock_timeout=60,
    beat_schedule={
        f"entry-{number}": {
            "task": "bench.noop",
            "schedule": EVERY if EVERY else crontab(minute=MINUTE(number), hour=HOUR(number)),
        }
        for number in range(COUNT)
    },
)
"""


class Beats:
    """The three schedulers, each with the same schedule, on the benchmark's Redis."""

    peers = ("celeriac", "celery", "redbeat")

    def __init__(self, bench, binaries):
        self.bench = bench
        self.binary = binaries / "celeriac-beat"
        self.folder = bench.folder

    # Schedules: all of a day but the hours around now, every minute, or every second

    @staticmethod
    def _fields(kind):
        """Functions from an entry's number to its minute and hour, as Python source for Celery's side too."""
        if kind == "minutely":
            return "lambda number: '*'", "lambda number: '*'"
        # Nothing is due within two hours of now.
        hour = datetime.datetime.now(datetime.timezone.utc).hour
        return "lambda number: number % 60", f"lambda number: ({hour} + 4 + number // 60 % 18) % 24"

    def write(self, kind, count):
        """Writes the schedule for all three."""
        minute, hour = self._fields(kind)
        every = 1 if kind == "every second" else None
        text = CELERY_APP.replace("EVERY", str(every)).replace("COUNT", str(count))
        text = text.replace("MINUTE", f"({minute})").replace("HOUR", f"({hour})")
        (self.folder / "beat_app.py").write_text(text)
        minute, hour = eval(minute), eval(hour)  # pylint: disable=eval-used
        lines = ["beat_schedule:"]
        for number in range(count):
            schedule = f"{{every: {every}}}" if every else f'{{crontab: "{minute(number)} {hour(number)} * * *"}}'
            lines.append(f"  entry-{number}: {{task: bench.noop, schedule: {schedule}}}")
        (self.folder / "beat.yaml").write_text("\n".join(lines) + "\n")
        (self.folder / "tasks.yaml").write_text(f"broker_url: {self.bench.server.url}\n")

    # Processes

    def start(self, peer):
        """Starts one with nothing left over from a run before."""
        self.bench.server.empty()
        for old in self.folder.glob("celerybeat-schedule*"):
            old.unlink()
        if peer == "celeriac":
            command = [self.binary, "-s", "beat.yaml", "-l", "INFO"]
        else:
            command = [sys.executable, "-m", "celery", "-A", "beat_app", "beat", "-l", "INFO"]
            if peer == "redbeat":
                command += ["-S", "redbeat.RedBeatScheduler"]
        log = open(self.folder / "beat.log", "wb")
        return subprocess.Popen(
            [str(part) for part in command], cwd=self.folder, stdout=log, stderr=subprocess.STDOUT,
            env={**os.environ, "BENCH_URL": self.bench.server.url, "PYTHONPATH": str(self.folder)},
        )

    def ready(self, process, peer, count, limit=600):
        """Waits until a beat has taken on its schedule; how long that took from its start."""
        begun = time.perf_counter()
        client = self.bench.server.client
        while time.perf_counter() - begun < limit:
            if process.poll() is not None:
                raise SystemExit(f"{peer} ended:\n{(self.folder / 'beat.log').read_text()[-2000:]}")
            if peer == "redbeat":
                done = client.zcard("redbeat::schedule") >= count
            elif peer == "celery":
                # Its file is written when its heap stands, and its loop goes to sleep right after.
                done = "beat: Starting" in self.log() and idle(process.pid)
            else:
                done = client.hlen("celeriac:beat:beat") >= count
            if done:
                return time.perf_counter() - begun
            time.sleep(0.01)
        raise SystemExit(f"{peer} was not ready in {limit} seconds")

    def log(self):
        return (self.folder / "beat.log").read_text(errors="replace")

    # Measures

    def large(self, peer, count, seconds):
        """Start, memory, and what it takes to wait with a large schedule of which nothing is due."""
        self.write("daily", count)
        process = self.start(peer)
        try:
            started = self.ready(process, peer, count)
            time.sleep(3)
            memory = self.bench.pss(process.pid) / 1024
            client = self.bench.server.client
            before, commands = self.bench.cpu_seconds(process.pid), client.info("stats")["total_commands_processed"]
            time.sleep(seconds)
            used = self.bench.cpu_seconds(process.pid) - before
            asked = client.info("stats")["total_commands_processed"] - commands - 1
            return {
                "start_s": started, "memory_mb": memory, "idle_cpu_percent": used / seconds * 100,
                "idle_redis_commands_per_s": asked / seconds,
            }
        finally:
            self.bench.stop(process)

    def burst(self, peer, count):
        """All entries due in the same second: how long after it the first and the last were in the queue."""
        self.write("minutely", count)
        # The start must not reach into the minute that is measured.
        left = 60 - time.time() % 60
        if left < 30:
            time.sleep(left + 1)
        process = self.start(peer)
        client = self.bench.server.client
        try:
            self.ready(process, peer, count)
            client.delete("celery")
            slot = (time.time() // 60 + 1) * 60
            first = None
            while time.time() < slot + 110:
                waiting = client.llen("celery")
                now = time.time()
                if now < slot:
                    time.sleep(min(0.2, max(0.001, slot - now - 0.01)))
                    continue
                if first is None and waiting:
                    first = now - slot
                if waiting >= count:
                    return {"first_s": first, "last_s": now - slot}
                if now > slot + 55:
                    return {"first_s": first, "sent_within_55_s": waiting}
                time.sleep(0.002)
            raise SystemExit(f"{peer} sent nothing")
        finally:
            self.bench.stop(process)

    def steady(self, peer, count, due, seconds):
        """Processor time for a message where `due` entries run every second among `count`."""
        self.write("daily", count - due)
        text = (self.folder / "beat.yaml").read_text()
        text += "".join(f"  often-{number}: {{task: bench.noop, schedule: {{every: 1}}}}\n" for number in range(due))
        (self.folder / "beat.yaml").write_text(text)
        app = (self.folder / "beat_app.py").read_text()
        app += (
            "app.conf.beat_schedule.update({f'often-{number}': {'task': 'bench.noop', 'schedule': 1.0} "
            f"for number in range({due})}})\n"
        )
        (self.folder / "beat_app.py").write_text(app)
        process = self.start(peer)
        client = self.bench.server.client
        try:
            begun = time.monotonic()
            while not client.llen("celery"):
                if process.poll() is not None or time.monotonic() - begun > 300:
                    raise SystemExit(f"{peer} sent nothing:\n{self.log()[-2000:]}")
                time.sleep(0.05)
            time.sleep(2)
            sent, used = client.llen("celery"), self.bench.cpu_seconds(process.pid)
            time.sleep(seconds)
            sent, used = client.llen("celery") - sent, self.bench.cpu_seconds(process.pid) - used
            return {"messages_per_s": sent / seconds, "cpu_us_per_message": used / max(1, sent) * 1e6}
        finally:
            self.bench.stop(process)

    def slots(self):
        """Nanoseconds for the next slot of some crontabs."""
        done = subprocess.run(
            [self.binary.with_name("Benchmarks"), "slots"], capture_output=True, text=True, check=True, timeout=120
        )
        pairs = re.findall(r"^(.+): ([\d.]+)$", done.stdout, re.MULTILINE)
        return {name: float(number) for name, number in pairs}


def idle(pid):
    """Whether a process sleeps and has used no processor time for a third of a second."""
    def used():
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                fields = file.read().rpartition(")")[2].split()
            return int(fields[11]) + int(fields[12])
        return -1
    before = used()
    time.sleep(0.33)
    return used() == before


def measure(bench, binaries, options):
    """All measures of the three beats as one dictionary a table can be printed of."""
    beats = Beats(bench, binaries)
    count, burst = options.beat_entries, options.beat_burst
    results = {"beat_next_slot_ns": beats.slots()}
    for peer in beats.peers:
        # RedBeat writes each entry to Redis by itself, which takes minutes for as many.
        size = count if peer != "redbeat" else min(count, 10_000)
        results[f"beat_{size}_entries_{peer}"] = beats.large(peer, size, options.idle_seconds)
    for peer in beats.peers:
        results[f"beat_{burst}_at_once_{peer}"] = beats.burst(peer, burst)
    for peer in beats.peers:
        for size in (1_000, count if peer != "redbeat" else min(count, 10_000)):
            results[f"beat_100_of_{size}_each_second_{peer}"] = beats.steady(peer, size, 100, options.idle_seconds)
    return results
