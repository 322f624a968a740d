import CeleryMessage
import Logging
import Synchronization
import Testing

@testable import CeleriacTasks

/// A handler made of a closure.
private struct ClosureHandler: TaskHandler {
    let body: @Sendable (TaskArguments, TaskContext) async throws -> JSONValue

    func run(_ arguments: TaskArguments, context: TaskContext) async throws -> JSONValue {
        try await body(arguments, context)
    }
}

/// Remembers what a run reports.
private final class Recorder: TaskReporter {
    let states = Mutex<[(state: String, meta: JSONValue)]>([])
    let signatures = Mutex<[Signature]>([])

    func update(state: String, meta: JSONValue) { states.withLock { $0.append((state, meta)) } }
    func enqueue(_ signature: Signature) { signatures.withLock { $0.append(signature) } }
}

private struct OwnError: Error, CustomStringConvertible {
    var description: String { "something own" }
}

@Suite struct HandlerRunTests {
    private func context(_ cancellation: TaskCancellation = .init(), reporter: Recorder = .init()) -> TaskContext {
        var headers = TaskHeaders(task: "proj.work", id: "id-1")
        headers.retries = 2
        return TaskContext(
            request: TaskRequest(headers: headers, queue: "celery", hostname: "celery@test"),
            logger: Logger(label: "test"),
            cancellation: cancellation,
            reporter: reporter
        )
    }

    private func outcome(
        args: String = "[]",
        kwargs: String = "{}",
        cancellation: TaskCancellation = .init(),
        _ body: @escaping @Sendable (TaskArguments, TaskContext) async throws -> JSONValue
    ) async -> HandlerOutcome {
        await HandlerRun.outcome(
            of: ClosureHandler(body: body),
            args: Array(args.utf8),
            kwargs: Array(kwargs.utf8),
            context: context(cancellation)
        )
    }

    @Test func `a returned value becomes JSON text as Python writes it`() async {
        let end = await outcome(args: "[1.0, \"ğ\"]", kwargs: #"{"k": null}"#) { arguments, _ in
            ["args": .array(arguments.positional), "kwargs": .object(arguments.keyword)]
        }
        guard case .success(let result) = end else {
            Issue.record("\(end)")
            return
        }
        #expect(String(decoding: result, as: UTF8.self) == #"{"args": [1.0, "\u011f"], "kwargs": {"k": null}}"#)
    }

