import CeleriacTasks
import CeleryMessage
import Glibc
import MessageCodecs
import Schedules
import Settings
import Transport
import WorkerRuntime

/// Turns the configuration into the worker's own values.
struct WorkerWiring {
    let configuration: CeleriacConfiguration
    let options: WorkerOptions
    let registry: HandlerRegistry

    /// The pool for what names none, and for everything when `-c` or `-P` is given.
    static let defaultPool = PoolSettings.defaultName

    var worker: WorkerConfiguration {
        let settings = configuration.worker
        let selected = queues
        var tasks: [String: WorkerRuntime.TaskPolicy] = [:]
        var routes: [String: String] = [:]
        for task in configuration.tasks {
            tasks[task.name] = policy(of: task)
            routes[task.name] = configuration.queueName(forTask: task.name)
        }
        var worker = WorkerConfiguration(
            nodeName: nodeName,
            queues: selected,
            tasks: tasks,
            defaultPool: Self.defaultPool,
            defaultQueue: configuration.defaultQueue,
            routes: routes
        )
        worker.timeLimit = options.timeLimit ?? configuration.taskDefaults.timeLimit?.inSeconds
        worker.softTimeLimit = options.softTimeLimit ?? configuration.taskDefaults.softTimeLimit?.inSeconds
        worker.prefetchMultiplier =
            options.disablePrefetch ? 1 : options.prefetchMultiplier ?? settings.prefetchMultiplier
        if settings.disablePrefetch { worker.prefetchMultiplier = 1 }
        worker.results = results
        worker.origin = "gen\(getpid())@\(Environment.hostname)"
        worker.replyTo = Identifier.uuid()
        worker.deduplicatesSuccessfulTasks = settings.deduplicateSuccessfulTasks
        worker.inheritParentPriority = configuration.inheritParentPriority
        worker.errbackReach = configuration.allowErrorCallbackOnChordHeader ? .headerAndBody : .body
        worker.softShutdownTimeout = settings.softShutdownTimeout.inSeconds
        worker.softShutdownOnIdle = settings.softShutdownOnIdle
        worker.heartbeatInterval = heartbeat
        worker.sweepInterval = min(60, max(2, configuration.broker.transport.visibilityTimeout.inSeconds / 2))
        worker.maxDeliveries = settings.maxDeliveries
        worker.connectRetries = retriesAtStart
        worker.autoscale = options.autoscale.map {
            AutoscaleRange(
                maximum: $0.maximum,
                minimum: $0.minimum,
                keepAlive: Environment.all["AUTOSCALE_KEEPALIVE"].flatMap { Int($0) } ?? 30
            )
        }
        worker.control = control
        worker.events = events
        worker.disablesRateLimits = settings.disableRateLimits
        worker.tenantNames = TenantNames(configuration.tenantNames)
        worker.tenants = configuration.tenants.map { TenantPlans($0) }
        worker.secretNames = configuration.maskedArguments ?? SecretNames.usual
        worker.knownQueues = Dictionary(
            configuration.queues.map { ($0.name, policy(ofQueue: $0.name)) },
            uniquingKeysWith: { first, _ in first }
        )
        worker.limits = MessageLimits(
            itemBytes: configuration.bounds.messageBytes,
            bodyBytes: configuration.bounds.messageBytes,
            depth: configuration.bounds.messageDepth
        )
        return worker
    }

    private var retriesAtStart: Int? {
        let broker = configuration.broker
        guard broker.connectionRetryOnStartup ?? broker.connectionRetry else { return 0 }
        return broker.connectionMaxRetries
    }

    /// Often enough for the shortest visibility timeout that somebody may sweep with.
    private var heartbeat: Double {
        let visibility = configuration.broker.transport.visibilityTimeout.inSeconds
        return min(4, max(0.2, visibility / 3), configuration.worker.deadAfter.inSeconds / 3)
    }

    var nodeName: String { NodeName.expand(options.hostname ?? "celery@%h", host: Environment.hostname) }

    // MARK: Queues

    /// The queues to consume: those of `-Q`, else all configured ones, else the default queue.
    var queues: [QueuePolicy] {
        let all = configuration.queues.map(\.name)
        var names = options.queues.isEmpty ? (all.isEmpty ? [configuration.defaultQueue] : all) : options.queues
        names.removeAll { options.excludedQueues.contains($0) }
        return names.map(policy(ofQueue:))
    }

    private func policy(ofQueue name: String) -> QueuePolicy {
        let settings = configuration.queue(named: name)
        var policy = QueuePolicy(
            name: name,
            pool: usesOnePool ? Self.defaultPool : settings?.pool ?? Self.defaultPool,
            rank: settings.map { rank($0.tier) } ?? rank(.medium),
            concurrency: settings?.concurrency,
            softTimeLimit: settings?.policy.softTimeLimit?.inSeconds,
            timeLimit: settings?.policy.timeLimit?.inSeconds
        )
        let retention = configuration.retention(ofQueue: name)
        policy.completed = bound(retention.completed)
        policy.failed = bound(retention.failed)
        policy.exchange = settings?.exchange
        policy.exchangeType = settings?.exchangeType ?? "direct"
        policy.routingKey = settings?.routingKey
        return policy
    }

