import CeleriacTasks
import CeleryMessage
import Foundation
import HandlersDebug
import Logging
import Synchronization
import Testing

/// Remembers what a run reports.
private final class RecordingReporter: TaskReporter {
    private let states = Mutex<[JSONValue]>([])
    private let afterUpdate: @Sendable () -> Void

    init(afterUpdate: @escaping @Sendable () -> Void = {}) { self.afterUpdate = afterUpdate }

    var updates: [JSONValue] { states.withLock { $0 } }

    func update(state: String, meta: JSONValue) {
        states.withLock { $0.append(["state": .string(state), "meta": meta]) }
        afterUpdate()
    }

    private let signatures = Mutex<(enqueued: [Signature], added: [Signature])>(([], []))

    var enqueued: [Signature] { signatures.withLock { $0.enqueued } }
    var added: [Signature] { signatures.withLock { $0.added } }

    func enqueue(_ signature: Signature) { signatures.withLock { $0.enqueued.append(signature) } }
    func addToChord(_ signature: Signature) { signatures.withLock { $0.added.append(signature) } }
}

struct DebugHandlersTests {
    private let registry = HandlerRegistry(DebugHandlers.factories)

    private func run(
        _ name: String,
        _ args: [JSONValue] = [],
        _ kwargs: JSONObject = [:],
        retries: Int = 0,
        reporter: any TaskReporter = RecordingReporter(),
        cancellation: TaskCancellation = TaskCancellation()
    ) async throws -> JSONValue {
        let factory = try #require(registry["debug." + name])
        let logger = Logger(label: "test")
        let handler = try factory.make(HandlerSetup(taskName: name, options: [:], baseFolder: "/", logger: logger))
        var headers = TaskHeaders(task: name, id: "1")
        headers.retries = retries
        let context = TaskContext(
            request: TaskRequest(headers: headers, queue: "celery", hostname: "celery@test"),
            logger: logger,
            cancellation: cancellation,
            reporter: reporter
        )
        return try await handler.run(TaskArguments(positional: args, keyword: kwargs), context: context)
    }

    @Test func `are there under their names`() {
        let names = [
            "add", "add_to_chord", "crash", "echo", "errback", "fail", "noop", "progress", "replace", "retry", "sleep",
            "spawn", "spin",
        ]
        #expect(registry.names == names.map { "debug." + $0 })
    }

    @Test func `take no options`() throws {
        let options: JSONObject = ["x": 1]
        let setup = HandlerSetup(taskName: "t", options: options, baseFolder: "/", logger: Logger(label: "test"))
        #expect(throws: HandlerOptionError.self) { try registry["debug.noop"]?.make(setup) }
    }

    @Test func `noop returns null whatever it is given`() async throws {
        #expect(try await run("noop", [1, "x"], ["a": 1]) == .null)
    }

    @Test func `echo returns its arguments`() async throws {
        #expect(try await run("echo", [1, "ş"], ["a": 1.0]) == ["args": [1, "ş"], "kwargs": ["a": 1.0]])
    }

    @Test(
        arguments: [
            ([], 0), ([1, 2], 3), ([1, 2.5], 3.5), ([true, 1], 2), ([.int(.max), 1], .bigInt("9223372036854775808")),
            ([.bigInt("9223372036854775808"), -1], .int(.max)), ([0.5, 0.5], .double(1)),
        ] as [([JSONValue], JSONValue)]
    ) func `add sums as Python does`(numbers: [JSONValue], sum: JSONValue) async throws {
        #expect(try await run("add", numbers) == sum)
    }

    @Test func `add takes keywords and refuses what is no number`() async throws {
        #expect(try await run("add", [1], ["y": 2]) == 3)
        let text = await #expect(throws: TaskFailure.self) { try await run("add", [1, "2"]) }
        #expect(text?.type == "TypeError")
        let huge = JSONValue.bigInt(String(repeating: "9", count: 60))
        let overflow = await #expect(throws: TaskFailure.self) { try await run("add", [huge]) }
        #expect(overflow?.type == "OverflowError")
    }