    @Test func `a failure keeps its class and tells where it was made`() async throws {
        let end = await outcome { _, _ in throw TaskFailure.valueError("no", file: "Work.swift", line: 12) }
        guard case .failure(let failure, let traceback) = end else {
            Issue.record("\(end)")
            return
        }
        #expect(failure.module == "builtins")
        #expect(failure.type == "ValueError")
        #expect(failure.arguments == ["no"])
        #expect(
            traceback
                == "Traceback (most recent call last):\n  File \"Work.swift\", line 12, in proj.work\nValueError: no\n"
        )
    }

    @Test func `any other error is a failure named after its type`() async {
        let end = await outcome { _, _ in throw OwnError() }
        guard case .failure(let failure, let traceback) = end else {
            Issue.record("\(end)")
            return
        }
        #expect(failure.module == "celeriac.exceptions")
        #expect(failure.type == "OwnError")
        #expect(failure.arguments == ["something own"])
        #expect(traceback.hasSuffix("OwnError: something own\n"))
    }

    @Test func `retry, ignore and reject are ends of their own`() async {
        let cause = TaskFailure.runtimeError("later")
        let retried = await outcome { _, context in throw context.retry(countdown: 3, maxRetries: 9, cause: cause) }
        guard case .retry(let retry, let traceback) = retried else {
            Issue.record("\(retried)")
            return
        }
        #expect(retry == TaskRetry(countdown: 3, maxRetries: 9, cause: cause))
        #expect(traceback.hasSuffix("RuntimeError: later\n"))
        guard case .retry(_, let bare) = await outcome({ _, context in throw context.retry() }) else {
            Issue.record("no retry")
            return
        }
        #expect(bare.hasPrefix("Traceback (most recent call last):\n"))
        guard case .ignore = await outcome({ _, _ in throw TaskIgnore() }) else {
            Issue.record("not ignored")
            return
        }
        guard case .reject(let reject) = await outcome({ _, _ in throw TaskReject(reason: "x", requeue: true) }) else {
            Issue.record("not rejected")
            return
        }
        #expect(reject == TaskReject(reason: "x", requeue: true))
    }

    @Test(arguments: [CancellationReason.softTimeLimit, .revoked, .shutdown, nil])
    func `a cancellation ends as its reason says`(_ reason: CancellationReason?) async {
        let cancellation = TaskCancellation()
        if let reason { cancellation.cancel(reason) }
        let end = await outcome(cancellation: cancellation) { _, _ in throw CancellationError() }
        switch (reason, end) {
        case (.softTimeLimit?, .failure(let failure, _)):
            #expect(failure.module == "billiard.exceptions")
            #expect(failure.type == "SoftTimeLimitExceeded")
            #expect(failure.arguments == [])
        case (nil, .failure(let failure, _)): #expect(failure.type == "RuntimeError")
        case (.revoked?, .cancelled(.revoked)), (.shutdown?, .cancelled(.shutdown)): break
        default: Issue.record("\(end)")
        }
    }

    @Test func `the first reason of a cancellation stays`() {
        let cancellation = TaskCancellation()
        #expect(cancellation.reason == nil)
        cancellation.cancel(.shutdown)
        cancellation.cancel(.softTimeLimit)
        #expect(cancellation.reason == .shutdown)
    }

    @Test func `a handler that asks learns of the soft limit as an exception it can catch`() async {
        let cancellation = TaskCancellation()
        cancellation.cancel(.softTimeLimit)
        let end = await outcome(cancellation: cancellation) { _, context in
            do {
                try context.checkCancellation()
            } catch let failure as TaskFailure where failure.type == "SoftTimeLimitExceeded" { return "cleaned up" }
            return "not asked"
        }
        guard case .success(let result) = end else {
            Issue.record("\(end)")
            return
        }
        #expect(result == Array(#""cleaned up""#.utf8))
    }

    @Test(arguments: [
        ("{}", "{}", "TypeError: args must be a list, not dict"),
        ("[]", "[]", "TypeError: kwargs must be a dict, not list"),
        ("null", "{}", "TypeError: args must be a list, not NoneType"),
        ("[]", "7", "TypeError: kwargs must be a dict, not int"),
    ])
    func `arguments of the wrong shape are a TypeError`(_ args: String, _ kwargs: String, _ expected: String) async {
        let end = await outcome(args: args, kwargs: kwargs) { _, _ in "ran" }
        guard case .failure(let failure, _) = end else {
            Issue.record("\(end)")
            return
        }
        #expect(failure.description == expected)
    }

    @Test(arguments: ["[", "", "[1,]", "\u{0}"]) func `arguments that are no JSON are a failure`(_ args: String) async {
        guard case .failure = await outcome(args: args, { _, _ in "ran" }) else {
            Issue.record("ran")
            return
        }
        guard case .success = await outcome(kwargs: "null", { _, _ in "ran" }) else {
            Issue.record("null keyword arguments did not count as none")
            return
        }
    }

    @Test func `progress, states and subtasks reach the reporter`() async throws {
        let recorder = Recorder()
        let context = context(reporter: recorder)
        context.progress(current: 1, total: 4, status: "one", more: ["company": 7])
        context.updateState("HALFWAY", meta: [1])
        context.enqueue(Signature(task: "next", args: [1]))
        let states = recorder.states.withLock { $0 }
        #expect(states.map(\.state) == ["PROGRESS", "HALFWAY"])
        #expect(states.first?.meta == ["current": 1, "total": 4, "status": "one", "company": 7])
        #expect(recorder.signatures.withLock { $0.map(\.task) } == ["next"])
        #expect(context.request.id == "id-1")
        #expect(context.request.task == "proj.work")
        #expect(context.request.retries == 2)
    }

    @Test func `a registry finds handlers by name, the last of a name winning`() throws {
        func factory(_ name: String, _ summary: String) -> HandlerFactory {
            HandlerFactory(name: name, summary: summary) { _ in ClosureHandler { _, _ in nil } }
        }
        let registry = HandlerRegistry([factory("b", "1"), factory("a", "2"), factory("b", "3")])
        #expect(registry.names == ["a", "b"])
        #expect(registry["b"]?.summary == "3")
        #expect(registry["c"] == nil)
    }
}
