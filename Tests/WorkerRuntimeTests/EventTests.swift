import CeleryMessage
import Testing
import Transport

@testable import WorkerRuntime

/// Events member by member against those that Celery's workers sent.
@Suite struct EventTests {
    private static func dispatcher(_ change: (inout EventConfiguration) -> Void = { _ in }) -> EventDispatcher {
        var configuration = EventConfiguration()
        configuration.sendsTaskEvents = true
        change(&configuration)
        return EventDispatcher(
            configuration: configuration,
            hostname: "w1@worker.example.com",
            origin: "gen7@host",
            processID: 4711,
            utcOffset: -5.5
        )
    }

    /// The recorded events of a type, in whatever situation.
    private static func recorded(_ type: String, in situation: String) throws -> JSONValue {
        for line in try Recorded.lines("events/\(situation)") {
            let message = try BroadcastMessage(decoding: Array((line["raw"]?.string ?? "").utf8))
            let body = try message.value()
            for event in body.array ?? [body] where event["type"]?.string == type { return event }
        }
        throw Recorded.Missing(what: "\(type) in \(situation)")
    }

    private static var headers: TaskHeaders {
        var headers = TaskHeaders(task: "proj.add", id: "id-1")
        headers.argsrepr = "(1, 1)"
        headers.kwargsrepr = "{}"
        return headers
    }

    private static var message: TaskMessage { TaskMessage(task: "proj.add", id: "id-1", args: [1, 1]) }

    struct Row: Sendable, CustomTestStringConvertible {
        let type: StaticString
        let situation: String
        let fields: EventFields
        var testDescription: String { type.description }
    }

    static let rows: [Row] = [
        Row(
            type: "task-received",
            situation: "task_eta_expires_parent",
            fields: .received(headers, hiding: SecretNames())
        ),
        Row(type: "task-started", situation: "task_succeeded", fields: .started(headers)),
        Row(
            type: "task-succeeded",
            situation: "task_succeeded",
            fields: .succeeded(
                headers,
                result: Array("5".utf8),
                hiding: SecretNames(),
                runtime: .seconds(1),
                longest: 1024
            )
        ),
        Row(
            type: "task-failed",
            situation: "task_failed",
            fields: .failed("id-1", .valueError("boom"), traceback: "Traceback")
        ),
        Row(
            type: "task-failed",
            situation: "task_unregistered",
            fields: .failed("id-1", .notRegistered("proj.nope"), traceback: nil)
        ),
        Row(
            type: "task-retried",
            situation: "task_retried",
            fields: .retried(headers, .valueError("x"), traceback: "Traceback")
        ),
        Row(
            type: "task-revoked",
            situation: "task_revoked",
            fields: .revoked(headers, signal: nil, isExpired: false)
        ),
        Row(type: "task-rejected", situation: "task_rejected", fields: .rejected(headers, requeue: false)),
        Row(type: "task-cancelled", situation: "cold_shutdown_task_cancelled", fields: .cancelled(headers)),
        Row(type: "task-sent", situation: "task_succeeded", fields: .sent(message, hiding: SecretNames())),
        Row(
            type: "worker-online",
            situation: "worker_online_heartbeat",
            fields: .worker(frequency: 2, active: 0, processed: 0, load: [5.321, 4.6, 4])
        ),
        Row(
            type: "worker-offline",
            situation: "worker_offline",
            fields: .worker(frequency: 2, active: 0, processed: 0, load: [1, 2, 3])
        ),
        Row(type: "worker-heartbeat", situation: "heartbeat_on_demand", fields: .heartbeatOnDemand()),
    ]

    @Test(arguments: rows) func `has the members Celery's event has, in order and of the same kinds`(_ row: Row) throws
    {
        var dispatcher = Self.dispatcher()
        let message = dispatcher.message(EventDraft(row.type, row.fields, at: 1_795_232_958.5))
        let event = try message.value()
        let theirs = try Self.recorded(row.type.description, in: row.situation)
        #expect(event.object?.keys == theirs.object?.keys)
        for (key, value) in theirs.object ?? JSONObject() where !value.isNull {
            let mine = try #require(event[key])
            // Dates and parents may be missing from one of them.
            guard !mine.isNull else { continue }
            #expect(mine.kind == value.kind, "\(key)")
        }
        #expect(event["hostname"] == "w1@worker.example.com")
        #expect(event["utcoffset"] == .double(-5.5))
        #expect(event["pid"] == 4711)
        #expect(event["clock"] == 1)
        #expect(event["timestamp"] == .double(1_795_232_958.5))
        #expect(message.routingKey == row.type.description.replacing("-", with: "."))
        #expect(message.headers == ["hostname": "w1@worker.example.com"])
        #expect(message.deliveryMode == 1)
    }