    @Test func `sleep returns its seconds`() async throws {
        #expect(try await run("sleep", [0.001]) == 0.001)
        for wrong in [JSONValue.int(-1), .double(.nan), .double(.infinity), .int(86_401)] {
            let failure = await #expect(throws: TaskFailure.self) { try await run("sleep", [wrong]) }
            #expect(failure?.type == "ValueError")
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: [CancellationReason.softTimeLimit, .revoked])
    func `sleep gives way when cancelled`(reason: CancellationReason) async throws {
        let cancellation = TaskCancellation()
        let sleeper = Task { try await run("sleep", [3_600], cancellation: cancellation) }
        cancellation.cancel(reason)
        sleeper.cancel()
        let result = await sleeper.result
        guard case .failure(let error) = result else {
            Issue.record("slept to its end")
            return
        }
        #expect((error as? TaskFailure)?.type == (reason == .softTimeLimit ? "SoftTimeLimitExceeded" : nil))
        #expect((error is CancellationError) == (reason == .revoked))
    }

    @Test func `spin uses CPU time and ignores cancellation`() async throws {
        let spinner = Task { try await run("spin", [0.05]) }
        spinner.cancel()
        let before = clock()
        #expect(try await spinner.value == 0.05)
        #expect(Double(clock() - before) / Double(CLOCKS_PER_SEC) > 0.03)
    }

    @Test func `progress reports every step`() async throws {
        let reporter = RecordingReporter()
        #expect(try await run("progress", [3, 0], reporter: reporter) == ["steps": 3])
        #expect(reporter.updates.map { $0["state"] } == ["PROGRESS", "PROGRESS", "PROGRESS"])
        #expect(reporter.updates.last?["meta"] == ["current": 3, "total": 3, "status": "step 3 of 3"])
    }

    @Test func `progress gives way between steps`() async throws {
        let cancellation = TaskCancellation()
        let reporter = RecordingReporter { cancellation.cancel(.softTimeLimit) }
        let failure = await #expect(throws: TaskFailure.self) {
            try await run("progress", [10, 0], reporter: reporter, cancellation: cancellation)
        }
        #expect(failure?.type == "SoftTimeLimitExceeded")
        #expect(reporter.updates.count == 1)
    }

    @Test func `fail raises ValueError with its argument`() async throws {
        let failure = await #expect(throws: TaskFailure.self) { try await run("fail", ["ğ"]) }
        #expect(failure?.type == "ValueError")
        #expect(failure?.arguments == ["ğ"])
    }

    @Test func `retry fails a number of times, then succeeds`() async throws {
        for retries in 0..<2 {
            let retry = await #expect(throws: TaskRetry.self) { try await run("retry", [2, 5], retries: retries) }
            #expect(retry?.countdown == 5)
            #expect(retry?.cause?.message == "failed on purpose, run \(retries + 1) of 3")
        }
        #expect(try await run("retry", [2, 5], retries: 2) == ["retries": 2])
    }

    @Test(arguments: [("KILL", SIGKILL), ("SIGABRT", SIGABRT), ("TERM", SIGTERM)])
    func `crash ends its process by the signal it is told`(name: String, number: Int32) async throws {
        await #expect(processExitsWith: .signal(number)) { [name] in
            _ = try await DebugHandlersTests().run("crash", [.string(name)])
        }
    }

    @Test func `crash refuses a signal that ends nothing`() async throws {
        let failure = await #expect(throws: TaskFailure.self) { try await run("crash", ["STOP"]) }
        #expect(failure?.type == "ValueError")
    }

    // MARK: Canvas

    private let signature = Signature(task: "proj.add", args: [1, 2])

    /// A chain hands the parent's result over first.
    @Test(arguments: [[JSONValue](), [7]])
    func `replace gives its place to a signature`(before: [JSONValue]) async throws {
        let thrown = await #expect(throws: TaskReplacement.self) {
            try await run("replace", before + [signature.json])
        }
        #expect(thrown?.signature == signature)
    }

    @Test func `spawn sends a signature, add_to_chord adds it to the chord`() async throws {
        let reporter = RecordingReporter()
        #expect(try await run("spawn", [signature.json], reporter: reporter) == 0)
        #expect(reporter.enqueued == [signature] && reporter.added.isEmpty)
        #expect(try await run("add_to_chord", [], ["signature": signature.json], reporter: reporter) == 0)
        #expect(reporter.enqueued == [signature] && reporter.added == [signature])
    }

    @Test(arguments: ["replace", "spawn", "add_to_chord"], [[JSONValue](), ["proj.add"], [["args": [1]]]])
    func `what is no signature is a type error`(name: String, args: [JSONValue]) async throws {
        let reporter = RecordingReporter()
        let failure = await #expect(throws: TaskFailure.self) { try await run(name, args, reporter: reporter) }
        #expect(failure?.type == "TypeError")
        #expect(reporter.enqueued.isEmpty && reporter.added.isEmpty)
    }

    @Test func `only errback is called with what failed instead of an id`() async throws {
        #expect(try #require(registry["debug.errback"]).takesFailureDetails)
        #expect(registry.names.filter { registry[$0]?.takesFailureDetails == true } == ["debug.errback"])
    }
}
