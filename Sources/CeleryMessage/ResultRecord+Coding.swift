extension ResultRecord {
    /// Appends the record as JSON, byte for byte as Celery's backend writes it.
    public func encode(into out: inout [UInt8]) {
        out.append(#"{"status": "#)
        JSONWriter.writeString(status.rawValue, into: &out)
        out.append(#", "result": "#)
        out.append(contentsOf: result)
        write(#", "traceback": "#, traceback, into: &out)
        out.append(#", "children": "#)
        if let children { ResultTuple.write(children, into: &out) } else { out.append("null") }
        out.append(#", "date_done": "#)
        if let dateDone {
            out.append("\"")
            ISO8601.write(dateDone, offset: utcOffset, into: &out)
            out.append("\"")
        } else {
            out.append("null")
        }
        if let groupID { write(#", "group_id": "#, groupID, into: &out) }
        if let parentID { write(#", "parent_id": "#, parentID, into: &out) }
        extended?.write(into: &out)
        for (key, value) in extra {
            out.append(", ")
            JSONWriter.writeString(key, into: &out)
            out.append(": ")
            JSONWriter.write(value, into: &out)
        }
        out.append(#", "task_id": "#)
        JSONWriter.writeString(taskID, into: &out)
        out.append("}")
    }

    /// The record as JSON.
    public func encoded() -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(result.count + 256)
        encode(into: &out)
        return out
    }

    /// The record in another form: `result_serializer` and `result_compression`.
    ///
    /// - Parameters:
    ///   - codecs: the serializers and compressions to choose from.
    ///   - serializer: a name or mime type.
    ///   - compression: a name or mime type; none by default.
    public func encoded(
        codecs: MessageCodecs,
        serializer: String,
        compression: String? = nil
    ) throws(MessageError) -> [UInt8] {
        var bytes = encoded()
        do {
            guard let format = codecs.serializer(serializer) else {
                throw MessageError(.unencodable, "the serializer \(serializer) is not known")
            }
            if format.contentType != JSONSerializer.contentType {
                bytes = try format.encode(try JSONReader.value(bytes, limits: JSONLimits(bytes: .max)))
            }
            guard let compression else { return bytes }
            guard let chosen = codecs.compression(compression) else {
                throw MessageError(.unencodable, "the compression \(compression) is not known")
            }
            return Self.mark + Array(chosen.contentType.utf8) + [0] + (try chosen.compress(bytes))
        } catch let error as MessageError {
            throw MessageError(error.code, error.message, taskID: taskID)
        } catch {
            throw MessageError(.unencodable, "the result cannot be written as \(serializer): \(error)", taskID: taskID)
        }
    }

    private func write(_ key: StaticString, _ text: String?, into out: inout [UInt8]) {
        out.append(key)
        if let text { JSONWriter.writeString(text, into: &out) } else { out.append("null") }
    }

    /// What a compressed record begins with, before the mime name and a zero byte.
    private static let mark: [UInt8] = [0] + Array("celery-compressed".utf8) + [0]

    // MARK: Reading

    /// Reads a record, compressed or not.
    ///
    /// - Parameters:
    ///   - bytes: the value of the result's key, or what was published for it.
    ///   - codecs: the serializers and compressions to choose from.
    ///   - serializer: the form of the record, `result_serializer`; JSON by default.
    ///   - limits: sizes and depth.
    public init(
        decoding bytes: [UInt8],
        codecs: MessageCodecs = .json,
        serializer: String = "json",
        limits: MessageLimits = .init()
    ) throws(MessageError) {
        let plain = try Self.decompressed(bytes, codecs: codecs, limits: limits)
        guard let format = codecs.serializer(serializer) else {
            throw MessageError(.undecodable, "the serializer \(serializer) is not known")
        }
        let value: JSONValue
        do {
            value = try format.decode(plain, limits: JSONLimits(depth: limits.depth, bytes: limits.bodyBytes))
        } catch {
            throw MessageError(.undecodable, "the record is not \(format.name): \(error)")
        }
        guard let object = value.object, let status = object["status"]?.string else {
            throw MessageError(.undecodable, "the record has no status")
        }
        self.init(taskID: object["task_id"]?.string ?? "", status: TaskState(rawValue: status))
        try read(object)
    }

    private static func decompressed(
        _ bytes: [UInt8],
        codecs: MessageCodecs,
        limits: MessageLimits
    ) throws(MessageError) -> [UInt8] {
        guard bytes.count <= limits.itemBytes else {
            throw MessageError(.tooLarge, "the record has more than \(limits.itemBytes) bytes")
        }
        guard bytes.starts(with: mark) else { return bytes }
        let rest = bytes.dropFirst(mark.count)
        guard let end = rest.firstIndex(of: 0) else { throw MessageError(.undecodable, "the record is cut off") }
        let name = String(decoding: rest[..<end], as: UTF8.self)
        guard let compression = codecs.compression(name) else {
            throw MessageError(.undecodable, "the record's compression is not known")
        }
        do {
            return try compression.decompress(Array(rest[(end + 1)...]), limit: limits.bodyBytes)
        } catch {
            throw MessageError(.undecodable, "the record is not \(compression.contentType): \(error)")
        }
    }

    private mutating func read(_ object: JSONObject) throws(MessageError) {
        for (key, value) in object {
            switch key {
            case "status", "task_id": break
            case "result": result = JSONWriter.bytes(value)
            case "traceback": traceback = value.string
            case "children": children = try Self.tuples(value)
            case "date_done": readDate(value.string)
            case "group_id": groupID = value.string
            case "parent_id": parentID = value.string
            case "name", "args", "kwargs", "worker", "retries", "queue", "stamped_headers": break
            default: extra[key] = value
            }
        }
        readExtended(object)
    }

    private mutating func readDate(_ text: String?) {
        guard let text, let fields = ISO8601.fields(text) else { return }
        dateDone = fields.instant
        utcOffset = fields.offset ?? 0
    }

    private static func tuples(_ value: JSONValue) throws(MessageError) -> [ResultTuple]? {
        guard let list = value.array else { return nil }
        let tuples = list.compactMap(ResultTuple.init(json:))
        guard tuples.count == list.count else { throw MessageError(.undecodable, "the children are no result tuples") }
        return tuples
    }

    private mutating func readExtended(_ object: JSONObject) {
        guard object["name"] != nil, object["worker"] != nil else { return }
        var part = Extended(
            name: object["name"]?.string,
            args: Self.text(object["args"]),
            kwargs: Self.text(object["kwargs"]),
            worker: object["worker"]?.string,
            retries: object["retries"]?.int.flatMap { Int(exactly: $0) },
            queue: object["queue"]?.string,
            stampedHeaders: object["stamped_headers"]?.array?.compactMap(\.string)
        )
        for name in part.stampedHeaders ?? [] {
            guard let stamp = extra[name] else { continue }
            part.stamps[name] = stamp
            extra[name] = nil
        }
        extended = part
    }

    private static func text(_ value: JSONValue?) -> [UInt8]? {
        guard let value, !value.isNull else { return nil }
        return JSONWriter.bytes(value)
    }
}

extension ResultRecord.Extended {
    /// Appends the members, each with a comma before it.
    fileprivate func write(into out: inout [UInt8]) {
        write(#", "name": "#, name, into: &out)
        write(#", "args": "#, json: args, into: &out)
        write(#", "kwargs": "#, json: kwargs, into: &out)
        write(#", "worker": "#, worker, into: &out)
        out.append(#", "retries": "#)
        JSONWriter.write(retries.map { .int(Int64($0)) } ?? .null, into: &out)
        write(#", "queue": "#, queue, into: &out)
        guard let stampedHeaders else { return }
        out.append(#", "stamped_headers": "#)
        JSONWriter.write(stampedHeaders.map(JSONValue.string), into: &out)
        for (key, value) in stamps {
            out.append(", ")
            JSONWriter.writeString(key, into: &out)
            out.append(": ")
            JSONWriter.write(value, into: &out)
        }
    }

    private func write(_ key: StaticString, _ text: String?, into out: inout [UInt8]) {
        out.append(key)
        if let text { JSONWriter.writeString(text, into: &out) } else { out.append("null") }
    }

    private func write(_ key: StaticString, json text: [UInt8]?, into out: inout [UInt8]) {
        out.append(key)
        if let text { out.append(contentsOf: text) } else { out.append("null") }
    }
}
