"""Measures `celeriac-gateway` beside the status route it replaces; measure.py runs it with `--only gateway`."""

import asyncio
import json
import os
import random
import re
import socket
import subprocess
import sys
import time
import uuid

# The status route of an application as its users write it, around Celery's own client.
PEER = """
import os
from celery import Celery
from fastapi import FastAPI

app = FastAPI()
celery_app = Celery("bench", broker=os.environ["BENCH_URL"], backend=os.environ["BENCH_URL"])

@app.get("/api/tasks/{task_id}/status")
def status(task_id: str):
    task = celery_app.AsyncResult(task_id)
    if task.state == "PENDING":
        return {"state": task.state, "current": 0, "total": 100, "status": "Waiting..."}
    if task.state == "PROGRESS":
        info = task.info
        return {"state": task.state, "current": info.get("current", 0), "total": info.get("total", 100),
                "status": info.get("status", "")}
    if task.state == "SUCCESS":
        return {"state": task.state, "current": 100, "total": 100, "status": "Completed", "result": task.info}
    return {"state": task.state, "status": str(task.info)}

@app.post("/api/tasks", status_code=202)
def send(body: dict):
    task = celery_app.send_task(body["task"], kwargs=body["kwargs"], queue="celery")
    return {"success": True, "task_id": task.id}
"""

TOKEN = "benchmark-administrator"

SETTINGS = """
broker_url: {url}
result_backend: {url}
gateway:
  max_followers: 5000
  any_task: true
  tasks_per_minute: 10000000
  users:
    bench: {{role: admin, token: {token}}}
"""

# One server-side loop instead of a round trip a message.
FILL_QUEUES = """
for queue = tonumber(ARGV[2]), tonumber(ARGV[3]) do
    for i = 1, tonumber(ARGV[4]) do redis.call('LPUSH', 'queue-' .. queue, ARGV[1]) end
end
"""


class Poller(asyncio.Protocol):
    """One front end: a connection that is kept, and asked for the status of a task once a second."""

    def __init__(self, path, latencies, until):
        self.latencies, self.until = latencies, until
        self.request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        self.answer = b""
        self.asked = None

    def connection_made(self, transport):
        self.transport = transport
        # Not all in the same instant.
        asyncio.get_running_loop().call_later(random.random(), self.ask)

    def ask(self):
        if time.perf_counter() > self.until:
            return self.transport.close()
        self.answer, self.asked = b"", time.perf_counter()
        self.transport.write(self.request)
        asyncio.get_running_loop().call_later(1, self.ask)
        return None

    def data_received(self, data):
        self.answer += data
        head, found, body = self.answer.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if found and length and len(body) >= int(length[1]) and self.asked:
            if not head.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"the answer was {head!r}")
            self.latencies.append(time.perf_counter() - self.asked)
            self.asked = None


class Follower(asyncio.Protocol):
    """A client of server-sent events that notes when the end of its task came."""

    def __init__(self, path, ended):
        self.path, self.ended = path, ended
        self.text = b""

    def connection_made(self, transport):
        transport.write(f"GET {self.path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n".encode())

    def data_received(self, data):
        self.text = (self.text + data)[-4096:]
        if b"event: end" in self.text:
            self.ended.append(time.perf_counter())
            self.text = b""


