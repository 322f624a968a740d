/// The body of a message once it is unwrapped: bytes in the form its content type names.
struct MessageBody {
    var bytes: [UInt8]
    var contentType: String
    var serializer: any BodySerializer

    /// Reads the body as any value; protocol 1 needs it.
    func value(limits: MessageLimits) throws(MessageError) -> JSONValue {
        do {
            return try serializer.decode(bytes, limits: JSONLimits(depth: limits.depth, bytes: limits.bodyBytes))
        } catch {
            throw MessageError(.undecodable, "the body is not \(serializer.name): \(error)")
        }
    }

    /// Reads the body as `[args, kwargs, embed]`.
    func payload(limits: MessageLimits) throws(MessageError) -> TaskPayload {
        guard contentType == JSONSerializer.contentType else { return try Self.payload(of: try value(limits: limits)) }
        return try bytes.withUnsafeBufferPointer { buffer throws(MessageError) -> TaskPayload in
            try Self.payload(of: buffer, depth: limits.depth)
        }
    }

    private static func payload(of value: JSONValue) throws(MessageError) -> TaskPayload {
        guard let parts = value.array, parts.count == 3 else { throw wrongShape }
        guard parts[0].array != nil else { throw argsNoList }
        guard parts[1].object != nil else { throw kwargsNoObject }
        return TaskPayload(
            args: JSONWriter.bytes(parts[0]),
            kwargs: JSONWriter.bytes(parts[1]),
            embed: try Embed(json: parts[2])
        )
    }

    // MARK: JSON

    /// Reads a JSON body without building values for the arguments.
    static func payload(of buffer: UnsafeBufferPointer<UInt8>, depth: Int) throws(MessageError) -> TaskPayload {
        var scanner = JSONScanner(buffer, depth: depth)
        let parts: Parts?
        do throws(JSONError) {
            parts = try Parts(&scanner)
        } catch {
            throw notJSON(error)
        }
        guard let parts else { throw wrongShape }
        guard buffer[parts.args.lowerBound] == UInt8(ascii: "[") else { throw argsNoList }
        guard buffer[parts.kwargs.lowerBound] == UInt8(ascii: "{") else { throw kwargsNoObject }
        if parts.mayHoldTags {
            try checkTags(scanner.buffer(parts.args.lowerBound, parts.args.upperBound), depth: depth)
            try checkTags(scanner.buffer(parts.kwargs.lowerBound, parts.kwargs.upperBound), depth: depth)
        }
        return TaskPayload(
            args: scanner.slice(parts.args.lowerBound, parts.args.upperBound),
            kwargs: scanner.slice(parts.kwargs.lowerBound, parts.kwargs.upperBound),
            embed: try parts.embed.map { value throws(MessageError) in try Embed(json: value) } ?? Embed()
        )
    }

    /// Where the three elements of a body are.
    private struct Parts {
        var args: Range<Int>
        var kwargs: Range<Int>
        /// `nil` when nothing follows the task.
        var embed: JSONValue?
        var mayHoldTags: Bool

        /// Passes the whole body; `nil` when it is JSON but not a list of three.
        init?(_ scanner: inout JSONScanner) throws(JSONError) {
            guard try scanner.peek() == UInt8(ascii: "[") else {
                try scanner.skipValue()
                try scanner.finish()
                return nil
            }
            try scanner.pass(UInt8(ascii: "["))
            if try scanner.passed(UInt8(ascii: "]")) { return nil }
            args = try Self.range(&scanner)
            guard try scanner.passed(UInt8(ascii: ",")) else { return nil }
            kwargs = try Self.range(&scanner)
            guard try scanner.passed(UInt8(ascii: ",")) else { return nil }
            mayHoldTags = scanner.sawTypeKey
            if try scanner.passedEmptyEmbed() {
                embed = nil
            } else {
                embed = try scanner.value(depth: 1)
            }
            guard try scanner.passed(UInt8(ascii: "]")) else { return nil }
            try scanner.finish()
        }

        private static func range(_ scanner: inout JSONScanner) throws(JSONError) -> Range<Int> {
            scanner.skipSpace()
            let start = scanner.position
            try scanner.skipValue(depth: 1)
            return start..<scanner.position
        }
    }

    /// Unknown or ill-formed type tags make a body undecodable, also where nobody looks at the values yet.
    private static func checkTags(_ buffer: UnsafeBufferPointer<UInt8>, depth: Int) throws(MessageError) {
        var scanner = JSONScanner(buffer, depth: depth)
        do throws(JSONError) {
            _ = try scanner.document()
        } catch {
            throw notJSON(error)
        }
    }

    private static func notJSON(_ error: JSONError) -> MessageError {
        MessageError(error.code == .tooDeep ? .tooLarge : .undecodable, "the body is not JSON: \(error)")
    }

    private static var wrongShape: MessageError {
        MessageError(.invalidTask, "the body is not a list of args, kwargs and embed")
    }
    private static var argsNoList: MessageError { MessageError(.invalidTask, "args is not a list") }
    private static var kwargsNoObject: MessageError { MessageError(.invalidTask, "kwargs is not an object") }
}

