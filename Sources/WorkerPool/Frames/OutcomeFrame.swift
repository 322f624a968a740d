import CeleriacTasks
import CeleryMessage

/// The outcome frame: how a run ended, how long it took, and what is to be published with its end.
struct OutcomeFrame {
    var job: UInt64
    var runtime: Duration
    var report: HandlerReport

    private enum Tag {
        static let job: UInt8 = 1
        static let kind: UInt8 = 2
        static let runtime: UInt8 = 3
        static let result: UInt8 = 4
        static let traceback: UInt8 = 5
        static let enqueued: UInt8 = 6
        static let module: UInt8 = 7
        static let type: UInt8 = 8
        static let arguments: UInt8 = 9
        static let origin: UInt8 = 10
        static let countdown: UInt8 = 11
        static let maxRetries: UInt8 = 12
        static let reason: UInt8 = 13
        static let requeue: UInt8 = 14
        static let replacement: UInt8 = 15
        static let chordAdditions: UInt8 = 16
        static let overrides: UInt8 = 17
    }

    private enum Kind: UInt64 {
        case success = 0
        case failure = 1
        case retry = 2
        case ignore = 3
        case reject = 4
        case cancelled = 5
        case replace = 6
    }

    init(job: UInt64, runtime: Duration, report: HandlerReport) {
        self.job = job
        self.runtime = runtime
        self.report = report
    }

    /// Appends this outcome; one above `limit` becomes the failure of its task.
    func append(to writer: inout FrameWriter, limit: Int) {
        let start = writer.bytes.count
        let length = write(to: &writer)
        guard length > limit else { return }
        writer.truncate(to: start)
        let failure = TaskFailure.valueError("the task's result of \(length) bytes is above the pool's \(limit)")
        let report = HandlerReport(outcome: .failure(failure, traceback: HandlerRun.traceback(failure, task: "")))
        _ = OutcomeFrame(job: job, runtime: runtime, report: report).write(to: &writer)
    }

    private func write(to writer: inout FrameWriter) -> Int {
        writer.append(.outcome) { writer in
            writer.field(Tag.job, job)
            writer.field(Tag.runtime, runtime.nanoseconds)
            switch report.outcome {
            case .success(let result):
                writer.field(Tag.kind, Kind.success.rawValue)
                writer.field(Tag.result, result)
            case .failure(let failure, let traceback):
                writer.field(Tag.kind, Kind.failure.rawValue)
                Self.append(failure, to: &writer)
                writer.field(Tag.traceback, traceback)
            case .retry(let retry, let traceback):
                writer.field(Tag.kind, Kind.retry.rawValue)
                writer.field(Tag.countdown, retry.countdown)
                writer.field(Tag.maxRetries, retry.maxRetries)
                if let cause = retry.cause { Self.append(cause, to: &writer) }
                if retry.overrides != RetryOverrides() {
                    writer.field(Tag.overrides, JSONWriter.bytes(retry.overrides.json))
                }
                writer.field(Tag.traceback, traceback)
            case .ignore: writer.field(Tag.kind, Kind.ignore.rawValue)
            case .reject(let reject):
                writer.field(Tag.kind, Kind.reject.rawValue)
                writer.field(Tag.reason, reject.reason)
                if reject.requeue { writer.flag(Tag.requeue) }
            case .cancelled(let reason):
                writer.field(Tag.kind, Kind.cancelled.rawValue)
                writer.field(Tag.reason, reason.rawValue)
            case .replace(let signature):
                writer.field(Tag.kind, Kind.replace.rawValue)
                writer.field(Tag.replacement, JSONWriter.bytes(signature.json))
            }
            if !report.enqueued.isEmpty {
                writer.field(Tag.enqueued, JSONWriter.bytes(.array(report.enqueued.map(\.json))))
            }
            if !report.chordAdditions.isEmpty {
                writer.field(Tag.chordAdditions, JSONWriter.bytes(.array(report.chordAdditions.map(\.json))))
            }
        }
    }

    private static func append(_ failure: TaskFailure, to writer: inout FrameWriter) {
        writer.field(Tag.module, failure.module)
        writer.field(Tag.type, failure.type)
        writer.field(Tag.arguments, JSONWriter.bytes(.array(failure.arguments)))
        writer.field(Tag.origin, failure.origin)
    }

