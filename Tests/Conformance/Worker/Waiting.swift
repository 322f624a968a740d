import Celeriac

/// Tasks that take their time.
enum Waiting {
    static let tasks: [any TaskDeclaration] = [
        TaskDefinition(integration("delayed_sum"), "numbers", pause) {
            (numbers: [JSONValue], seconds: Double) -> JSONValue in
            try await Task.sleep(for: .seconds(seconds))
            return try Python.sum(numbers)
        },
        TaskDefinition(integration("delayed_sum_with_soft_guard"), "numbers", pause) {
            (context: TaskContext, numbers: [JSONValue], seconds: Double) -> JSONValue in
            do {
                try await Task.sleep(for: .seconds(seconds))
            } catch  where context.cancellation.reason == .softTimeLimit {
                return 0
            }
            return try Python.sum(numbers)
        },
        RawTask(integration("sleeping")) { arguments, _ in
            let seconds = arguments.positional.first ?? arguments.keyword["i"]
            try await Task.sleep(for: .seconds(seconds?.number ?? 0))
        },
        TaskDefinition(
            smoke("long_running_task"),
            TaskParameter("seconds", default: 1.0),
            TaskParameter("verbose", default: false)
        ) { (context: TaskContext, seconds: Double, verbose: Bool) in
            context.logger.info("Starting long running task")
            for second in 0..<Int(seconds) {
                try await Task.sleep(for: .seconds(1))
                if verbose { context.logger.info("Sleeping: \(second)") }
            }
            context.logger.info("Finished long running task")
            return true
        },
        TaskDefinition("t.smoke.tests.stamping.tasks.waitfor", "seconds") { (seconds: Int) in
            for second in 0..<seconds {
                try await Task.sleep(for: .seconds(1))
                print("\(second + 1) seconds passed")
            }
        },
        TaskDefinition("t.smoke.tests.stamping.tasks.wait_for_revoke", "seconds", "waitfor_worker_queue") {
            (context: TaskContext, seconds: Int, queue: String) in
            let wait = Signature("t.smoke.tests.stamping.tasks.waitfor", args: [.int(Int64(seconds))]).set(queue: queue)
            throw context.replace(by: wait.stamped(Replacements.stamps))
        },
        TaskDefinition(
            smoke("soft_time_limit_lower_than_time_limit"),
            options: TaskOptions(timeLimit: .seconds(5), softTimeLimit: .seconds(3))
        ) { try await Task.sleep(for: .seconds(4)) },
        // Clients of Celery refuse to send these two, whose soft limit lies above their hard one.
        TaskDefinition(integration("soft_time_limit_must_exceed_time_limit")) {},
        TaskDefinition(smoke("soft_time_limit_must_exceed_time_limit")) {},
        TaskDefinition(smoke("self_termination_delay_timeout"), options: TaskOptions(timeLimit: .seconds(2))) {
            try await Task.sleep(for: .seconds(4))
        },
    ]

    private static var pause: TaskParameter<Double> { TaskParameter("pause_time", default: 1) }
}
