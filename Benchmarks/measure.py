"""Measures Celeriac beside Celery and beside a null worker; see README.md."""

import argparse
import contextlib
import gc
import json
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import redis
from celery import Celery, chain, chord, group

import beat
import gateway

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARIES = pathlib.Path(os.environ.get("CELERIAC_BINARIES", ROOT / ".build" / "release"))

PYTHON_APP = """
import os
from celery import Celery
app = Celery("bench", broker=os.environ["BENCH_URL"], backend=os.environ["BENCH_URL"])
app.conf.update(task_acks_late=True, worker_hijack_root_logger=False)

@app.task(name="bench.noop")
def noop():
    return None

@app.task(name="bench.step")
def step(*args):
    return None
"""

TASKS = """
broker_url: {url}
result_backend: {url}
pools:
  processes: {{processes: {processes}, slots: 1}}
  here: {{inline: true, slots: 64}}
queues:
  celery: {{pool: {pool}}}
tasks:
  bench.noop: {{handler: debug.noop}}
  bench.step: {{handler: debug.noop}}
"""

# Name of a canvas: how it is made of a step, and how many tasks it has.
CANVASES = {
    "chains of 5": (lambda step: chain(*(step.clone() for _ in range(5))), 5),
    "groups of 10": (lambda step: group(step.clone() for _ in range(10)), 10),
    "chords of 10": (lambda step: chord([step.clone() for _ in range(10)], step.clone()), 11),
}

# One server-side loop instead of a round trip a message; ids differ, everything else is as a producer wrote it.
FILL = """
for i = 1, tonumber(ARGV[1]) do
    local id = string.format('%s-%010d', ARGV[3], i)
    redis.call('LPUSH', KEYS[1], (string.gsub(ARGV[2], 'TASK%-ID', id)))
end
"""


class Server:
    """A private redis-server."""

    def __init__(self, folder):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", folder, "--save", "",
             "--appendonly", "no"],
            stdout=subprocess.DEVNULL,
        )
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.client = redis.Redis(port=self.port)
        for _ in range(200):
            with contextlib.suppress(redis.ConnectionError):
                self.client.ping()
                break
            time.sleep(0.02)

    def empty(self):
        self.client.flushall()  # This server is this run's own.

    def close(self):
        self.process.terminate()
        self.process.wait()