    @Test func `shows what a result, a date and a load look like`() throws {
        var dispatcher = Self.dispatcher()
        func event(_ fields: EventFields) throws -> JSONValue {
            try dispatcher.message(EventDraft("task-x", fields, at: 0)).value()
        }
        var headers = Self.headers
        headers.shadow = "nice.name"
        headers.eta = "2026-11-21T05:49:24.460875+02:00"
        let received = try event(.received(headers, hiding: SecretNames()))
        #expect(received["name"] == "nice.name")
        #expect(received["args"] == "(1, 1)")
        #expect(received["eta"] == "2026-11-21T03:49:24.460875+00:00")
        #expect(received["expires"] == .null)
        let long = Array(("\"" + String(repeating: "x", count: 5000) + "\"").utf8)
        let result = try event(
            .succeeded(headers, result: long, hiding: SecretNames(), runtime: .milliseconds(1500), longest: 100)
        )["result"]
        #expect(result?.string?.count ?? 0 <= 110)
        let load = try event(.worker(frequency: 2, active: 1, processed: 2, load: [0.126, 1, 2]))["loadavg"]
        #expect(load == [0.13, 1.0, 2.0])
        #expect(
            try event(.revoked(headers, signal: 15, isExpired: false))["signum"] == 15
        )
    }

    // MARK: Batches

    @Test func `gathers task events into arrays of bounded size`() throws {
        var dispatcher = Self.dispatcher()
        let isFirst = (0..<50).map { _ in
            dispatcher.add(EventDraft("task-started", .started(Self.headers), at: 1))
        }
        #expect(isFirst.first == true)
        #expect(!isFirst.dropFirst().contains(true))
        let messages = dispatcher.takeBatches()
        let batches = try messages.map { try $0.value().array ?? [] }
        #expect(batches.map(\.count) == [24, 24, 2])
        #expect(batches.flatMap { $0 }.compactMap { $0["clock"]?.int } == Array(1...50))
        #expect(messages.allSatisfy { $0.routingKey == "task.multi" && $0.exchange == "celeryev" })
        #expect(dispatcher.takeBatches().isEmpty)
        #expect(dispatcher.add(EventDraft("task-started", .started(Self.headers), at: 1)) == true)
    }

    @Test func `drops events rather than keep them without end`() {
        var dispatcher = Self.dispatcher()
        for _ in 0..<(EventDispatcher.mostWaiting + 10) * EventDispatcher.largestBatch {
            _ = dispatcher.add(EventDraft("task-started", .started(Self.headers), at: 1))
        }
        #expect(dispatcher.takeBatches().count == EventDispatcher.mostWaiting)
    }

    @Test func `announces sent messages in the sender's name`() throws {
        var dispatcher = Self.dispatcher()
        let message = dispatcher.sent(EventDraft("task-sent", .sent(Self.message, hiding: SecretNames()), at: 1))
        #expect(message.routingKey == "task.sent")
        #expect(try message.value()["hostname"] == "gen7@host")
        #expect(message.headers == ["hostname": "gen7@host"])
    }

    // MARK: Switching

    @Test func `the command line's wish cannot be taken away`() {
        var dispatcher = Self.dispatcher()
        #expect(dispatcher.enable() == false)
        #expect(dispatcher.disable() == false)
        #expect(dispatcher.sendsTaskEvents)
    }

    @Test func `without it events are switched on and off by command`() {
        var dispatcher = Self.dispatcher { $0.sendsTaskEvents = false }
        #expect(!dispatcher.sendsTaskEvents)
        #expect(dispatcher.disable() == false)
        #expect(dispatcher.enable() == true)
        #expect(dispatcher.enable() == false)
        #expect(dispatcher.sendsTaskEvents)
        #expect(dispatcher.disable() == true)
        #expect(!dispatcher.sendsTaskEvents)
    }

    // MARK: Audience

    @Test func `asks only now and again while nobody listens`() {
        var audience = EventAudience()
        #expect(audience.isWorthwhile(at: 0))
        audience.received(by: 0, at: 0)
        #expect(!audience.isWorthwhile(at: 1.9))
        #expect(audience.isWorthwhile(at: 2))
        audience.received(by: 0, at: 2)
        #expect(!audience.isWorthwhile(at: 3.9))
        audience.received(by: 1, at: 4)
        #expect(audience.isWorthwhile(at: 4))
    }

    @Test func `a listener that may have come is told from its first moment`() {
        var audience = EventAudience()
        audience.received(by: 0, at: 0)
        #expect(!audience.isWorthwhile(at: 0.1))
        audience.expectListener(at: 0.1)
        #expect(audience.isWorthwhile(at: 0.1))
        // It may subscribe a moment later.
        audience.received(by: 0, at: 0.2)
        #expect(audience.isWorthwhile(at: 0.3))
        audience.received(by: 0, at: 0.1 + EventAudience.patience)
        #expect(!audience.isWorthwhile(at: 0.2 + EventAudience.patience))
    }
}
