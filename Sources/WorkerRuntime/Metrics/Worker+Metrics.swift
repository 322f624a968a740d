import CeleryMessage
public import Exposition
import NIOCore
import WorkerPool

/// What a worker tells Prometheus; `Docs/Metrics.md` has the whole of it.
extension Worker: MetricsSource {
    /// How often it is looked whether the loop comes in time.
    private static let lagInterval = TimeAmount.milliseconds(500)

    /// Begins to count; a worker that nobody asks counts nothing.
    public func keepMetrics(_ families: MetricsFamilies = .usual) {
        guard counters == nil else { return }
        counters = WorkerMetrics(families: families)
        watchLag()
    }

    /// The present numbers; none where ``keepMetrics(_:)`` was not called.
    public func metrics() -> MetricsText {
        var out = MetricsText()
        let hostname = configuration.nodeName
        counters?.write(to: &out, hostname: hostname)
        counters?.loopLag = 0
        let families = counters?.families ?? .usual
        let running = active.values.count { $0.startedAt != nil }
        if families.contains(.exporter) {
            out.family("celery_worker_up", .gauge, "Whether the worker takes messages.")
            out.sample("celery_worker_up", [("hostname", hostname)], isReady() ? 1 : 0)
            out.family("celery_worker_tasks_active", .gauge, "Tasks that run.")
            out.sample("celery_worker_tasks_active", [("hostname", hostname)], Double(running))
        }
        if families.contains(.flower) { writeFlower(running: running, to: &out) }
        out.gauge(
            "celeriac_tasks_stalled",
            "Tasks that run and are called stalled.",
            active.values.count { $0.stalledSince != nil }
        )
        out.gauge("celeriac_worker_slots", "Tasks that can run at once.", pools.reduce(0) { $0 + $1.pool.capacity })
        out.gauge(
            "celeriac_worker_held_messages",
            "Messages in hand: running, next, or waiting to be stored.",
            heldCount
        )
        let oldest = active.values.map(\.claimedAt).min().map { NIODeadline.now() - $0 }
        out.gauge(
            "celeriac_oldest_unacked_seconds",
            "How long the message has been held that is held longest.",
            Double(oldest?.nanoseconds ?? 0) / 1e9
        )
        return out
    }

    private func writeFlower(running: Int, to out: inout MetricsText) {
        let worker = ("worker", configuration.nodeName)
        out.family("flower_worker_online", .gauge, "Whether the worker takes messages.")
        out.sample("flower_worker_online", [worker], isReady() ? 1 : 0)
        out.family("flower_worker_number_of_currently_executing_tasks", .gauge, "Tasks that run.")
        out.sample("flower_worker_number_of_currently_executing_tasks", [worker], Double(running))
        out.family("flower_worker_prefetched_tasks", .gauge, "Tasks in the worker's hands that have not begun.")
        let waiting = Dictionary(grouping: active.values.filter { $0.startedAt == nil }, by: \.message.headers.task)
        for (task, held) in waiting.sorted(by: { $0.key < $1.key }).prefix(WorkerMetrics.mostSeries) {
            out.sample("flower_worker_prefetched_tasks", [worker, ("task", task)], Double(held.count))
        }
    }

    /// Whether the worker takes messages now.
    public func isReady() -> Bool { phase == .running && connected && !pools.isEmpty }

    /// Whether the worker has begun to take messages.
    public func hasStarted() -> Bool { !pools.isEmpty }

    private var heldCount: Int { active.count + pending.count }

    // MARK: Counting

    func count(received headers: TaskHeaders, queue: String) {
        guard counters != nil else { return }
        counters?.count(headers.task, queue: queue) { $0.received += 1 }
        if headers.redelivered { counters?.redelivered += 1 }
    }

    func count(started task: ActiveTask) {
        guard counters != nil else { return }
        counters?.count(task.message.headers.task, queue: queues[task.queue].policy.name) { counts in
            counts.started += 1
            counts.prefetchTime = task.startedAt.map { Double(($0 - task.claimedAt).nanoseconds) / 1e9 }
        }
    }

    func count(_ verdict: TaskEnding.Verdict, of task: ActiveTask, runtime: Duration?) {
        guard counters != nil else { return }
        counters?.count(task.message.headers.task, queue: queues[task.queue].policy.name) { counts in
            if let runtime { counts.runtime.observe(runtime / .seconds(1)) }
            switch verdict {
            case .succeeded, .ignored: counts.succeeded += 1
            case .failed(let exception, _): counts.fail(exception.type)
            case .timedOut: counts.fail("TimeLimitExceeded")
            case .lost: counts.fail("WorkerLostError")
            case .retried: counts.retried += 1
            case .rejected: counts.rejected += 1
            case .revoked: counts.revoked += 1
            case .interrupted: break
            }
        }
        if case .retried = verdict { counters?.parked["retry", default: 0] += 1 }
    }

    func count(revokedBeforeStart headers: TaskHeaders, queue: String) {
        guard counters != nil else { return }
        count(received: headers, queue: queue)
        counters?.count(headers.task, queue: queue) { $0.revoked += 1 }
        counters?.revokedBeforeStart += 1
    }

    /// A message that cannot be run.
    func count(refused headers: TaskHeaders, queue: String, _ exception: String) {
        guard counters != nil else { return }
        count(received: headers, queue: queue)
        counters?.count(headers.task, queue: queue) { $0.fail(exception) }
    }

    /// A loop that comes late has something on it that belongs elsewhere, or a machine with too much to do.
    private func watchLag() {
        let due = NIODeadline.now() + Self.lagInterval
        _ = loop.scheduleTask(deadline: due) { [weak self] in
            guard let self else { return }
            self.assumeIsolated { worker in
                let late = Double((NIODeadline.now() - due).nanoseconds) / 1e9
                worker.counters?.noteLag(late)
                if worker.phase < .stopped { worker.watchLag() }
            }
        }
    }
}
