import Exposition

extension WorkerMetrics {
    /// What Flower counts from events, by the names and labels it has for it; queues are not told apart there.
    ///
    /// Mirrors https://flower.readthedocs.io/en/latest/prometheus-integration.html.
    func writeFlower(_ all: [(key: Series, value: Counts)], to out: inout MetricsText, hostname: String) {
        var tasks: [(name: String, counts: Counts)] = []
        for (key, counts) in all {
            if tasks.last?.name == key.task {
                tasks[tasks.count - 1].counts.add(counts)
            } else {
                tasks.append((key.task, counts))
            }
        }
        out.family("flower_events_total", .counter, "What happened to tasks, by kind of event.")
        for (name, counts) in tasks {
            for (type, count) in counts.events where count > 0 {
                let labels = [("worker", hostname), ("type", type), ("task", name)]
                out.sample("flower_events_total", labels, Double(count))
            }
        }
        out.family("flower_task_runtime_seconds", .histogram, "Seconds that runs took.")
        for (name, counts) in tasks where counts.runtime.count > 0 {
            out.histogram("flower_task_runtime_seconds", [("worker", hostname), ("task", name)], counts.runtime)
        }
        let waited = "flower_task_prefetch_time_seconds"
        out.family(waited, .gauge, "Seconds that the task which began last had waited in the worker's hands.")
        for (name, counts) in tasks {
            guard let seconds = counts.prefetchTime else { continue }
            out.sample(waited, [("worker", hostname), ("task", name)], seconds)
        }
    }
}

extension WorkerMetrics.Counts {
    /// How many events of each type there would be.
    fileprivate var events: [(type: String, count: Int)] {
        [
            ("task-received", received), ("task-started", started), ("task-succeeded", succeeded),
            ("task-failed", failed.values.reduce(0, +)), ("task-retried", retried), ("task-rejected", rejected),
            ("task-revoked", revoked),
        ]
    }

    /// Adds what the same task counted from another queue.
    fileprivate mutating func add(_ other: Self) {
        received += other.received
        started += other.started
        succeeded += other.succeeded
        failed.merge(other.failed, uniquingKeysWith: +)
        retried += other.retried
        rejected += other.rejected
        revoked += other.revoked
        runtime.add(other.runtime)
        prefetchTime = other.prefetchTime ?? prefetchTime
    }
}
