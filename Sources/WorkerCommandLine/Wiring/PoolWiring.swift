import CeleriacTasks
import Logging
import NIOCore
import Settings
import WorkerPool
import WorkerRuntime

/// Makes the pools that the consumed queues and their tasks name.
struct PoolWiring {
    let configuration: CeleriacConfiguration
    let options: WorkerOptions
    let wiring: WorkerWiring
    let logLevel: Logger.Level
    let registry: HandlerRegistry

    /// A pool as it will be made.
    struct Plan {
        var name: String
        var isInline: Bool
        var processes: Int
        var slots: Int
        var maxTasksPerChild: Int?
        var maxMemoryPerChild: Int?

        /// How many tasks run in it at once.
        var capacity: Int { isInline ? slots : processes * slots }
    }

    /// The pools in the order they are first named.
    var plans: [Plan] {
        var names: [String] = []
        for queue in wiring.queues where !names.contains(queue.pool) { names.append(queue.pool) }
        let policies = wiring.worker.tasks.values
        for name in policies.compactMap(\.pool).sorted() where !names.contains(name) { names.append(name) }
        if names.isEmpty { names = [WorkerWiring.defaultPool] }
        return names.map(plan)
    }

    private func plan(_ name: String) -> Plan {
        let worker = configuration.worker
        // A block that says nothing, as the one of the default pool that nobody wrote, leaves it to Celery's settings.
        let settings = configuration.pool(named: name).flatMap {
            wiring.usesOnePool || $0 == PoolSettings(name: name) ? nil : $0
        }
        var plan =
            settings.map {
                Plan(
                    name: name,
                    isInline: $0.inline,
                    processes: $0.processes ?? concurrency,
                    slots: $0.slots,
                    maxTasksPerChild: $0.maxTasksPerChild,
                    maxMemoryPerChild: $0.maxMemoryPerChild
                )
            } ?? Self.celeryPool(name, kind: options.pool ?? worker.pool ?? "prefork", concurrency: concurrency)
        plan.maxTasksPerChild = options.maxTasksPerChild ?? plan.maxTasksPerChild ?? worker.maxTasksPerChild
        plan.maxMemoryPerChild = options.maxMemoryPerChild ?? plan.maxMemoryPerChild ?? worker.maxMemoryPerChild
        return plan
    }

    private var concurrency: Int {
        options.autoscale.map { max(1, $0.minimum) } ?? options.concurrency ?? configuration.worker.concurrency
            ?? Environment.processors
    }

    /// Celery's pool kinds: a process per slot for CPU work, one process with many slots for waiting.
    static func celeryPool(_ name: String, kind: String, concurrency: Int) -> Plan {
        switch kind {
        case "solo": Plan(name: name, isInline: false, processes: 1, slots: 1)
        case "threads", "gevent", "eventlet": Plan(name: name, isInline: false, processes: 1, slots: concurrency)
        case "inline": Plan(name: name, isInline: true, processes: 0, slots: concurrency)
        default: Plan(name: name, isInline: false, processes: concurrency, slots: 1)
        }
    }

    var setup: PoolSetup {
        PoolSetup(
            tasks: configuration.tasks.map {
                .init(task: $0.name, handler: $0.handler, options: $0.options, baseFolder: configuration.baseFolder)
            },
            logLevel: logLevel,
            hostname: wiring.nodeName
        )
    }

    func makePools(
        on loop: any EventLoop,
        logger: Logger,
        onEvents: @escaping @Sendable ([PoolEvent]) -> Void
    ) -> [any TaskPool] {
        plans.map { plan -> any TaskPool in
            if plan.isInline {
                return InlinePool(
                    name: plan.name,
                    slots: plan.slots,
                    setup: setup,
                    registry: registry,
                    eventLoop: loop,
                    logger: logger,
                    onEvents: onEvents
                )
            }
            return ProcessPool(
                configuration: PoolConfiguration(
                    name: plan.name,
                    processes: plan.processes,
                    slots: plan.slots,
                    maxTasksPerChild: plan.maxTasksPerChild,
                    maxMemoryPerChild: plan.maxMemoryPerChild,
                    executable: Environment.executable,
                    arguments: [Program.poolProcessArgument],
                    setup: setup
                ),
                eventLoop: loop,
                logger: logger,
                onEvents: onEvents
            )
        }
    }
}