class Gateways:
    """The gateway and its peer, on the benchmark's Redis."""

    def __init__(self, bench, binaries):
        self.bench = bench
        self.binary = binaries / "celeriac-gateway"
        self.folder = bench.folder
        self.client = bench.server.client

    def start(self, peer, queues=0):
        """Starts one and waits until it answers; returns its process and port."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if peer == "celeriac":
            text = SETTINGS.format(url=self.bench.server.url, token=TOKEN)
            if queues:
                text += "queues:\n" + "".join(f"  queue-{number}: {{}}\n" for number in range(queues))
            (self.folder / "gateway.yaml").write_text(text)
            command = [self.binary, "--config", "gateway.yaml", "--port", port, "-l", "WARNING"]
        else:
            (self.folder / "status_app.py").write_text(PEER)
            command = [sys.executable, "-m", "uvicorn", "status_app:app", "--port", port, "--log-level", "warning"]
        with open(self.folder / "gateway.log", "wb") as log:
            process = subprocess.Popen(
                [str(part) for part in command], cwd=self.folder, stdout=log, stderr=subprocess.STDOUT,
                env={**os.environ, "BENCH_URL": self.bench.server.url, "PYTHONPATH": str(self.folder)},
            )
        for _ in range(1000):
            if process.poll() is not None:
                raise SystemExit(f"{peer} ended:\n{(self.folder / 'gateway.log').read_text()[-2000:]}")
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return process, port
            except OSError:
                time.sleep(0.02)
        raise SystemExit(f"{peer} did not start")

    def store(self, count):
        """Records of tasks that run, as a worker writes them; returns their ids."""
        self.bench.server.empty()
        ids = [str(uuid.uuid4()) for _ in range(count)]
        with self.client.pipeline() as pipeline:
            for number, id in enumerate(ids):
                pipeline.setex(f"celery-task-meta-{id}", 86400, self.record(id, "PROGRESS", {
                    "current": number % 100, "total": 100, "status": f"{number % 100} of 100"
                }))
            pipeline.execute()
        return ids

    @staticmethod
    def record(id, state, result):
        return json.dumps({
            "status": state, "result": result, "traceback": None, "children": [], "date_done": None, "task_id": id
        })

    # Measures

    def pollers(self, peer, count, seconds):
        """So many front ends poll once a second each: how long an answer takes."""
        ids = self.store(count)
        process, port = self.start(peer)
        try:
            latencies = []
            used = self.bench.cpu_seconds(process.pid)

            async def poll():
                loop = asyncio.get_running_loop()
                until = time.perf_counter() + seconds
                for id in ids:
                    path = f"/api/tasks/{id}/status"
                    await loop.create_connection(lambda path=path: Poller(path, latencies, until), "127.0.0.1", port)
                await asyncio.sleep(until - time.perf_counter() + 1.5)

            asyncio.run(poll())
            used = self.bench.cpu_seconds(process.pid) - used
            latencies = sorted(latencies[count:])  # The first of each is the connection's, too.
            return {
                "answers": len(latencies),
                "median_ms": latencies[len(latencies) // 2] * 1e3,
                "p99_ms": latencies[len(latencies) * 99 // 100] * 1e3,
                "cpu_us_per_answer": used / max(1, len(latencies) + count) * 1e6,
            }
        finally:
            self.bench.stop(process)

    def enqueue(self, peer, clients, count):
        """So many clients send so many tasks, each the next one when it has its answer: how long an answer takes."""
        self.bench.server.empty()
        process, port = self.start(peer)
        body = json.dumps({"task": "bench.noop", "kwargs": {"to": "somebody@example.com", "subject": "x" * 200}}).encode()
        request = (
            b"POST /api/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Authorization: Bearer %s\r\nContent-Length: %d\r\n\r\n" % (TOKEN.encode(), len(body))
        ) + body
        try:
            latencies = []

            async def send(rounds):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                for number in range(rounds):
                    begun = time.perf_counter()
                    writer.write(request)
                    head = await reader.readuntil(b"\r\n\r\n")
                    await reader.readexactly(int(re.search(rb"(?i)content-length: (\d+)", head)[1]))
                    if not head.startswith(b"HTTP/1.1 202"):
                        raise SystemExit(f"the answer was {head!r}")
                    if number:  # The first one is the connection's, too.
                        latencies.append(time.perf_counter() - begun)
                writer.close()

            async def all_clients():
                await asyncio.gather(*(send(count // clients + 1) for _ in range(clients)))

            begun = time.perf_counter()
            asyncio.run(all_clients())
            took = time.perf_counter() - begun
            sent = self.client.llen("celery")
            if sent < count:
                raise SystemExit(f"{sent} of {count} tasks are in the queue")
            latencies.sort()
            return {
                "answers": len(latencies),
                "median_ms": latencies[len(latencies) // 2] * 1e3,
                "p99_ms": latencies[len(latencies) * 99 // 100] * 1e3,
                "per_second": sent / took,
            }
        finally:
            self.bench.stop(process)

    def followers(self, count):
        """So many clients follow a task each: memory, and how soon they hear of its end."""
        ids = self.store(count)
        process, port = self.start("celeriac")
        try:
            before = self.bench.pss(process.pid) / 1024
            ended, facts = [], {}

            async def follow():
                loop = asyncio.get_running_loop()
                for id in ids:
                    path = f"/api/tasks/{id}/events"
                    await loop.create_connection(lambda path=path: Follower(path, ended), "127.0.0.1", port)
                await asyncio.sleep(2)
                facts["memory_mb"] = self.bench.pss(process.pid) / 1024
                begun = time.perf_counter()
                with self.client.pipeline(transaction=False) as pipeline:
                    for id in ids:
                        record = self.record(id, "SUCCESS", "done")
                        pipeline.setex(f"celery-task-meta-{id}", 86400, record)
                        pipeline.publish(f"celery-task-meta-{id}", record)
                    await loop.run_in_executor(None, pipeline.execute)
                while len(ended) < count and time.perf_counter() - begun < 30:
                    await asyncio.sleep(0.01)
                facts["heard"] = len(ended)
                facts["last_heard_ms"] = (max(ended) - begun) * 1e3

            asyncio.run(follow())
            return {"memory_before_mb": before, **facts}
        finally:
            self.bench.stop(process)

    def overview(self, queues, messages):
        """The counts and the page of so many queues with so many messages in all, and how long Redis answers nobody else."""
        self.bench.server.empty()
        for first in range(0, queues, 500):
            self.client.eval(FILL_QUEUES, 0, self.bench.template, first, first + 499, messages // queues)
        process, port = self.start("celeriac", queues=queues)
        try:
            # All that takes longer than half a millisecond, so that writing it down costs nothing.
            self.client.config_set("slowlog-log-slower-than", 500)
            self.client.config_set("slowlog-max-len", 1_000_000)
            self.client.slowlog_reset()
            counts = self._times_of(port, "/api/v1/admin/jobs/stats")
            page = self._times_of(port, "/admin/jobs")
            slowest = max((entry["duration"] for entry in self.client.slowlog_get(1_000_000)), default=500)
            return {
                "counts_median_ms": counts[len(counts) // 2],
                "counts_max_ms": counts[-1],
                "page_median_ms": page[len(page) // 2],
                "page_max_ms": page[-1],
                "slowest_redis_command_us": slowest,
            }
        finally:
            self.bench.stop(process)

    @staticmethod
    def _times_of(port, path):
        """How many milliseconds seven answers take, in order; each when what was counted for the one before serves no longer."""
        took = []
        for _ in range(7):
            begun = time.perf_counter()
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(
                    f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                    f"Authorization: Bearer {TOKEN}\r\n\r\n".encode()
                )
                answer = b""
                while data := connection.recv(1 << 20):
                    answer += data
            if not answer.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"the answer was {answer[:500]!r}")
            took.append((time.perf_counter() - begun) * 1e3)
            time.sleep(1.2)  # What was counted a moment ago serves again.
        return sorted(took)


def measure(bench, binaries, options):
    """All measures of the gateway as one dictionary a table can be printed of."""
    gateways = Gateways(bench, binaries)
    count = options.gateway_clients
    results = {}
    for peer in ("celeriac", "fastapi"):
        # A hundred are what the users' document has (003-24), the larger number is for scale.
        for clients in sorted({100, count}):
            results[f"gateway_{clients}_pollers_{peer}"] = gateways.pollers(peer, clients, options.idle_seconds)
        for clients in (1, 10):
            results[f"gateway_enqueue_{clients}_{peer}"] = gateways.enqueue(peer, clients, 2000)
    results[f"gateway_{count}_followers"] = gateways.followers(count)
    queues, messages = options.gateway_queues, options.gateway_messages
    results[f"gateway_overview_of_{queues}_queues"] = gateways.overview(queues, messages)
    return results
