public import CeleryMessage

/// Writes the ends of tasks down: one line of JSON each, with every text bounded and values of secret names masked.
///
/// Members, most of them left out where there is nothing to say: `i` id, `n` name, `s` state, `w` worker, `f` the end in
/// microseconds since 1970, `r` and `b` how many microseconds before it the message was received and the run began, `d`
/// runtime in microseconds, `t` attempts where there was more than one, `m` tenant, `a` and `k` arguments, `v` result (`A`,
/// `K` and `V`, as texts, where they were cut), `e` `[type, message]`, `c` traceback, `p` `[current, total, status]`, `h`
/// earlier attempts, `u` parent, `o` root where it is another task, `g` group.
public struct HistoryWriter: Sendable {
    /// The most bytes of arguments, of keyword arguments and of a result.
    public static let valueLimit = 1024
    /// The most bytes of an exception's message.
    static let messageLimit = 1024
    /// The most bytes of a traceback; its end is kept.
    static let tracebackLimit = 8192
    /// The most bytes of names and ids.
    static let nameLimit = 256
    /// The header in which a retry carries the times of the attempts before it.
    public static let attemptsHeader = "celeriac_attempts"
    /// How many attempts before the last are kept.
    static let attemptsLimit = 20

    private let worker: [UInt8]
    private let tenants: TenantNames
    private let secrets: SecretNames

    /// A writer of one worker.
    ///
    /// - Parameters:
    ///   - worker: its node name.
    ///   - tenants: how a message names its tenant.
    ///   - secrets: the names whose values are masked.
    public init(
        worker: String,
        tenants: TenantNames = TenantNames(),
        secrets: SecretNames = SecretNames()
    ) {
        var quoted: [UInt8] = []
        JSONWriter.writeString(worker, into: &quoted)
        self.worker = quoted
        self.tenants = tenants
        self.secrets = secrets
    }

    /// Appends the line of an end, without a line break.
    public func write(_ end: TaskEnd, into out: inout [UInt8]) {
        out.append(literal: "{\"i\":")
        Self.write(end.id, into: &out)
        out.append(literal: ",\"n\":")
        Self.write(end.name, into: &out)
        out.append(literal: ",\"s\":")
        JSONWriter.writeString(end.state.rawValue, into: &out)
        out.append(literal: ",\"w\":")
        out += worker
        out.append(literal: ",\"f\":")
        out.append(decimal: end.finishedAt.microseconds)
        write(end.run, before: end.finishedAt, into: &out)
        if let received = end.received { write(received, into: &out) }
        if let result = end.result {
            write(result, as: ",\"v\":", into: &out)
        }
        if let exception = end.exception { write(exception, end.traceback, into: &out) }
        out.append(UInt8(ascii: "}"))
    }

    private func write(_ run: TaskEnd.Run, before end: Instant, into out: inout [UInt8]) {
        if let moment = run.receivedAt {
            out.append(literal: ",\"r\":")
            out.append(decimal: max(0, end.microseconds &- moment.microseconds))
        }
        if let moment = run.startedAt {
            out.append(literal: ",\"b\":")
            out.append(decimal: max(0, end.microseconds &- moment.microseconds))
        }
        if let runtime = run.runtime {
            out.append(literal: ",\"d\":")
            out.append(decimal: runtime.wholeMicroseconds)
        }
        if let meta = run.progress { writeProgress(meta, into: &out) }
    }

    /// Whatever a task reports as its state may be anything; only what looks like a progress is one.
    private func writeProgress(_ meta: [UInt8], into out: inout [UInt8]) {
        guard let value = try? JSONReader.value(meta), let current = value["current"]?.number,
            let total = value["total"]?.number
        else { return }
        out.append(literal: ",\"p\":")
        let status = value["status"]?.string.map { JSONValue.string(Self.cut($0, Self.nameLimit)) } ?? .null
        JSONWriter.write(.array([.double(current), .double(total), status]), into: &out)
    }

