import CeleriacTasks
import CeleryMessage
import Logging
import Testing

@testable import WorkerPool

@Suite struct FrameTests {
    /// Reads the one frame that `body` writes.
    private func roundTrip<Value>(
        _ expected: Frame.Kind,
        _ body: (inout FrameWriter) -> Void,
        read: (RawSpan) throws -> Value
    ) throws -> Value {
        var writer = FrameWriter()
        body(&writer)
        let bytes = writer.bytes
        let header = try #require(try Frame.header(of: bytes.span.bytes, at: 0, limit: Frame.defaultLimit))
        #expect(header.kind == expected)
        #expect(header.length == bytes.count - Frame.headerSize)
        return try read(bytes.span.bytes.extracting(Frame.headerSize..<bytes.count))
    }

    @Test func `carries a task with every header`() throws {
        var headers = TaskHeaders(task: "tasks.add", id: "abc")
        headers.lang = "go"
        headers.shadow = "alias"
        headers.eta = "2026-01-01T00:00:00+00:00"
        headers.expires = "2027-01-01T00:00:00"
        headers.group = "g"
        headers.groupIndex = 3
        headers.retries = 2
        headers.hardTimeLimit = 30
        headers.softTimeLimit = 20.5
        headers.rootID = "root"
        headers.parentID = "parent"
        headers.argsrepr = "(1,)"
        headers.kwargsrepr = "{'ğ': 'ü'}"
        headers.origin = "gen1@host"
        headers.ignoreResult = false
        headers.replacedTaskNesting = 1
        headers.stampedHeaders = ["stamp"]
        headers.stamps = ["stamp": "x"]
        headers.compression = "application/x-gzip"
        headers.redelivered = true
        headers.extra = ["x-tenant": ["a": 1]]
        var properties = MessageProperties(
            correlationID: "other id",
            replyTo: "reply queue",
            exchange: "topics",
            routingKey: "a.b"
        )
        properties.deliveryMode = 1
        properties.priority = 7
        properties.expiration = "1000"
        properties.deliveryInfo = ["x": 1]
        properties.extra = ["app_id": "1234"]
        let task = PoolTask(
            job: .max,
            request: TaskRequest(
                received: ReceivedMessage(
                    TaskMessage(
                        headers: headers,
                        properties: properties,
                        payload: TaskPayload(args: Array("[1, 2.0]".utf8), kwargs: Array("{}".utf8))
                    )
                ),
                queue: "q",
                hostname: "celery@here",
                redelivered: true,
                softTimeLimit: 0.25,
                timeLimit: 1e9,
                maxRetries: 0
            )
        )
        let read = try roundTrip(.run, { _ = task.append(to: &$0, limit: 1 << 20) }, read: PoolTask.init(runFrame:))
        #expect(read.request.headers == headers)
        #expect(read.request.properties == properties)
        #expect(read.job == task.job)
        #expect(read.request.task == task.request.task)
        #expect(read.request.args == task.request.args)
        #expect(read.request.kwargs == task.request.kwargs)
        #expect(read.request.queue == "q")
        #expect(read.request.hostname == "celery@here")
        #expect(read.request.redelivered)
        #expect(read.request.softTimeLimit == 0.25)
        #expect(read.request.timeLimit == 1e9)
        #expect(read.request.maxRetries == 0)
    }

    @Test func `carries a plain task whose optional parts stay absent`() throws {
        var headers = TaskHeaders(task: "t", id: "1")
        headers.rootID = nil
        let task = PoolTask(
            job: 1,
            request: TaskRequest(
                received: ReceivedMessage(headers: headers, args: [], kwargs: []),
                queue: "",
                hostname: "",
                maxRetries: nil
            )
        )
        let read = try roundTrip(.run, { _ = task.append(to: &$0, limit: 1 << 20) }, read: PoolTask.init(runFrame:))
        #expect(read.request.headers == headers)
        #expect(read.request.softTimeLimit == nil)
        #expect(read.request.timeLimit == nil)
        #expect(read.request.maxRetries == nil)
        #expect(!read.request.redelivered)
    }

