public import CeleriacTasks
public import CeleryMessage

/// Sends many text messages: `send_bulk_sms(messages, company_id=None)`, a list of `{phone, message}`.
///
/// A few requests run at a time. One bad message fails only itself; messages a gateway cannot take now are tried again
/// at the end, a few times with growing pauses.
public struct SendBulkSMSHandler: TaskHandler {
    private static let function = "send_bulk_sms"
    private static let parameters = Parameters(function, ["messages", .optional("company_id", nil)])
    private static let itemParameters = Parameters(function, ["phone", "message", .optional("company_id", nil)])
    private let settings: SMSSettings

    /// Reads the handler's options.
    public init(_ setup: HandlerSetup) throws { settings = try SMSSettings(setup) }

    /// Sends the messages and tells what became of each, in the list's order; reports progress after every message.
    public func run(_ arguments: TaskArguments, context: TaskContext) async throws -> JSONValue {
        let bound = try Self.parameters.bind(arguments)
        let messages = try bound.array("messages")
        let company = try SMSSending.company(bound)
        var run = Run(count: messages.count, settings: settings, context: context)
        var ready: [(place: Int, sending: SMSSending)] = []
        context.progress(current: 0, total: messages.count, status: "sending \(messages.count) messages")
        for (place, item) in messages.enumerated() {
            do {
                ready.append((place, try sending(item, place: place, company: company)))
            } catch {
                run.finish(place, Self.failed(error, item))
            }
        }
        try await run.send(ready)
        return run.result()
    }

    private func sending(_ item: JSONValue, place: Int, company: String?) throws(TaskFailure) -> SMSSending {
        guard let object = item.object else {
            throw .typeError(
                "\(Self.function)() argument 'messages[\(place)]' must be dict, not \(item.pythonTypeName)"
            )
        }
        let bound = try Self.itemParameters.bind(TaskArguments(keyword: object))
        return try SMSSending(bound, company: try SMSSending.company(bound) ?? company, settings: settings)
    }

    private static func failed(_ failure: TaskFailure, _ item: JSONValue) -> JSONObject {
        var outcome: JSONObject = ["status": "failed"]
        if let phone = item["phone"] { outcome["phone"] = phone }
        outcome["error"] = [
            "type": .string(failure.type), "message": .string(failure.message), "temporary": false,
        ]
        return outcome
    }

    /// Closes the connections to the gateways.
    public func shutdown() async { await settings.client.shutdown() }

    /// One run over one list.
    private struct Run {
        private typealias Item = (place: Int, sending: SMSSending)
        private typealias Failure = (item: Item, error: SMSError)

        let settings: SMSSettings
        let context: TaskContext
        private var outcomes: [JSONObject?]
        private var sent = 0
        private var finished = 0
        private var parts: Int64 = 0

        init(count: Int, settings: SMSSettings, context: TaskContext) {
            self.settings = settings
            self.context = context
            outcomes = Array(repeating: nil, count: count)
        }

        mutating func send(_ items: [(place: Int, sending: SMSSending)]) async throws {
            var open = items
            var pause = settings.itemRetryDelay
            let earlier = context.request.retries > 0 || context.request.redelivered
            for attempt in 0...settings.itemRetries where !open.isEmpty {
                if attempt > 0 {
                    try await Task.sleep(for: pause)
                    pause *= 2
                }
                let failures = try await pass(over: open, isRepeat: earlier || attempt > 0)
                try retryWhole(after: failures, of: items.count, attempt: attempt)
                if attempt == settings.itemRetries {
                    for (item, error) in failures { finish(item, error) }
                }
                open = failures.map(\.item).sorted { $0.place < $1.place }
            }
        }

        /// When no gateway can be reached at all, nothing was sent and the whole task may run again.
        private func retryWhole(after failures: [Failure], of count: Int, attempt: Int) throws {
            guard attempt == 0, sent == 0, failures.count == count else { return }
            guard let first = failures.first, failures.allSatisfy({ $0.error.code == .unreachable }) else { return }
            throw context.retry(doubling: settings.retryDelay, cause: TaskFailure(sms: first.error))
        }

        /// Sends each message once, a few at a time, and returns those to send again.
        private mutating func pass(over items: [Item], isRepeat: Bool) async throws -> [Failure] {
            var failures: [Failure] = []
            // One try is enough to know that a gateway is away: each more would wait for its time limit.
            var away: [String: SMSError] = [:]
            let start = ContinuousClock.now
            try await withThrowingTaskGroup(of: (Item, Result<JSONObject, SMSError>).self) { group in
                var running = 0
                for (turn, item) in items.enumerated() {
                    if running == settings.concurrency, let (done, result) = try await group.next() {
                        running -= 1
                        handle(done, result, &failures, &away)
                    }
                    if let error = away[item.sending.account.name] {
                        failures.append((item, error))
                        continue
                    }
                    try await ContinuousClock().sleep(until: start + settings.stagger * turn)
                    try context.checkCancellation()
                    let name = TaskRequest.fileName(context.request.id, place: item.place)
                    running += 1
                    group.addTask {
                        do {
                            return (item, .success(try await item.sending.send(name: name, isRepeat: isRepeat)))
                        } catch let error as SMSError {
                            return (item, .failure(error))
                        }
                    }
                }
                while let (done, result) = try await group.next() { handle(done, result, &failures, &away) }
            }
            return failures
        }

        private mutating func handle(
            _ item: Item,
            _ result: Result<JSONObject, SMSError>,
            _ failures: inout [Failure],
            _ away: inout [String: SMSError]
        ) {
            switch result {
            case .success(let outcome): finish(item.place, outcome)
            case .failure(let error):
                if error.code == .unreachable { away[item.sending.account.name] = error }
                if settings.isWorthRetrying(error) { failures.append((item, error)) } else { finish(item, error) }
            }
        }

        private mutating func finish(_ item: Item, _ error: SMSError) {
            finish(
                item.place,
                [
                    "status": "failed",
                    "phone": .string(item.sending.message.phone.e164),
                    "transport": .string(error.gateway),
                    "error": [
                        "type": .string(TaskFailure(sms: error).type), "message": .string(error.description),
                        "code": error.gatewayCode.map(JSONValue.string) ?? .null,
                        "temporary": .bool(error.isTemporary),
                    ],
                ]
            )
        }

        mutating func finish(_ place: Int, _ outcome: JSONObject) {
            var shown: JSONObject = ["index": .int(Int64(place))]
            for (key, value) in outcome { shown[key] = value }
            outcomes[place] = shown
            finished += 1
            if outcome["status"]?.string == "sent" {
                sent += 1
                parts += outcome["parts"]?.int ?? 0
            }
            context.progress(
                current: finished,
                total: outcomes.count,
                status: "sent \(sent) of \(outcomes.count) messages",
                more: ["sent": .int(Int64(sent)), "failed": .int(Int64(finished - sent))]
            )
        }

        func result() -> JSONValue {
            [
                "total": .int(Int64(outcomes.count)),
                "sent": .int(Int64(sent)),
                "failed": .int(Int64(finished - sent)),
                "parts": .int(parts),
                "results": .array(outcomes.map { .object($0 ?? [:]) }),
            ]
        }
    }
}