class Bench:
    def __init__(self, folder, options):
        self.folder = pathlib.Path(folder)
        self.options = options
        self.server = Server(folder)
        (self.folder / "bench_app.py").write_text(PYTHON_APP)
        self.app = Celery("producer", broker=self.server.url, backend=self.server.url)
        self.template = self._template()

    def _template(self):
        """One message as Celery writes it, with its id replaced by a mark."""
        self.server.empty()
        sent = self.app.send_task("bench.noop")
        item = self.server.client.rpop("celery").decode()
        self.server.empty()
        return item.replace(sent.id, "TASK-ID")

    def fill(self, count):
        self.server.client.eval(FILL, 1, "celery", count, self.template, os.urandom(4).hex())

    # Workers

    def celeriac(self, pool, processes=2, level="WARNING"):
        path = self.folder / f"tasks-{pool}-{processes}.yaml"
        path.write_text(TASKS.format(url=self.server.url, pool=pool, processes=processes))
        return self._start([BINARIES / "celeriac", "--config", path, "worker", "-l", level, "-n", "bench@local"])

    def celery(self, concurrency=2):
        return self._start(
            [sys.executable, "-m", "celery", "-A", "bench_app", "worker", "-c", str(concurrency), "-l", "INFO",
             "--without-gossip", "--without-mingle"],
            BENCH_URL=self.server.url, PYTHONPATH=str(self.folder),
        )

    def null(self, count):
        return self._start([BINARIES / "Benchmarks", "--broker", self.server.url, "--count", str(count)])

    def _start(self, command, **environment):
        process = subprocess.Popen(
            [str(part) for part in command], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
        )
        return process

    @staticmethod
    def drain(process):
        """Reads what a worker says from now on, lest a full pipe stops it."""
        threading.Thread(target=lambda: [None for _ in process.stdout], daemon=True).start()

    @classmethod
    def wait_ready(cls, process):
        lines = []
        for line in process.stdout:
            lines.append(line)
            if b" ready." in line:
                cls.drain(process)
                return
        raise SystemExit(f"the worker ended before it was ready:\n{b''.join(lines).decode()}")

    @staticmethod
    def stop(process):
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()

    pss = staticmethod(lambda pid: pss(pid))
    cpu_seconds = staticmethod(lambda pid: cpu_seconds(pid))

    # Measures

    def rate(self, start, count):
        """Tasks a second between the first and the last tenth of a full queue."""
        self.server.empty()
        self.fill(count)
        process = start()
        self.drain(process)
        client = self.server.client
        try:
            first = last = None
            deadline = time.monotonic() + 120
            while time.monotonic() < deadline:
                left = client.llen("celery")
                now = time.perf_counter()
                if first is None and left <= count * 0.9:
                    first = (now, left)
                if left <= count * 0.05:
                    last = (now, left)
                    break
                time.sleep(0.002)
            if first is None or last is None:
                raise SystemExit("the queue was not worked off in two minutes")
            return (first[1] - last[1]) / (last[0] - first[0])
        finally:
            self.stop(process)

    def throughput(self):
        options = self.options
        peers = {
            "celery prefork -c 2": (lambda: self.celery(2), options.celery_tasks),
            "null worker": (lambda: self.null(options.tasks), options.tasks),
            "celeriac inline": (lambda: self.celeriac("here"), options.tasks),
            "celeriac 2 processes": (lambda: self.celeriac("processes", 2), options.tasks),
        }
        rates = {name: [] for name in peers}
        for _ in range(options.rounds):
            for name, (start, count) in peers.items():
                rates[name].append(self.rate(start, count))
        return {name: statistics.median(values) for name, values in rates.items()}

    def canvas_rate(self, start, make, tasks):
        """Tasks a second of canvases that were sent before the worker started: from its first claim to the last end."""
        self.server.empty()
        step = self.app.signature("bench.step")
        ends = []
        size = tasks // make[1]
        for _ in range(size):
            result = make[0](step).apply_async()
            ends += [f"celery-task-meta-{end.id}" for end in getattr(result, "results", [result])]
        del result
        gc.collect()  # What a result says at its end, the server is still there to hear.
        client = self.server.client
        sent = client.llen("celery")
        process = start()
        self.drain(process)
        try:
            begun = None
            deadline = time.monotonic() + 120
            while time.monotonic() < deadline:
                waiting, held = client.pipeline().llen("celery").hlen("unacked").execute()
                now = time.perf_counter()
                if begun is None and waiting < sent:
                    begun = now
                # Looking for every result costs the server more, and would be measured too.
                if begun is not None and not waiting and not held and client.exists(*ends) == len(ends):
                    return size * make[1] / (now - begun)
                time.sleep(0.002)
            raise SystemExit("not every canvas came to its end in two minutes")
        finally:
            self.stop(process)

    def canvases(self):
        options = self.options
        peers = {
            "celery prefork -c 2": (lambda: self.celery(2), options.celery_tasks // 2),
            "celeriac inline": (lambda: self.celeriac("here"), options.canvas_tasks),
            "celeriac 2 processes": (lambda: self.celeriac("processes", 2), options.canvas_tasks),
        }
        rates = {f"{canvas}, {peer}": [] for canvas in CANVASES for peer in peers}
        for _ in range(options.rounds):
            for canvas, make in CANVASES.items():
                for peer, (start, count) in peers.items():
                    rates[f"{canvas}, {peer}"].append(self.canvas_rate(start, make, count))
        return {name: statistics.median(values) for name, values in rates.items()}

    def latency(self, pool):
        self.server.empty()
        process = self.celeriac(pool)
        self.wait_ready(process)
        waiter = redis.Redis(port=self.server.port)
        channel = waiter.pubsub(ignore_subscribe_messages=True)
        channel.psubscribe("celery-task-meta-*")
        channel.get_message(timeout=1)
        samples = []
        try:
            for number in range(self.options.latency_tasks + 20):
                item = self.template.replace("TASK-ID", f"latency-{pool}-{number}")
                begun = time.perf_counter()
                self.server.client.lpush("celery", item)
                while True:
                    message = channel.get_message(timeout=5)
                    if message is None:
                        raise SystemExit("no result within five seconds")
                    if b"SUCCESS" in message["data"]:
                        break
                if number >= 20:
                    samples.append(time.perf_counter() - begun)
                time.sleep(max(0, 0.02 - (time.perf_counter() - begun)))
        finally:
            self.stop(process)
        samples.sort()
        return {"median_ms": samples[len(samples) // 2] * 1e3, "p99_ms": samples[int(len(samples) * 0.99)] * 1e3}

    def latency_floor(self):
        """What the measuring itself takes: the same push, answered by a message of this client's own."""
        self.server.empty()
        waiter = redis.Redis(port=self.server.port)
        channel = waiter.pubsub(ignore_subscribe_messages=True)
        channel.psubscribe("celery-task-meta-*")
        channel.get_message(timeout=1)
        samples = []
        for number in range(self.options.latency_tasks):
            begun = time.perf_counter()
            self.server.client.lpush("celery", self.template)
            self.server.client.publish(f"celery-task-meta-{number}", "SUCCESS")
            while channel.get_message(timeout=5) is None:
                pass
            samples.append(time.perf_counter() - begun)
            time.sleep(max(0, 0.02 - samples[-1]))
        samples.sort()
        return {"median_ms": samples[len(samples) // 2] * 1e3, "p99_ms": samples[int(len(samples) * 0.99)] * 1e3}

    def memory(self, start):
        self.server.empty()
        process = start()
        self.wait_ready(process)
        time.sleep(1.5)
        idle = pss(process.pid)
        self.fill(20_000 if "celery" not in str(process.args) else 2_000)
        busy = idle
        while self.server.client.llen("celery"):
            busy = max(busy, pss(process.pid))
            time.sleep(0.05)
        self.stop(process)
        return {"idle_mb": idle / 1024, "busy_mb": busy / 1024}

    def start_time(self, start):
        times = []
        for _ in range(7):
            self.server.empty()
            begun = time.perf_counter()
            process = start()
            self.wait_ready(process)
            times.append(time.perf_counter() - begun)
            self.stop(process)
        return statistics.median(times) * 1e3

    def idle_commands(self):
        self.server.empty()
        process = self.celeriac("processes", 2)
        self.wait_ready(process)
        time.sleep(3)
        client = self.server.client
        before = client.info("stats")["total_commands_processed"]
        begun = time.monotonic()
        time.sleep(self.options.idle_seconds)
        after = client.info("stats")["total_commands_processed"]
        elapsed = time.monotonic() - begun
        processor = cpu_seconds(process.pid)
        self.stop(process)
        return {"commands_per_s": (after - before - 1) / elapsed, "cpu_s_since_start": processor}


def children(pid):
    found = [pid]
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += children(int(child))
    return found


def pss(pid):
    total = 0
    for member in children(pid):
        with contextlib.suppress(OSError):
            text = pathlib.Path(f"/proc/{member}/smaps_rollup").read_text()
            total += int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)[1])
    return total


def cpu_seconds(pid):
    ticks = os.sysconf("SC_CLK_TCK")
    total = 0
    for member in children(pid):
        fields = pathlib.Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / ticks


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, one round")
    parser.add_argument("--tasks", type=int, default=200_000)
    parser.add_argument("--celery-tasks", type=int, default=6_000)
    parser.add_argument("--canvas-tasks", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--latency-tasks", type=int, default=500)
    parser.add_argument("--idle-seconds", type=float, default=15)
    parser.add_argument("--beat-entries", type=int, default=100_000)
    parser.add_argument("--beat-burst", type=int, default=10_000)
    parser.add_argument("--gateway-clients", type=int, default=1_000)
    parser.add_argument("--gateway-queues", type=int, default=10_000)
    parser.add_argument("--gateway-messages", type=int, default=1_000_000)
    parser.add_argument("--only", help="comma list of throughput, canvas, latency, memory, start, idle, beat, gateway")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.quick:
        options.tasks, options.celery_tasks, options.rounds = 60_000, 2_500, 1
        options.latency_tasks, options.idle_seconds, options.canvas_tasks = 150, 6, 8_000
    parts = ["throughput", "canvas", "latency", "memory", "start", "idle", "beat", "gateway"]
    if options.only:
        parts = options.only.split(",")
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(folder, options)
        try:
            if "throughput" in parts:
                results["throughput_tasks_per_s"] = rates = bench.throughput()
                celery, null = rates["celery prefork -c 2"], rates["null worker"]
                results["ratios"] = {
                    "inline / celery": rates["celeriac inline"] / celery,
                    "inline / null": rates["celeriac inline"] / null,
                    "processes / celery": rates["celeriac 2 processes"] / celery,
                }
            if "canvas" in parts:
                results["canvas_tasks_per_s"] = rates = bench.canvases()
                results["canvas_ratios"] = {
                    f"{canvas}: inline / celery":
                        rates[f"{canvas}, celeriac inline"] / rates[f"{canvas}, celery prefork -c 2"]
                    for canvas in CANVASES
                }
            if "latency" in parts:
                results["latency_without_worker"] = bench.latency_floor()
                results["latency_inline"] = bench.latency("here")
                results["latency_processes"] = bench.latency("processes")
            if "memory" in parts:
                results["memory_inline"] = bench.memory(lambda: bench.celeriac("here"))
                results["memory_8_processes"] = bench.memory(lambda: bench.celeriac("processes", 8))
                results["memory_celery_8"] = bench.memory(lambda: bench.celery(8))
            if "start" in parts:
                results["ready_inline_ms"] = bench.start_time(lambda: bench.celeriac("here"))
                results["ready_2_processes_ms"] = bench.start_time(lambda: bench.celeriac("processes", 2))
            if "idle" in parts:
                results["idle"] = bench.idle_commands()
            if "beat" in parts:
                results |= beat.measure(bench, BINARIES, options)
            if "gateway" in parts:
                results |= gateway.measure(bench, BINARIES, options)
        finally:
            bench.server.close()
    if options.json:
        print(json.dumps(results, indent=1))
        return
    for part, value in results.items():
        if isinstance(value, dict):
            print(part)
            for name, number in value.items():
                print(f"  {name:36} {number:12,.2f}")
        else:
            print(f"{part:38} {value:12,.2f}")


if __name__ == "__main__":
    main()