    static let changes: RetryOverrides = {
        var changes = RetryOverrides()
        changes.args = [1, "two"]
        changes.kwargs = ["k": nil]
        changes.route = MessageRoute(exchange: "x", routingKey: "slow")
        changes.priority = 6
        changes.expires = Instant(microseconds: 1_700_000_000_123_456)
        changes.hardTimeLimit = 60
        changes.softTimeLimit = 2.5
        changes.headers = ["h": "v"]
        return changes
    }()

    static let outcomes: [HandlerOutcome] = [
        .success(result: Array("{\"a\": 1.0}".utf8)),
        .success(result: []),
        .failure(TaskFailure(module: "m", type: "E", arguments: ["x", 1, nil]), traceback: "Traceback"),
        .retry(TaskRetry(countdown: 2.5, maxRetries: 4, cause: .valueError("no")), traceback: "tb"),
        .retry(TaskRetry(), traceback: ""),
        .retry(TaskRetry(overrides: changes), traceback: ""),
        .ignore,
        .reject(TaskReject(reason: "why", requeue: true)),
        .reject(TaskReject(reason: "")),
        .cancelled(.shutdown),
        .replace(Signature(task: "other", args: [1], options: ["queue": "q"])),
    ]

    @Test(arguments: outcomes) func `carries every outcome`(_ outcome: HandlerOutcome) throws {
        let report = HandlerReport(
            outcome: outcome,
            enqueued: [Signature(task: "next", args: [1], kwargs: ["k": 2.0])],
            chordAdditions: [Signature(task: "part")]
        )
        let frame = OutcomeFrame(job: 7, runtime: .microseconds(1500), report: report)
        let read = try roundTrip(.outcome, { frame.append(to: &$0, limit: 1 << 20) }, read: OutcomeFrame.init(payload:))
        #expect(read.job == 7)
        #expect(read.runtime == .microseconds(1500))
        #expect(read.report.enqueued == report.enqueued)
        #expect(read.report.chordAdditions == report.chordAdditions)
        #expect("\(read.report.outcome)" == "\(outcome)")
    }

    @Test func `turns a result above the limit into a failure`() throws {
        let report = HandlerReport(outcome: .success(result: [UInt8](repeating: 65, count: 5000)))
        let frame = OutcomeFrame(job: 1, runtime: .zero, report: report)
        let read = try roundTrip(.outcome, { frame.append(to: &$0, limit: 4096) }, read: OutcomeFrame.init(payload:))
        guard case .failure(let failure, _) = read.report.outcome else {
            Issue.record("not a failure: \(read.report.outcome)")
            return
        }
        #expect(failure.type == "ValueError")
    }

    @Test func `carries hello with the bindings`() throws {
        let setup = PoolSetup(
            tasks: [.init(task: "a", handler: "h", options: ["x": [1, nil]], baseFolder: "/etc")],
            logLevel: .debug,
            hostname: "celery@h"
        )
        let hello = HelloFrame(pool: "cpu", process: "cpu-1", slots: 4, frameLimit: 1000, setup: setup)
        #expect(try roundTrip(.hello, { hello.append(to: &$0) }, read: HelloFrame.init(payload:)) == hello)
    }

    @Test func `carries ready, cancel, returned and state`() throws {
        let ready = ReadyFrame(processID: 42, usesBoard: true)
        #expect(try roundTrip(.ready, { ready.append(to: &$0) }, read: ReadyFrame.init(payload:)) == ready)
        let cancel = CancelFrame(job: 1, reason: .softTimeLimit)
        #expect(try roundTrip(.cancel, { cancel.append(to: &$0) }, read: CancelFrame.init(payload:)) == cancel)
        let returned = ReturnedFrame(answersRecall: true, jobs: [1, 2, .max])
        #expect(try roundTrip(.returned, { returned.append(to: &$0) }, read: ReturnedFrame.init(payload:)) == returned)
        let state = StateFrame(job: 3, state: "PROGRESS", meta: Array("{}".utf8))
        #expect(try roundTrip(.state, { state.append(to: &$0) }, read: StateFrame.init(payload:)) == state)
    }

