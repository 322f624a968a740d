/// What can only be checked when everything is read: names that must exist, limits that must fit each other.
struct CrossChecks {
    /// The names of all handlers, or `nil` when they are not known here.
    let handlers: [String]?

    /// Adds the queues and the pool that nobody wrote, then checks the whole.
    func complete(_ configuration: inout CeleriacConfiguration, _ reader: inout SettingReader) {
        let queuesAreWritten = !configuration.queues.isEmpty
        if !queuesAreWritten { configuration.queues = Self.impliedQueues(configuration) }
        if configuration.pool(named: PoolSettings.defaultName) == nil {
            configuration.pools.append(PoolSettings(name: PoolSettings.defaultName))
        }
        checkPools(configuration, &reader)
        if queuesAreWritten { checkQueues(configuration, &reader) }
        checkHandlers(configuration, &reader)
        checkLimits(configuration, &reader)
        checkContent(configuration, &reader)
        checkGateway(configuration, &reader)
        checkTenants(configuration, &reader)
        checkMask(configuration, &reader)
        tellUnheeded(configuration, &reader)
    }

    private func tellUnheeded(_ configuration: CeleriacConfiguration, _ reader: inout SettingReader) {
        for (key, place) in configuration.places {
            var pattern = key
            if key.count > 1, key[0] == "queues" || key[0] == "tasks" { pattern[1] = "*" }
            guard KnownSettings.unheeded.contains(pattern) else { continue }
            reader.add(ConfigurationProblem(.warning, at: place, key: key, "is understood, but not acted on yet"))
        }
    }

    /// Without a `queues` block: the default queue, and every queue that a task or a route names.
    private static func impliedQueues(_ configuration: CeleriacConfiguration) -> [QueueSettings] {
        var seen: Set<String> = []
        let named = configuration.tasks.compactMap(\.queue) + configuration.routes.compactMap(\.queue)
        return ([configuration.defaultQueue] + named).filter { seen.insert($0).inserted }.map {
            QueueSettings(name: $0)
        }
    }

    private func checkPools(_ configuration: CeleriacConfiguration, _ reader: inout SettingReader) {
        let names = configuration.pools.map(\.name)
        let users =
            configuration.queues.map { (["queues", $0.name, "pool"], $0.pool) }
            + configuration.tasks.map { (["tasks", $0.name, "pool"], $0.pool) }
        for (key, name) in users {
            guard let name, !names.contains(name) else { continue }
            unknown("pool", name, known: names, key, configuration, &reader)
        }
        for queue in configuration.queues {
            let pool = configuration.pool(named: queue.pool ?? PoolSettings.defaultName)
            guard let concurrency = queue.concurrency, let pool, let processes = pool.inline ? 1 : pool.processes else {
                continue
            }
            guard concurrency > processes * pool.slots else { continue }
            let key = ["queues", queue.name, "concurrency"]
            let message = "the pool '\(pool.name)' runs only \(processes * pool.slots) at once"
            reader.add(ConfigurationProblem(.warning, at: configuration.place(of: key), key: key, message))
        }
    }

    private func checkQueues(_ configuration: CeleriacConfiguration, _ reader: inout SettingReader) {
        let names = configuration.queues.map(\.name)
        let users =
            configuration.tasks.map { (["tasks", $0.name, "queue"], $0.queue) }
            + configuration.routes.map { (["task_routes", $0.pattern], $0.queue) }
        for (key, name) in users {
            guard let name, !names.contains(name) else { continue }
            unknown("queue", name, known: names, key, configuration, &reader)
        }
        guard !names.contains(configuration.defaultQueue) else { return }
        for task in configuration.tasks where configuration.queueName(forTask: task.name) == configuration.defaultQueue
        {
            let key = ["tasks", task.name]
            let message = "has no queue, and the default queue '\(configuration.defaultQueue)' is not under 'queues'"
            reader.add(ConfigurationProblem(.warning, at: configuration.place(of: key), key: key, message))
        }
    }

    private func checkHandlers(_ configuration: CeleriacConfiguration, _ reader: inout SettingReader) {
        guard let handlers else { return }
        for task in configuration.tasks where !task.handler.isEmpty && !handlers.contains(task.handler) {
            unknown("handler", task.handler, known: handlers, ["tasks", task.name, "handler"], configuration, &reader)
        }
    }

    private func unknown(
        _ kind: String,
        _ name: String,
        known: [String],
        _ key: [String],
        _ configuration: CeleriacConfiguration,
        _ reader: inout SettingReader
    ) {
        reader.add(
            ConfigurationProblem(
                .error,
                at: configuration.place(of: key),
                key: key,
                "there is no \(kind) of that name",
                suggestion: NearestName.find(name, in: known)
            )
        )
    }

    // MARK: Tenants

