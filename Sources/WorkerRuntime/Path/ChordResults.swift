import CeleryMessage
import Transport

/// The results of a chord's header, read and put in the order and nesting in which its body takes them.
struct ChordResults {
    /// Why there is no list of results.
    struct Failure: Error {
        /// What is stored for the body.
        var error: ExceptionInfo
        /// The failed part's own exception, which the members of a group body fail with.
        var cause: ExceptionInfo?
        /// The errbacks that were sent already, for a chord inside the header.
        var called: Set<Signature> = []
    }

    private struct Part {
        var id: String
        var state: TaskState
        var result: JSONValue

        var failure: ExceptionInfo? {
            guard state.isPropagated else { return nil }
            return ExceptionInfo(json: result) ?? ExceptionInfo(type: "Exception", arguments: [result])
        }

        var called: Set<Signature> { CalledErrbacks(failure: result).signatures }
    }

    private var parts: [Part] = []
    private var saved: ResultTuple?
    private var unreadable: MessageError?

    init(_ parts: ChordParts?, codecs: MessageCodecs, serializer: String) {
        do throws(MessageError) {
            switch parts {
            case .values(let values)?: try read(values, codecs, serializer)
            case .saved(let group, let values)?:
                try read(values, codecs, serializer)
                let tuple = try codecs.value(group, serializer: serializer)["result"]
                saved = tuple.flatMap(ResultTuple.init(json:))
            case .tooMuch?: unreadable = MessageError(.tooLarge, "the results of the header are too large")
            case nil: unreadable = MessageError(.undecodable, "the results of the header are gone")
            }
        } catch {
            unreadable = error
        }
    }

    private mutating func read(_ values: [[UInt8]], _ codecs: MessageCodecs, _ serializer: String) throws(MessageError)
    {
        for value in values {
            guard let list = try codecs.value(value, serializer: serializer).array, list.count == 4,
                let id = list[1].string, let state = list[2].string
            else { throw MessageError(.undecodable, "a part of the header is not what it should be") }
            parts.append(Part(id: id, state: TaskState(rawValue: state), result: list[3]))
        }
    }

    /// The tasks of the saved group of which nothing came as a part: their records have to be read.
    var missing: [String] {
        guard let saved else { return [] }
        let known = Set(parts.map(\.id))
        return Self.tasks(saved).filter { !known.contains($0) }
    }

    private static func tasks(_ tuple: ResultTuple) -> [String] {
        tuple.members.map { $0.flatMap(tasks) } ?? [tuple.id]
    }

    /// Adds stored records, in whatever form they are.
    mutating func add(_ records: [String: [UInt8]], codecs: MessageCodecs) {
        for (id, bytes) in records {
            // One that cannot be read is missing, and the join fails below.
            guard let record = try? ResultRecord(decoding: bytes, codecs: codecs), record.status.isReady,
                let value = try? record.value()
            else { continue }
            parts.append(Part(id: id, state: record.status, result: value))
        }
    }

    /// The list for the body, or why there is none, as `celery/backends/redis.py` words it.
    func list() throws(Failure) -> [UInt8] {
        if let unreadable { throw Failure(error: .chordError("Join error: \(unreadable.message)")) }
        if let saved {
            let known = Dictionary(parts.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
            return JSONWriter.bytes(try Self.nested(saved, known))
        }
        if let failed = parts.first(where: { $0.failure != nil }), let cause = failed.failure {
            throw Failure(
                error: .chordError(dependency: failed.id, raised: cause),
                cause: cause,
                called: failed.called
            )
        }
        return JSONWriter.bytes(.array(parts.map(\.result)))
    }

    private static func nested(_ tuple: ResultTuple, _ known: [String: Part]) throws(Failure) -> JSONValue {
        if let members = tuple.members {
            var values: [JSONValue] = []
            for member in members { values.append(try nested(member, known)) }
            return .array(values)
        }
        guard let part = known[tuple.id] else {
            throw Failure(error: .chordError("Join error: TimeoutError('The operation timed out.')"))
        }
        if let cause = part.failure {
            throw Failure(error: .chordError("Join error: \(cause.pythonRepr)"), called: part.called)
        }
        return part.result
    }
}
