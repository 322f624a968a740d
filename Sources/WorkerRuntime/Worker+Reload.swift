import CeleryMessage
import Logging
import NIOCore
import Transport
public import WorkerPool

extension Worker {
    /// Takes a new configuration for messages claimed from now on.
    ///
    /// Tasks, policies, limits and handlers' options change. Queues, pools and servers stay as they were started.
    public func reload(_ fresh: WorkerConfiguration, setup: PoolSetup) {
        var merged = fresh
        merged.nodeName = configuration.nodeName
        merged.queues = configuration.queues
        configuration = merged
        secrets = SecretNames(merged.secretNames)
        admission = Admission(tasks: merged.tasks)
        applyRateLimits()
        wantsTenants.raise()
        tracer = Tracer(configuration: merged, codecs: codecs, random: random)
        for pool in pools {
            pool.pool.reload(setup)
            pool.pool.recycle()
        }
        logger.warning("Configuration reloaded: \(merged.tasks.count) tasks. Queues, pools and servers stay as started")
    }

    /// Writes every task in hand to the log: where it is, how old, what it last reported.
    public func logRunning() {
        let now = NIODeadline.now()
        logger.warning("\(active.count) task(s) in hand")
        for task in active.values.sorted(by: { $0.job < $1.job }) {
            let headers = task.message.headers
            let age = Double((now - (task.startedAt ?? task.claimedAt)).nanoseconds) / 1e9
            let seconds = (age * 1000).rounded() / 1000
            logger.warning(
                """
                task \(headers.label) \(task.startedAt == nil ? task.stage.rawValue : "running") for \(seconds)s \
                queue=\(queues[task.queue].policy.name) pool=\(pools[task.pool].pool.name) \
                process=\(task.processID.map { "\($0)" } ?? "-") state=\(task.lastState ?? "-") \
                retries=\(headers.retries) held=\(task.tag?.text ?? "acknowledged")
                """
            )
        }
    }
}