extension EnvelopeReader {
    /// Reads the body as what the task is called with.
    func fillPayload(
        of message: inout TaskMessage,
        _ scanner: JSONScanner,
        codecs: MessageCodecs,
        limits: MessageLimits
    ) throws(MessageError) {
        if let failure = fillPlainPayload(of: &message, scanner, codecs: codecs, limits: limits) {
            if let failure = failure.reason { throw failure }
            return
        }
        let body = try openBody(scanner, codecs: codecs, limits: limits)
        message.payload = try body.payload(limits: limits)
    }

    /// How reading the usual kind of body ended.
    private struct Ending {
        var reason: MessageError?
    }

    /// Reads the usual body, uncompressed JSON in base64, without keeping its bytes; `nil` for any other.
    private func fillPlainPayload(
        of message: inout TaskMessage,
        _ scanner: JSONScanner,
        codecs: MessageCodecs,
        limits: MessageLimits
    ) -> Ending? {
        guard let body, body.plain, body.end > body.start, compression == nil, codecs.acceptsJSON, isBase64,
            contentType == JSONSerializer.contentType,
            (body.end - body.start) / 4 * 3 <= limits.bodyBytes
        else { return nil }
        let text = scanner.buffer(body.start, body.end)
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: text.count / 4 * 3) { buffer in
            guard let count = Base64.decodeStrictly(text, into: buffer) else { return nil }
            do throws(MessageError) {
                let bytes = UnsafeBufferPointer(rebasing: buffer[..<count])
                message.payload = try MessageBody.payload(of: bytes, depth: limits.depth)
                return Ending(reason: nil)
            } catch {
                return Ending(reason: error)
            }
        }
    }

    /// Unwraps the body: base64, compression, in the order Kombu applies them, once the content type is accepted.
    func openBody(
        _ scanner: JSONScanner,
        codecs: MessageCodecs,
        limits: MessageLimits
    ) throws(MessageError) -> MessageBody {
        let serializer = try serializer(codecs)
        guard let body else { throw MessageError(.undecodable, "the body is not a string") }
        guard body.end > body.start else { throw MessageError(.invalidTask, "the body is empty") }
        var bytes = scanner.unescaped(body)
        if isBase64 {
            guard bytes.count / 4 * 3 <= limits.bodyBytes else { throw tooLarge(limits) }
            guard let decoded = Base64.decode(bytes) else { throw MessageError(.undecodable, "the body is not base64") }
            bytes = decoded
        }
        if let name = compression {
            bytes = try decompress(bytes, name, codecs: codecs, limits: limits)
        }
        guard bytes.count <= limits.bodyBytes else { throw tooLarge(limits) }
        return MessageBody(bytes: bytes, contentType: serializer.contentType, serializer: serializer)
    }

    private func serializer(_ codecs: MessageCodecs) throws(MessageError) -> any BodySerializer {
        guard let contentType else { throw MessageError(.invalidTask, "the message has no content-type") }
        if contentType == JSONSerializer.contentType, codecs.acceptsJSON { return JSONSerializer() }
        guard codecs.accepts(contentType: contentType), let serializer = codecs.serializer(contentType) else {
            throw MessageError.contentDisallowed(contentType)
        }
        return serializer
    }

    private func decompress(
        _ bytes: [UInt8],
        _ name: String,
        codecs: MessageCodecs,
        limits: MessageLimits
    ) throws(MessageError) -> [UInt8] {
        guard let compression = codecs.compression(name) else {
            throw MessageError(.undecodable, "the compression \(name) is not known")
        }
        do {
            return try compression.decompress(bytes, limit: limits.bodyBytes)
        } catch {
            throw MessageError(.undecodable, "the body is not \(compression.contentType): \(error)")
        }
    }

    private func tooLarge(_ limits: MessageLimits) -> MessageError {
        MessageError(.tooLarge, "the body has more than \(limits.bodyBytes) bytes")
    }
}

extension MessageError {
    /// The refusal that Kombu's clients know, with the type's short name where it has one.
    static func contentDisallowed(_ contentType: String) -> MessageError {
        let names = [
            "application/json": "json", "application/x-yaml": "yaml", "application/x-msgpack": "msgpack",
            "application/x-python-serialize": "pickle",
        ]
        // `kombu/serialization.py`; error trackers match on this text.
        let what = "\(names[contentType] ?? contentType) (\(contentType))"
        return MessageError(.contentDisallowed, "Refusing to deserialize untrusted content of type \(what)")
    }
}

extension JSONScanner {
    /// Passes the embed of a task that nothing follows, in the spelling of Python's producers.
    fileprivate mutating func passedEmptyEmbed() throws(JSONError) -> Bool {
        _ = try peek()
        return passed(#"{"callbacks": null, "errbacks": null, "chain": null, "chord": null}"#)
    }
}
