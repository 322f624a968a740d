import Exposition
import Inspection

/// What Prometheus is told of the whole deployment: counted in Redis when it is asked for, and so the same after any restart.
///
/// What finished is from the history, by queue. A worker tells the same of itself; whoever adds up over both counts twice.
struct DeploymentMetrics: Sendable {
    let reading: any DeploymentReading
    let queues: any QueueAdministration
    let workers: any WorkerAdministration
    /// `nil` where none is read.
    let history: (any HistoryReading)?
    let families: MetricsFamilies

    /// Everything; throws ``InspectionError``, and nothing is told by halves.
    func text() async throws -> MetricsText {
        var out = MetricsText()
        let queues = try await queues.queues()
        let workers = try await workers.lastSeen()
        if families.contains(.queues) {
            write(queues, to: &out)
            if let history { write(try await history.counts(), try await history.durations(), to: &out) }
        }
        if families.contains(.exporter) { writeExporter(queues, workers, to: &out) }
        if families.contains(.flower), let workers { writeFlower(workers, to: &out) }
        writeOldest(queues, to: &out)
        write(try await reading.counts(), to: &out)
        return out
    }

    // MARK: By queue

    private func write(_ queues: [QueueCounts], to out: inout MetricsText) {
        func gauge(_ name: String, _ help: String, _ value: (QueueCounts) -> Int?) {
            out.family(name, .gauge, help)
            for queue in queues {
                // What could not be counted is left out, not zero.
                if let number = value(queue) { out.sample(name, [("queue", queue.name)], Double(number)) }
            }
        }
        gauge("queue_jobs_waiting", "Messages that wait in a queue.") { $0.waiting }
        gauge("queue_jobs_active", "Messages of a queue that workers hold.") { $0.active }
        gauge("queue_jobs_delayed", "Messages of a queue that are parked until their time comes.") { $0.delayed }
        gauge("queue_jobs_failed", "Tasks of a queue that failed and are still in the history.") { $0.failed }
        gauge("queue_jobs_paused", "Whether nothing is taken from a queue.") { $0.isPaused ? 1 : 0 }
    }

    private func write(
        _ ended: [String: HistoryCounts],
        _ durations: [TaskDurations],
        to out: inout MetricsText
    ) {
        let processed = "queue_jobs_processed_total"
        out.family(processed, .counter, "Tasks that ended for good, by queue.")
        for (queue, counts) in ended.sorted(by: { $0.key < $1.key }) {
            for (status, count) in [("completed", counts.completed), ("failed", counts.failed)] {
                out.sample(processed, [("queue", queue), ("status", status)], Double(count))
            }
        }
        let took = "queue_job_duration_seconds"
        out.family(took, .histogram, "Seconds that runs took, by queue and task.")
        for run in durations.sorted(by: { ($0.queue, $0.task) < ($1.queue, $1.task) }) {
            let histogram = Histogram(bounds: TaskDurations.bounds, counts: run.counts, sum: run.seconds)
            out.histogram(took, [("queue", run.queue), ("job_type", run.task)], histogram)
        }
    }

    /// Both families have their own names for how many wait; how long they do is told by neither.
    private func writeOldest(_ queues: [QueueCounts], to out: inout MetricsText) {
        let name = "celeriac_queue_oldest_seconds"
        out.family(name, .gauge, "How long the next message of a queue has been seen to wait, at least.")
        for queue in queues {
            if let seconds = queue.oldestWaiting { out.sample(name, [("queue", queue.name)], seconds) }
        }
    }

    // MARK: As others call it

    private func writeExporter(_ queues: [QueueCounts], _ workers: [WorkerFacts]?, to out: inout MetricsText) {
        out.family("celery_queue_length", .gauge, "Messages that wait in a queue.")
        for queue in queues { out.sample("celery_queue_length", [("queue_name", queue.name)], Double(queue.waiting)) }
        guard let workers else { return }
        out.family("celery_active_consumer_count", .gauge, "Workers that consume a queue.")
        for queue in queues {
            let consumers = workers.count { $0.queues.contains(queue.name) }
            out.sample("celery_active_consumer_count", [("queue_name", queue.name)], Double(consumers))
        }
        out.gauge("celery_active_worker_count", "Workers that answer, Celery's too.", workers.count)
        let processes = workers.reduce(0) { $0 + max($1.processes.count, 1) }
        out.gauge("celery_active_process_count", "Processes of their pools.", processes)
    }

    private func writeFlower(_ workers: [WorkerFacts], to out: inout MetricsText) {
        out.family("flower_worker_online", .gauge, "Workers that answer.")
        for worker in workers { out.sample("flower_worker_online", [("worker", worker.name)], 1) }
        let running = "flower_worker_number_of_currently_executing_tasks"
        out.family(running, .gauge, "Tasks that run.")
        for worker in workers { out.sample(running, [("worker", worker.name)], Double(worker.active)) }
    }

    // MARK: The rest

    private func write(_ counts: DeploymentCounts, to out: inout MetricsText) {
        out.gauge("celeriac_held_messages", "Messages that workers hold, of whatever queue.", counts.held)
        out.gauge("celeriac_parked_messages", "Messages that are parked until their time comes.", counts.parked)
        out.gauge("celeriac_dead_letters", "Messages kept because their tasks failed for good.", counts.dead)
        out.gauge("celeriac_workers", "Celeriac workers that gave a sign of life lately.", counts.workers)
        if let memory = counts.memory {
            out.gauge("celeriac_redis_memory_bytes", "Memory that the broker's server uses.", memory)
        }
    }
}
