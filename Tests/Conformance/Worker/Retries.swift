import Celeriac

/// Tasks that ask for another run.
enum Retries {
    static let tasks: [any TaskDeclaration] = [
        TaskDefinition(
            integration("retry"),
            TaskParameter("return_value", default: JSONValue.null),
            options: TaskOptions(defaultRetryDelay: .seconds(1))
        ) { (context: TaskContext, value: JSONValue) -> JSONValue in
            if Python.isTrue(value), context.request.retries >= 3 { return value }
            throw context.retry(countdown: .seconds(5), cause: ExpectedException())
        },
        RawTask(
            integration("retry_unpickleable"),
            options: TaskOptions(defaultRetryDelay: .seconds(1))
        ) { arguments, context -> Void in
            let options = arguments.keyword["retry_kwargs"]?.object ?? [:]
            throw context.retry(
                countdown: options["countdown"]?.number.map(Duration.seconds),
                maxRetries: options["max_retries"]?.int.map(Int.init),
                cause: UnpickleableException(foo: arguments.positional.first ?? .null)
            )
        },
        TaskDefinition(
            integration("retry_with_args_after_kwargs"),
            "foo",
            "bar",
            TaskParameter("label", default: JSONValue.null),
            options: TaskOptions(maxRetries: 1)
        ) { (context: TaskContext, foo: Int64, bar: Int64, label: JSONValue) -> JSONValue in
            let retries = Int64(context.request.retries)
            guard retries > 0 else { throw context.retry(args: [.int(foo + 1), .int(bar + 1)], countdown: .zero) }
            return [
                "foo": .int(foo), "bar": .int(bar), "label": label, "retries": .int(retries), "is_eager": false,
            ]
        },
        TaskDefinition(
            integration("retry_with_kwargs_after_args"),
            "foo",
            "bar",
            options: TaskOptions(maxRetries: 1)
        ) { (context: TaskContext, foo: Int64, bar: Int64) -> JSONValue in
            let retries = Int64(context.request.retries)
            guard retries > 0 else { throw context.retry(kwargs: ["foo": .int(foo + 1)], countdown: .zero) }
            return ["foo": .int(foo), "bar": .int(bar), "retries": .int(retries), "is_eager": false]
        },
        once("retry_once", options: TaskOptions(maxRetries: 1, expires: .seconds(120))) { .int(Int64($0.retries)) },
        once("retry_once_priority", options: TaskOptions(maxRetries: 1)) { .int(Int64($0.priority)) },
        once("retry_once_headers", options: TaskOptions(maxRetries: 1)) { .object($0.headers.extra) },
        once("retry_once_ignore_result", countdown: .zero, options: TaskOptions(ignoreResult: true)) {
            .int(Int64($0.retries))
        },
        once("retry_once_with_result", countdown: .zero, options: TaskOptions(ignoreResult: false)) {
            .int(Int64($0.retries))
        },
        TaskDefinition(
            "auto_retry_class_task",
            options: TaskOptions(maxRetries: 1, autoretryFor: ["ValueError"], retryBackoff: .seconds(1))
        ) { (context: TaskContext) in
            guard context.request.retries > 0 else {
                throw TaskFailure(module: "builtins", type: "ValueError", arguments: [])
            }
            return context.request.retries
        },
        TaskDefinition(
            smoke("countdown_task_with_retry"),
            options: TaskOptions(maxRetries: 1, defaultRetryDelay: .seconds(3))
        ) { (context: TaskContext) in
            guard context.request.retries >= 1 else { throw context.retry(countdown: nil, cause: simulated) }
            return context.request.retries
        },
        TaskDefinition(smoke("non_eta_task_with_retries"), options: TaskOptions(maxRetries: 2)) {
            (context: TaskContext) in
            guard context.request.retries >= 2 else { throw context.retry(countdown: .seconds(3), cause: simulated) }
            return context.request.retries
        },
    ]

    private static let simulated = TaskFailure(
        module: "builtins",
        type: "Exception",
        arguments: ["Simulated failure"]
    )

    /// A task that runs a second time and then tells something of that run.
    ///
    /// Callers may say `expires` and `countdown` in seconds, and `max_retries`.
    private static func once(
        _ name: String,
        countdown: Duration = .milliseconds(100),
        options: TaskOptions,
        tell: @escaping @Sendable (TaskRequest) -> JSONValue
    ) -> any TaskDeclaration {
        RawTask(integration(name), options: options) { arguments, context in
            guard context.request.retries == 0 else { return tell(context.request) }
            let given = arguments.keyword
            throw context.retry(
                countdown: given["countdown"]?.number.map(Duration.seconds) ?? countdown,
                maxRetries: given["max_retries"]?.int.map(Int.init),
                expires: given["expires"]?.number.map(Duration.seconds)
            )
        }
    }
}