    /// Through the shared message: a copy would retain each of its members.
    private func write(_ received: ReceivedMessage, into out: inout [UInt8]) {
        if received.message.headers.retries > 0 {
            out.append(literal: ",\"t\":")
            out.append(decimal: Int64(clamping: received.message.headers.retries &+ 1))
            if let earlier = received.message.headers.extra[Self.attemptsHeader], case .array(let attempts) = earlier {
                out.append(literal: ",\"h\":")
                JSONWriter.write(.array(attempts.suffix(Self.attemptsLimit)), into: &out)
            }
        }
        if let tenant = tenants.tenant(of: received) {
            out.append(literal: ",\"m\":")
            Self.write(tenant, into: &out)
        }
        if received.message.payload.args.count > 2 {
            write(received.message.payload.args, as: ",\"a\":", into: &out)
        }
        if received.message.payload.kwargs.count > 2 {
            write(received.message.payload.kwargs, as: ",\"k\":", into: &out)
        }
        if let parent = received.message.headers.parentID {
            out.append(literal: ",\"u\":")
            Self.write(parent, into: &out)
        }
        if let root = received.message.headers.rootID, root != received.message.headers.id {
            out.append(literal: ",\"o\":")
            Self.write(root, into: &out)
        }
        if let group = received.message.headers.group {
            out.append(literal: ",\"g\":")
            Self.write(group, into: &out)
        }
    }

    /// A value as it is; one that had to be cut becomes a text under the capital of its key.
    private func write(_ json: [UInt8], as key: StaticString, into out: inout [UInt8]) {
        out.append(literal: key)
        let letter = out.count - 3
        if !secrets.copy(json, limit: Self.valueLimit, into: &out) { out[letter] &= 0xDF }
    }

    private func write(_ exception: ExceptionInfo, _ traceback: String?, into out: inout [UInt8]) {
        out.append(literal: ",\"e\":[")
        Self.write(exception.type, into: &out)
        out.append(UInt8(ascii: ","))
        JSONWriter.writeString(Self.cut(exception.message, Self.messageLimit), into: &out)
        out.append(UInt8(ascii: "]"))
        guard let traceback, !traceback.isEmpty else { return }
        out.append(literal: ",\"c\":")
        let tail = traceback.utf8.suffix(Self.tracebackLimit)
        let kept = tail.count < traceback.utf8.count ? "…" + String(decoding: tail, as: UTF8.self) : traceback
        JSONWriter.writeString(kept, into: &out)
    }

    // MARK: Attempts

    /// A message of a retry, with the attempt that ended added to those it tells of: `[began, ended, type, message, worker,
    /// seconds it ran]`.
    public static func noting(
        _ run: TaskEnd.Run,
        endedAt: Instant,
        _ exception: ExceptionInfo?,
        by worker: String,
        in message: TaskMessage
    ) -> TaskMessage {
        var message = message
        var attempts: [JSONValue] = []
        if case .array(let earlier)? = message.headers.extra[attemptsHeader] {
            attempts = earlier.suffix(attemptsLimit - 1)
        }
        let started = run.startedAt.map { JSONValue.double($0.seconds) } ?? .null
        let type = exception.map { JSONValue.string(cut($0.type, nameLimit)) } ?? .null
        let text = exception.map { JSONValue.string(cut($0.message, nameLimit)) } ?? .null
        let runtime = run.runtime.map { JSONValue.double(Double($0.wholeMicroseconds) / 1e6) } ?? .null
        let node = JSONValue.string(cut(worker, nameLimit))
        attempts.append(.array([started, .double(endedAt.seconds), type, text, node, runtime]))
        message.headers.extra[attemptsHeader] = .array(attempts)
        return message
    }

    // MARK: Texts

    private static func write(_ name: String, into out: inout [UInt8]) {
        JSONWriter.writeString(name.utf8.count <= nameLimit ? name : cut(name, nameLimit), into: &out)
    }

    /// The beginning of a text, marked where it was cut.
    static func cut(_ text: String, _ limit: Int) -> String {
        guard text.utf8.count > limit else { return text }
        return String(decoding: text.utf8.prefix(limit), as: UTF8.self) + "…"
    }
}

extension Duration {
    /// Whole microseconds; a run is never so long that they would not fit.
    fileprivate var wholeMicroseconds: Int64 {
        let (seconds, attoseconds) = components
        return max(0, seconds &* 1_000_000 &+ attoseconds / 1_000_000_000_000)
    }
}

extension [UInt8] {
    /// Appends the bytes of a literal.
    @inline(__always)
    mutating func append(literal text: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends an integer in decimal.
    mutating func append(decimal number: Int64) {
        if number < 0 { append(UInt8(ascii: "-")) }
        append(digits: number.magnitude)
    }

    private mutating func append(digits number: UInt64) {
        if number >= 10 { append(digits: number / 10) }
        append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: number % 10))
    }
}