    private func checkTenants(_ configuration: CeleriacConfiguration, _ reader: inout SettingReader) {
        guard let tenants = configuration.tenants else { return }
        let known = tenants.plans.map(\.name)
        let named =
            [(["tenants", "default_plan"], tenants.defaultPlan)]
            + tenants.members.sorted { $0.key < $1.key }.map { (["tenants", "members", $0.key], $0.value) }
        for (key, plan) in named where !known.contains(plan) {
            unknown("plan", plan, known: known, key, configuration, &reader)
        }
        guard tenants.argument != nil, configuration.places[["history", "tenant"]] != nil else { return }
        let key = ["tenants", "argument"]
        let message = "history.tenant says the same: write one of them"
        reader.add(ConfigurationProblem(.error, at: configuration.place(of: key), key: key, message))
    }

    private func checkMask(_ configuration: CeleriacConfiguration, _ reader: inout SettingReader) {
        guard configuration.maskArguments != nil, configuration.history.mask != nil else { return }
        let key = ["history", "mask"]
        let message = "mask_arguments says the same for everything: write one of them"
        reader.add(ConfigurationProblem(.error, at: configuration.place(of: key), key: key, message))
    }

    // MARK: Limits

    private func checkLimits(_ configuration: CeleriacConfiguration, _ reader: inout SettingReader) {
        let defaults = configuration.taskDefaults
        checkLevel(defaults, soft: ["task_soft_time_limit"], configuration, &reader)
        for queue in configuration.queues {
            let key = ["queues", queue.name]
            checkLevel(queue.policy, soft: key + ["soft_time_limit"], configuration, &reader)
            checkJoined(queue.policy, with: defaults, key, configuration, &reader)
        }
        for task in configuration.tasks {
            let key = ["tasks", task.name]
            let shared =
                configuration.queue(named: configuration.queueName(forTask: task.name))?.policy ?? TaskAttributes()
            checkLevel(task.policy, soft: key + ["soft_time_limit"], configuration, &reader)
            checkJoined(task.policy, with: shared.filled(from: defaults), key, configuration, &reader)
        }
    }

    /// Both limits in one block must fit each other.
    private func checkLevel(
        _ attributes: TaskAttributes,
        soft key: [String],
        _ configuration: CeleriacConfiguration,
        _ reader: inout SettingReader
    ) {
        guard let soft = attributes.softTimeLimit, let hard = attributes.timeLimit, soft >= hard else { return }
        let message = "the soft limit must be shorter than the hard one, or the task is killed before it can clean up"
        reader.add(ConfigurationProblem(.error, at: configuration.place(of: key), key: key, message))
    }

    /// A block that sets one limit, where the other comes from a lower level.
    private func checkJoined(
        _ attributes: TaskAttributes,
        with lower: TaskAttributes,
        _ key: [String],
        _ configuration: CeleriacConfiguration,
        _ reader: inout SettingReader
    ) {
        let setsSoft = attributes.softTimeLimit != nil
        let joined = attributes.filled(from: lower)
        guard setsSoft != (attributes.timeLimit != nil), let soft = joined.softTimeLimit, let hard = joined.timeLimit
        else {
            return
        }
        guard soft >= hard else { return }
        let key = key + [setsSoft ? "soft_time_limit" : "time_limit"]
        let other = setsSoft ? "time_limit" : "soft_time_limit"
        let message = "with the \(other) of the queue or the defaults, the soft limit is not shorter than the hard one"
        reader.add(ConfigurationProblem(.warning, at: configuration.place(of: key), key: key, message))
    }

    private func checkContent(_ configuration: CeleriacConfiguration, _ reader: inout SettingReader) {
        let written =
            [(["task_serializer"], configuration.taskSerializer)]
            + configuration.tasks.compactMap { task in
                task.policy.serializer.map { (["tasks", task.name, "serializer"], $0) }
            }
        for (key, serializer) in written where !configuration.acceptContent.contains(serializer) {
            let message = "accept_content does not have '\(serializer.rawValue)', so workers refuse such messages"
            reader.add(ConfigurationProblem(.warning, at: configuration.place(of: key), key: key, message))
        }
    }

    /// What addresses of the gateway start must be there, unless it may belong to other workers.
    private func checkGateway(_ configuration: CeleriacConfiguration, _ reader: inout SettingReader) {
        guard !configuration.gateway.anyTask else { return }
        let tasks = configuration.tasks.map(\.name)
        let queues = configuration.queues.map(\.name)
        for route in configuration.gateway.startRoutes {
            let key = ["gateway", "start_routes", route.path]
            if !route.task.isEmpty, !tasks.contains(route.task) {
                unknown("task", route.task, known: tasks, key + ["task"], configuration, &reader)
            }
            if let queue = route.queue, !queues.contains(queue) {
                unknown("queue", queue, known: queues, key + ["queue"], configuration, &reader)
            }
        }
    }
}