    @Test func `carries a log line with nested metadata`() throws {
        let record = PoolLogRecord(
            level: .warning,
            label: "l",
            message: "ç",
            metadata: ["a": "b", "c": ["d", ["e": "f"]]],
            job: 9,
            taskID: "id",
            taskName: "name"
        )
        let read = try roundTrip(.log, { record.append(to: &$0) }) {
            try PoolLogRecord(payload: $0, processName: "cpu-1", processID: 5)
        }
        #expect(read.level == .warning)
        #expect(read.message == "ç")
        #expect(read.metadata == record.metadata)
        #expect(read.job == 9)
        #expect(read.taskID == "id")
        #expect(read.taskName == "name")
        #expect(read.processName == "cpu-1")
        #expect(read.processID == 5)
    }

    @Test(
        arguments: [
            [1, 255, 255, 255, 255], [1, 8, 0, 0, 0, 1, 2], [1], [1, 1, 0, 0, 0, 7], [], [99, 0, 0, 0, 0],
            [1, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 8, 0, 0, 0, 77, 0, 0, 0, 0, 0, 0, 0],
        ] as [[UInt8]]
    )
    func `refuses a payload that is none`(_ bytes: [UInt8]) {
        #expect(throws: PoolError.self) { try PoolTask(runFrame: bytes.span.bytes) }
        #expect(throws: PoolError.self) { try OutcomeFrame(payload: bytes.span.bytes) }
        #expect(throws: PoolError.self) { try CancelFrame(payload: bytes.span.bytes) }
        #expect(throws: PoolError.self) { try HelloFrame(payload: bytes.span.bytes) }
    }

    @Test func `never traps on damaged frames`() throws {
        var writer = FrameWriter()
        OutcomeFrame(
            job: 1,
            runtime: .seconds(1),
            report: HandlerReport(
                outcome: .failure(.valueError("x"), traceback: "t"),
                enqueued: [Signature(task: "a")]
            )
        ).append(to: &writer, limit: 1000)
        let whole = Array(writer.bytes.dropFirst(Frame.headerSize))
        for place in whole.indices {
            for change in [0x01, 0x80, 0xff] as [UInt8] {
                var damaged = whole
                damaged[place] ^= change
                _ = try? OutcomeFrame(payload: damaged.span.bytes)
                _ = try? PoolTask(runFrame: damaged.span.bytes)
            }
            _ = try? OutcomeFrame(payload: whole.span.bytes.extracting(0..<place))
        }
    }

    @Test func `skips fields it does not know`() throws {
        let read = try roundTrip(.cancel) { writer in
            writer.append(.cancel) { writer in
                writer.field(200, "later")
                writer.field(1, 5 as UInt64)
                writer.field(2, "revoked")
            }
        } read: {
            try CancelFrame(payload: $0)
        }
        #expect(read == CancelFrame(job: 5, reason: .revoked))
    }

    @Test(
        arguments: [
            ([0, 0, 0, 0, 0, 0, 0, 0], "kind"), ([0, 0, 0, 0, 77, 0, 0, 0], "kind"),
            ([255, 255, 255, 255, 4, 0, 0, 0], "bytes"),
        ] as [([UInt8], String)]
    )
    func `refuses a wrong header`(_ bytes: [UInt8], _ word: String) {
        let error = #expect(throws: PoolError.self) {
            try Frame.header(of: bytes.span.bytes, at: 0, limit: Frame.defaultLimit)
        }
        #expect(error?.message.contains(word) == true)
    }

    @Test func `waits for the rest of a header`() throws {
        let bytes: [UInt8] = [0, 0, 0, 0, 1, 0, 0]
        #expect(try Frame.header(of: bytes.span.bytes, at: 0, limit: 10) == nil)
    }
}
