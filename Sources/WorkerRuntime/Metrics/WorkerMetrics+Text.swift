import Exposition

extension WorkerMetrics {
    /// What each task and queue counted, by the names of every family that is told, and what the worker did with messages.
    func write(to out: inout MetricsText, hostname: String) {
        let all = series.sorted { ($0.key.task, $0.key.queue) < ($1.key.task, $1.key.queue) }
        if families.contains(.exporter) { writeTasks(all, to: &out, hostname: hostname) }
        if families.contains(.queues) { writeQueues(all, to: &out) }
        if families.contains(.flower) { writeFlower(all, to: &out, hostname: hostname) }
        writeStalled(all, to: &out)
        writeMessages(to: &out)
    }

    private func writeTasks(_ all: [(key: Series, value: Counts)], to out: inout MetricsText, hostname: String) {
        func labels(_ key: Series) -> [(String, String)] {
            [("name", key.task), ("hostname", hostname), ("queue_name", key.queue)]
        }
        func counter(_ name: String, _ help: String, _ value: (Counts) -> Int) {
            out.family(name, .counter, help)
            for (key, counts) in all { out.sample(name, labels(key), Double(value(counts))) }
        }
        counter("celery_task_received_total", "Messages taken from a queue.") { $0.received }
        counter("celery_task_started_total", "Runs begun.") { $0.started }
        counter("celery_task_succeeded_total", "Tasks that ended well.") { $0.succeeded }
        out.family("celery_task_failed_total", .counter, "Tasks that failed for good.")
        for (key, counts) in all {
            for (exception, count) in counts.failed.sorted(by: { $0.key < $1.key }) {
                out.sample("celery_task_failed_total", labels(key) + [("exception", exception)], Double(count))
            }
        }
        counter("celery_task_retried_total", "Runs that are to be tried again.") { $0.retried }
        counter("celery_task_rejected_total", "Messages that their tasks rejected.") { $0.rejected }
        counter("celery_task_revoked_total", "Tasks that were revoked, or had expired.") { $0.revoked }
        out.family("celery_task_runtime", .histogram, "Seconds that runs took.")
        for (key, counts) in all where counts.runtime.count > 0 {
            out.histogram("celery_task_runtime", labels(key), counts.runtime)
        }
    }

    private func writeQueues(_ all: [(key: Series, value: Counts)], to out: inout MetricsText) {
        out.family("queue_jobs_processed_total", .counter, "Tasks that ended for good, by queue.")
        let queues = Dictionary(grouping: all, by: \.key.queue).sorted { $0.key < $1.key }
        for (queue, members) in queues {
            let succeeded = members.reduce(0) { $0 + $1.value.succeeded }
            let failed = members.reduce(0) { $0 + $1.value.failed.values.reduce(0, +) }
            for (status, count) in [("completed", succeeded), ("failed", failed)] {
                out.sample("queue_jobs_processed_total", [("queue", queue), ("status", status)], Double(count))
            }
        }
        out.family("queue_job_duration_seconds", .histogram, "Seconds that runs took, by queue and task.")
        for (key, counts) in all where counts.runtime.count > 0 {
            let labels = [("queue", key.queue), ("job_type", key.task)]
            out.histogram("queue_job_duration_seconds", labels, counts.runtime)
        }
    }

    private func writeStalled(_ all: [(key: Series, value: Counts)], to out: inout MetricsText) {
        let name = "celeriac_tasks_stalled_total"
        out.family(name, .counter, "Runs that reported nothing for so long that they were called stalled.")
        for (key, counts) in all where counts.stalled > 0 {
            out.sample(name, [("queue", key.queue), ("task", key.task)], Double(counts.stalled))
        }
    }

    private func writeMessages(to out: inout MetricsText) {
        out.counter("celeriac_redelivered_total", "Messages that another worker held before.", redelivered)
        out.counter(
            "celeriac_revoked_before_start_total",
            "Tasks that were revoked or had expired before they began.",
            revokedBeforeStart
        )
        out.family("celeriac_parked_total", .counter, "Messages put aside until a time, by why.")
        for reason in ["eta", "retry", "tenant"] {
            out.sample("celeriac_parked_total", [("reason", reason)], Double(parked[reason] ?? 0))
        }
        out.counter("celeriac_leases_renewed_total", "Renewals of messages in hand.", leasesRenewed)
        out.counter("celeriac_leases_lost_total", "Messages that were taken over while they ran here.", leasesLost)
        out.counter("celeriac_taken_back_total", "Messages taken back from workers that were gone.", takenBack)
        out.counter("celeriac_redis_disconnections_total", "Connections to the broker that were lost.", disconnections)
        out.gauge("celeriac_loop_lag_seconds", "By how much the loop came late at most since the last scrape.", loopLag)
    }
}