    /// Reads an outcome frame.
    ///
    /// - Throws: ``PoolError`` for what is not one.
    init(payload: RawSpan) throws(PoolError) {
        var parts = Parts()
        try Frame.fields(of: payload) { tag, value throws(PoolError) in
            switch tag {
            case Tag.job: parts.job = try value.number()
            case Tag.kind: parts.kind = Kind(rawValue: try value.number())
            case Tag.runtime: parts.runtime = try value.number()
            case Tag.result: parts.result = value.array
            case Tag.traceback: parts.traceback = value.text
            case Tag.enqueued: parts.enqueued = try Self.signatures(value.json())
            case Tag.replacement: parts.replacement = try Self.signatures(.array([value.json()])).first
            case Tag.chordAdditions: parts.chordAdditions = try Self.signatures(value.json())
            case Tag.module: parts.module = value.text
            case Tag.type: parts.type = value.text
            case Tag.arguments: parts.arguments = try value.json().array ?? []
            case Tag.origin: parts.origin = value.text
            case Tag.countdown: parts.countdown = try value.double()
            case Tag.maxRetries: parts.maxRetries = try value.int()
            case Tag.reason: parts.reason = value.text
            case Tag.overrides: parts.overrides = RetryOverrides(json: try value.json())
            case Tag.requeue: parts.requeue = try value.int() != 0
            default: break
            }
        }
        guard let job = parts.job, let outcome = parts.outcome else {
            throw PoolError(code: .malformedFrame, message: "an outcome frame without job, kind or a part of its kind")
        }
        self.init(
            job: job,
            runtime: .nanoseconds(Int64(clamping: parts.runtime)),
            report: HandlerReport(outcome: outcome, enqueued: parts.enqueued, chordAdditions: parts.chordAdditions)
        )
    }

    private static func signatures(_ json: JSONValue) throws(PoolError) -> [Signature] {
        do {
            return try (json.array ?? []).map { try Signature(json: $0) }
        } catch {
            throw PoolError(code: .malformedFrame, message: "an outcome frame with a wrong signature: \(error)")
        }
    }

    /// The fields of a frame while it is read.
    private struct Parts {
        var job: UInt64?
        var kind: Kind?
        var runtime: UInt64 = 0
        var result: [UInt8]?
        var traceback = ""
        var enqueued: [Signature] = []
        var replacement: Signature?
        var chordAdditions: [Signature] = []
        var module: String?
        var type: String?
        var arguments: [JSONValue] = []
        var origin = ""
        var countdown: Double?
        var maxRetries: Int?
        var reason: String?
        var overrides = RetryOverrides()
        var requeue = false

        /// The outcome these fields make, or `nil` when one is missing.
        var outcome: HandlerOutcome? {
            switch kind {
            case .success?: return result.map(HandlerOutcome.success)
            case .failure?: return failure.map { .failure($0, traceback: traceback) }
            case .retry?:
                let retry = TaskRetry(
                    countdown: countdown,
                    maxRetries: maxRetries,
                    cause: failure,
                    overrides: overrides
                )
                return .retry(retry, traceback: traceback)
            case .ignore?: return .ignore
            case .reject?: return .reject(TaskReject(reason: reason ?? "", requeue: requeue))
            case .cancelled?: return reason.flatMap(CancellationReason.init(rawValue:)).map(HandlerOutcome.cancelled)
            case .replace?: return replacement.map(HandlerOutcome.replace)
            case nil: return nil
            }
        }

        private var failure: TaskFailure? {
            guard let module, let type else { return nil }
            var failure = TaskFailure(module: module, type: type, arguments: arguments)
            failure.origin = origin
            return failure
        }
    }
}

extension RawSpan {
    /// The value as JSON.
    func json() throws(PoolError) -> JSONValue {
        do {
            return try JSONReader.value(array, limits: JSONLimits(bytes: max(byteCount, 1)))
        } catch {
            throw PoolError(code: .malformedFrame, message: "a field is not JSON: \(error)")
        }
    }
}

extension Duration {
    /// Whole nanoseconds, zero when negative.
    var nanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        return UInt64(seconds) &* 1_000_000_000 &+ UInt64(attoseconds / 1_000_000_000)
    }
}
