extension TaskMessage {
    /// Reads one item of a queue's list, as any producer of Celery's protocols 1 and 2 writes it.
    ///
    /// Arguments stay JSON text and what follows the task is read only where something does, so that the usual message
    /// costs a handful of allocations. Every input has an outcome, a message or an error that says why not;
    /// `Docs/Protocol.md` lists them beside what Celery's worker does.
    ///
    /// - Parameters:
    ///   - item: the bytes as Redis returned them.
    ///   - codecs: which content is accepted and which compressions are known.
    ///   - limits: sizes and depth, checked before memory is taken.
    public static func decode(
        _ item: [UInt8],
        codecs: MessageCodecs = .json,
        limits: MessageLimits = .init()
    ) throws(MessageError) -> TaskMessage {
        try TaskMessage(reading: item, codecs: codecs, limits: limits)
    }

    /// Reads an item into an empty message; made in an initializer its parts are not copied on the way out.
    private init(reading item: [UInt8], codecs: MessageCodecs, limits: MessageLimits) throws(MessageError) {
        guard item.count <= limits.itemBytes else {
            throw MessageError(.tooLarge, "the message has \(item.count) bytes, \(limits.itemBytes) are allowed")
        }
        headers = TaskHeaders()
        properties = MessageProperties(routingKey: "")
        payload = TaskPayload(args: [], kwargs: [])
        protocolVersion = 2
        contentType = JSONSerializer.contentType
        try read(item, codecs: codecs, limits: limits)
    }

    private mutating func read(
        _ item: [UInt8],
        codecs: MessageCodecs,
        limits: MessageLimits
    ) throws(MessageError) {
        var envelope = EnvelopeReader()
        do throws(MessageError) {
            try item.withUnsafeBufferPointer { buffer throws(MessageError) in
                try Self.fill(&self, from: buffer, envelope: &envelope, codecs: codecs, limits: limits)
            }
        } catch {
            let (id, name) = (headers.id, headers.task)
            throw error.naming(id: envelope.hasID ? id : nil, name: envelope.hasTask ? name : nil)
        }
    }

    private static func fill(
        _ message: inout TaskMessage,
        from buffer: UnsafeBufferPointer<UInt8>,
        envelope: inout EnvelopeReader,
        codecs: MessageCodecs,
        limits: MessageLimits
    ) throws(MessageError) {
        var scanner = JSONScanner(buffer, depth: limits.depth, tags: .keepUnknown)
        do throws(JSONError) {
            try envelope.read(&scanner, into: &message)
        } catch {
            throw MessageError(error.code == .tooDeep ? .tooLarge : .notEnvelope, "the message is not JSON: \(error)")
        }
        if let reason = envelope.unfitness { throw reason }
        if let contentType = envelope.contentType { message.contentType = contentType }
        if envelope.hasTask {
            try envelope.fillPayload(of: &message, scanner, codecs: codecs, limits: limits)
        } else {
            let body = try envelope.openBody(scanner, codecs: codecs, limits: limits)
            try message.fill(fromProtocolOne: try body.value(limits: limits))
        }
    }

    // MARK: Protocol 1

    /// Takes the task from a body of protocol 1: one object with everything in it, headers of the message on top.
    ///
    /// Mirrors `hybrid_to_proto2` in `celery/worker/strategy.py`: `group_index` and stamps of the body do not count.
    private mutating func fill(fromProtocolOne body: JSONValue) throws(MessageError) {
        guard let object = body.object, let task = object["task"]?.string, !task.isEmpty else {
            throw MessageError(.unknownMessage, "the message names no task")
        }
        guard let id = object["id"]?.string, !id.isEmpty else {
            throw MessageError(.invalidTask, "the body has no id", taskName: task)
        }
        protocolVersion = 1
        headers.task = task
        headers.id = id
        do throws(MessageError) {
            try headers.fill(fromProtocolOne: object)
            payload = try Self.payload(ofProtocolOne: object)
        } catch {
            throw MessageError(error.code, error.message, taskID: id, taskName: task)
        }
    }

    private static func payload(ofProtocolOne object: JSONObject) throws(MessageError) -> TaskPayload {
        var payload = TaskPayload()
        switch object["args"] {
        case nil: break
        case .array(let values)?: payload.args = JSONWriter.bytes(.array(values))
        default: throw MessageError(.invalidTask, "args is not a list")
        }
        switch object["kwargs"] {
        case nil: break
        case .object(let members)?: payload.kwargs = JSONWriter.bytes(.object(members))
        default: throw MessageError(.invalidTask, "kwargs is not an object")
        }
        let kept = ["callbacks", "errbacks", "chord"].map { ($0, object[$0] ?? .null) }
        payload.embed = try Embed(json: .object(JSONObject(kept)))
        return payload
    }
}

extension TaskHeaders {
    /// Takes from a body of protocol 1 what the message's own headers leave open.
    fileprivate mutating func fill(fromProtocolOne body: JSONObject) throws(MessageError) {
        if eta == nil { eta = try Self.moment(body["eta"], named: "eta") }
        if expires == nil { expires = try Self.moment(body["expires"], named: "expires") }
        group = group ?? body["group"]?.string ?? body["taskset"]?.string
        shadow = shadow ?? body["shadow"]?.string
        rootID = rootID ?? body["root_id"]?.string
        parentID = parentID ?? body["parent_id"]?.string
        argsrepr = argsrepr ?? body["argsrepr"]?.string
        kwargsrepr = kwargsrepr ?? body["kwargsrepr"]?.string
        origin = origin ?? body["origin"]?.string
        if retries == 0, let number = body["retries"] {
            retries = max(0, number.int.flatMap { Int(exactly: $0) } ?? number.string.flatMap { Int($0) } ?? 0)
        }
        if let limits = body["timelimit"]?.array {
            hardTimeLimit = hardTimeLimit ?? limits.first?.number
            softTimeLimit = softTimeLimit ?? limits.dropFirst().first?.number
        }
    }

    private static func moment(_ value: JSONValue?, named name: String) throws(MessageError) -> String? {
        switch value {
        case nil, .null?: return nil
        case .string(let text)?, .tagged(.datetime(let text))?:
            guard ISO8601.date(text) != nil else {
                throw MessageError(.invalidTask, "invalid \(name): not an ISO 8601 date")
            }
            return text
        default: throw MessageError(.invalidTask, "invalid \(name): not a string")
        }
    }
}

extension EnvelopeReader {
    /// What makes a message unfit whatever its body says.
    fileprivate var unfitness: MessageError? {
        if hasTask, !hasID { return MessageError(.invalidTask, "the headers have no id") }
        if !hasProperties { return MessageError(.notEnvelope, "the message has no properties") }
        if !hasDeliveryInfo { return MessageError(.notEnvelope, "the message has no delivery_info") }
        if !hasDeliveryTag { return MessageError(.notEnvelope, "the message has no delivery_tag") }
        if let problem { return MessageError(.invalidTask, problem) }
        return nil
    }
}

extension MessageError {
    /// The same error with the identity the headers gave, unless it has a better one.
    fileprivate func naming(id: String?, name: String?) -> MessageError {
        MessageError(code, message, taskID: taskID ?? id, taskName: taskName ?? name)
    }
}
