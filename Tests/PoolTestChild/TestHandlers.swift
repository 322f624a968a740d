import CeleriacTasks
import CeleryMessage
import Glibc
import Logging

/// A handler made of a closure.
struct TestHandler: TaskHandler {
    let body: @Sendable (TaskArguments, TaskContext) async throws -> JSONValue

    func run(_ arguments: TaskArguments, context: TaskContext) async throws -> JSONValue {
        try await body(arguments, context)
    }
}

extension HandlerRegistry {
    /// What the tests of the pools run; each is bound to a task of its own name.
    static let forTests = HandlerRegistry(
        [
            handler("noop") { _, _ in .null },
            handler("echo") { arguments, context in
                [
                    "args": .array(arguments.positional), "kwargs": .object(arguments.keyword),
                    "id": .string(context.request.id), "queue": .string(context.request.queue),
                    "hostname": .string(context.request.hostname), "retries": .int(Int64(context.request.retries)),
                    "extra": .object(context.request.headers.extra), "pid": .int(Int64(getpid())),
                ]
            },
            handler("sleep") { arguments, _ in
                try await Task.sleep(for: .seconds(arguments.positional.first?.number ?? 0))
                return "slept"
            },
            handler("until") { arguments, _ in
                let path = arguments.positional.first?.string ?? ""
                close(creat(path + ".begun", 0o600))
                while access(path, F_OK) != 0 { try await Task.sleep(for: .milliseconds(5)) }
                return ["pid": .int(Int64(getpid()))]
            },
            handler("spin") { arguments, _ in
                let end = ContinuousClock.now + .seconds(arguments.positional.first?.number ?? 0)
                while ContinuousClock.now < end {}
                return "spun"
            },
            handler("stuck") { _, context in
                context.updateState("STUCK", meta: .null)
                let end = ContinuousClock.now + .seconds(1000)
                while ContinuousClock.now < end {}
                return .null
            },
            handler("hold") { arguments, context in
                guard arguments.positional.first == true else { return .null }
                context.updateState("HELD", meta: .null)
                try await Task.sleep(for: .seconds(1000))
                return .null
            },
            handler("clean") { _, context in
                do {
                    context.updateState("READY", meta: .null)
                    try await Task.sleep(for: .seconds(60))
                    return "slept"
                } catch {
                    return .string("cleaned up after \(context.cancellation.reason?.rawValue ?? "nothing")")
                }
            },
            handler("crash") { arguments, _ in
                kill(getpid(), Int32(arguments.positional.first?.int ?? 11))
                try await Task.sleep(for: .seconds(60))
                return .null
            },
            handler("trap") { arguments, _ in
                .int(Int64(arguments.positional[arguments.positional.count + 1].int ?? 0))
            },
            handler("exit") { arguments, _ in exit(Int32(arguments.positional.first?.int ?? 0)) },
            handler("hangup") { _, _ in
                // Closing alone would not do: the reading thread keeps the socket open for as long as it waits on it.
                shutdown(3, Int32(SHUT_RDWR))
                close(3)
                try await Task.sleep(for: .seconds(60))
                return .null
            },
            handler("leak") { arguments, _ in
                let bytes = Int(arguments.positional.first?.int ?? 0) << 20
                guard let memory = malloc(bytes) else { return .null }
                memset(memory, 1, bytes)
                return .int(Int64(Int(bitPattern: memory) & 1))
            },
            handler("progress") { arguments, context in
                let steps = Int(arguments.positional.first?.int ?? 0)
                for step in 1...max(1, steps) { context.progress(current: step, total: steps, status: "step") }
                if let pause = arguments.positional.dropFirst().first?.number {
                    try await Task.sleep(for: .seconds(pause))
                }
                return .null
            },
            handler("log") { arguments, context in
                context.logger.info("a line", metadata: ["number": "\(7)", "nested": ["a", "b"]])
                context.logger.debug("too quiet")
                return .null
            },
            handler("fail") { arguments, _ in throw TaskFailure.valueError(arguments.positional.first?.string ?? "") },
            handler("retry") { _, context in
                throw context.retry(countdown: 1.5, maxRetries: 7, cause: .runtimeError("try again"))
            },
            handler("ignore") { _, _ in throw TaskIgnore() },
            handler("reject") { _, _ in throw TaskReject(reason: "not now", requeue: true) },
            handler("enqueue") { _, context in
                context.enqueue(Signature(task: "next", args: [1, "two"], options: ["queue": "other"]))
                return .null
            },
            handler("big") { arguments, _ in
                .string(String(repeating: "x", count: Int(arguments.positional.first?.int ?? 0)))
            },
            handler("grandchild") { _, _ in
                var pid: pid_t = 0
                var argv: [UnsafeMutablePointer<CChar>?] = [strdup("sleep"), strdup("1000"), nil]
                posix_spawn(&pid, "/bin/sleep", nil, nil, &argv, environ)
                return .int(Int64(pid))
            },
            handler("descriptors") { _, _ in
                var open: [JSONValue] = []
                for descriptor in 0..<Int32(256) where fcntl(descriptor, F_GETFD) >= 0 {
                    open.append(.int(Int64(descriptor)))
                }
                return .array(open)
            },
            HandlerFactory(name: "options", summary: "") { setup in
                let answer = try setup.options.requiredString("answer")
                return TestHandler { _, _ in .string(answer) }
            },
        ]
    )

    private static func handler(
        _ name: String,
        _ body: @escaping @Sendable (TaskArguments, TaskContext) async throws -> JSONValue
    ) -> HandlerFactory {
        HandlerFactory(name: name, summary: "for tests") { _ in TestHandler(body: body) }
    }
}