    /// What ``CeleriacConfiguration/retention(ofQueue:)`` gives leaves nothing open.
    private func bound(_ retention: QueueSettings.Retention) -> HistoryBound {
        HistoryBound(count: retention.count ?? 0, seconds: Int((retention.age ?? .zero).components.seconds))
    }

    /// Within one priority the high tier is served first.
    private func rank(_ tier: QueueSettings.Tier) -> Int {
        switch tier {
        case .high: 0
        case .medium: 1
        case .low: 2
        }
    }

    /// `-c` or `-P` on the command line: one pool as Celery has it, instead of the file's.
    var usesOnePool: Bool { options.concurrency != nil || options.pool != nil || options.autoscale != nil }

    // MARK: Tasks

    private func policy(of task: TaskSettings) -> WorkerRuntime.TaskPolicy {
        let joined = configuration.policy(forTask: task.name, from: configuration.queueName(forTask: task.name))
        var policy = WorkerRuntime.TaskPolicy()
        policy.pool = usesOnePool ? nil : task.pool
        policy.takesFailureDetails = registry[task.handler]?.takesFailureDetails ?? false
        // Limits keep their level: a queue's are asked after the task's own.
        policy.timeLimit = task.policy.timeLimit?.inSeconds
        policy.softTimeLimit = task.policy.softTimeLimit?.inSeconds
        policy.stalledAfter = joined.stalledAfter?.inSeconds
        switch joined.maxRetries {
        case .times(let count)?: policy.maxRetries = count
        case .unlimited?: policy.maxRetries = nil
        case nil: break
        }
        policy.defaultRetryDelay = joined.defaultRetryDelay?.inSeconds ?? policy.defaultRetryDelay
        if case .exponential(let factor)? = joined.retryBackoff { policy.retryBackoff = factor.inSeconds }
        policy.retryBackoffMax = joined.retryBackoffMax?.inSeconds ?? policy.retryBackoffMax
        policy.retryJitter = joined.retryJitter ?? policy.retryJitter
        policy.autoretryFor = joined.autoretryFor ?? []
        policy.dontAutoretryFor = joined.dontAutoretryFor ?? []
        policy.acksLate = joined.acksLate ?? true
        policy.acksOnFailure = joined.acksOnFailure ?? true
        policy.acksOnTimeout = joined.acksOnTimeout ?? true
        policy.rejectOnWorkerLost = joined.rejectOnWorkerLost ?? false
        policy.retryOnWorkerLost = joined.retryOnWorkerLost ?? false
        policy.ignoreResult = joined.ignoreResult ?? false
        policy.storeErrorsEvenIfIgnored = joined.storeErrorsEvenIfIgnored ?? false
        policy.trackStarted = joined.trackStarted ?? false
        // A queue's rate limit is one over all workers and another thing than a task's.
        let limit = task.policy.rateLimit ?? configuration.taskDefaults.rateLimit
        policy.rateLimit = limit.map { RateLimit(perSecond: $0.perSecond, text: $0.text) }
        policy.keepsHistory = configuration.history.isOn && joined.history ?? true
        policy.keepsDeadLetters = configuration.deadLetters.isOn && joined.deadLetter ?? true
        policy.sendsEvents = joined.sendEvents ?? true
        policy.resultReprMaxSize = joined.resultReprMaxSize ?? policy.resultReprMaxSize
        policy.expectedExceptions = joined.throwing ?? []
        return policy
    }

    // MARK: Results

    private var results: ResultPolicy {
        let settings = configuration.results
        var policy = ResultPolicy()
        policy.enabled = settings.backend != .disabled
        policy.expires = seconds(settings.expires)
        policy.failureExpires = seconds(settings.failureLifetime)
        policy.chordExpires = seconds(settings.chordLifetime)
        policy.extended = settings.extended
        policy.serializer = settings.serializer.rawValue
        // The name was checked where it stands.
        let zone = configuration.timezone.flatMap { try? ZoneRules.named($0) } ?? .utc
        policy.offset = { zone.offset(at: Instant(seconds: $0)) }
        return policy
    }

    /// Whole seconds; zero and nothing mean for good.
    private func seconds(_ duration: Duration?) -> Int? {
        guard let whole = duration?.components.seconds, whole > 0 else { return nil }
        return Int(whole)
    }

    /// The codecs: what is accepted, and every compression there is a library for.
    var codecs: MessageCodecs { .celery(accept: Set(configuration.acceptContent.map(\.rawValue))) }
}

extension Duration {
    /// Seconds as a number.
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
