extension TaskMessage {
    /// Writes the list item as Celery's producer would: the same keys in the same order, the body in base64.
    ///
    /// - Parameters:
    ///   - codecs: the serializers and compressions to choose from.
    ///   - serializer: the name or mime type of the body's form; ``contentType`` by default.
    ///   - compression: the name or mime type to compress the body with; that of the headers, or none, by default.
    public func encode(
        codecs: MessageCodecs = .json,
        serializer: String? = nil,
        compression: String? = nil
    ) throws(MessageError) -> [UInt8] {
        guard let format = codecs.serializer(serializer ?? contentType) else {
            throw failure("the serializer \(serializer ?? contentType) is not known")
        }
        var headers = headers
        var body = try encodeBody(format)
        if let name = compression ?? headers.compression {
            guard let chosen = codecs.compression(name) else { throw failure("the compression \(name) is not known") }
            do { body = try chosen.compress(body) } catch { throw failure("the body cannot be compressed: \(error)") }
            headers.compression = chosen.contentType
        }
        var out: [UInt8] = []
        out.reserveCapacity(body.count / 3 * 4 + 1024)
        out.append(#"{"body": ""#)
        out.append(contentsOf: Base64.encode(body))
        out.append(#"", "content-encoding": "#)
        JSONWriter.writeString(format.contentEncoding, into: &out)
        out.append(#", "content-type": "#)
        JSONWriter.writeString(format.contentType, into: &out)
        out.append(#", "headers": "#)
        if protocolVersion == 1 { headers.writeCustom(into: &out) } else { headers.write(into: &out) }
        out.append(#", "properties": "#)
        properties.write(id: headers.id, into: &out)
        out.append("}")
        return out
    }

    private func failure(_ message: String) -> MessageError {
        MessageError(.unencodable, message, taskID: headers.id, taskName: headers.task)
    }

    // MARK: Body

    private func encodeBody(_ format: any BodySerializer) throws(MessageError) -> [UInt8] {
        if format.contentType == JSONSerializer.contentType {
            return protocolVersion == 1 ? JSONWriter.bytes(try protocolOneBody()) : jsonBody()
        }
        do {
            let value = protocolVersion == 1 ? try protocolOneBody() : try bodyValue()
            return try format.encode(value)
        } catch let error as MessageError {
            throw error
        } catch {
            throw failure("the body cannot be written as \(format.name): \(error)")
        }
    }

    /// The body as JSON text; the arguments are already that.
    private func jsonBody() -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(payload.args.count + payload.kwargs.count + 96)
        out.append("[")
        out.append(contentsOf: payload.args)
        out.append(", ")
        out.append(contentsOf: payload.kwargs)
        out.append(", ")
        if payload.embed == Embed() {
            out.append(#"{"callbacks": null, "errbacks": null, "chain": null, "chord": null}"#)
        } else {
            JSONWriter.write(payload.embed.json, into: &out)
        }
        out.append("]")
        return out
    }

    private func bodyValue() throws(MessageError) -> JSONValue {
        [try value(payload.args), try value(payload.kwargs), payload.embed.json]
    }

    private func value(_ text: [UInt8]) throws(MessageError) -> JSONValue {
        do throws(JSONError) {
            return try JSONReader.value(text, limits: JSONLimits(bytes: .max))
        } catch {
            throw failure("the arguments are not JSON: \(error)")
        }
    }

    /// The one object of protocol 1; the rest of a chain nests as callbacks there.
    private func protocolOneBody() throws(MessageError) -> JSONValue {
        let embed = payload.embed.json
        let group = headers.group.map(JSONValue.string) ?? .null
        return [
            "task": .string(headers.task),
            "id": .string(headers.id),
            "args": try value(payload.args),
            "kwargs": try value(payload.kwargs),
            "group": group,
            "group_index": headers.groupIndex.map { .int(Int64($0)) } ?? .null,
            "retries": .int(Int64(headers.retries)),
            "eta": headers.eta.map(JSONValue.string) ?? .null,
            "expires": headers.expires.map(JSONValue.string) ?? .null,
            "utc": true,
            "callbacks": embed["callbacks"] ?? .null,
            "errbacks": embed["errbacks"] ?? .null,
            "timelimit": [
                headers.hardTimeLimit.map(JSONValue.seconds) ?? .null,
                headers.softTimeLimit.map(JSONValue.seconds) ?? .null,
            ],
            "taskset": group,
            "chord": embed["chord"] ?? .null,
        ]
    }
}

extension TaskHeaders {
    /// Appends the headers of protocol 2 in Celery's order.
    func write(into out: inout [UInt8]) {
        out.append(#"{"lang": "#)
        JSONWriter.writeString(lang, into: &out)
        out.append(#", "task": "#)
        JSONWriter.writeString(task, into: &out)
        out.append(#", "id": "#)
        JSONWriter.writeString(id, into: &out)
        write(#", "shadow": "#, shadow, into: &out)
        write(#", "eta": "#, eta, into: &out)
        write(#", "expires": "#, expires, into: &out)
        write(#", "group": "#, group, into: &out)
        out.append(#", "group_index": "#)
        JSONWriter.write(groupIndex.map { .int(Int64($0)) } ?? .null, into: &out)
        out.append(#", "retries": "#)
        JSONWriter.writeInteger(Int64(retries), into: &out)
        out.append(#", "timelimit": ["#)
        JSONWriter.write(hardTimeLimit.map(JSONValue.seconds) ?? .null, into: &out)
        out.append(", ")
        JSONWriter.write(softTimeLimit.map(JSONValue.seconds) ?? .null, into: &out)
        out.append("]")
        write(#", "root_id": "#, rootID, into: &out)
        write(#", "parent_id": "#, parentID, into: &out)
        write(#", "argsrepr": "#, argsrepr, into: &out)
        write(#", "kwargsrepr": "#, kwargsrepr, into: &out)
        write(#", "origin": "#, origin, into: &out)
        out.append(#", "ignore_result": "#)
        JSONWriter.write(ignoreResult.map(JSONValue.bool) ?? .null, into: &out)
        out.append(#", "replaced_task_nesting": "#)
        JSONWriter.writeInteger(Int64(replacedTaskNesting), into: &out)
        out.append(#", "stamped_headers": "#)
        JSONWriter.write(stampedHeaders.map { .array($0.map(JSONValue.string)) } ?? .null, into: &out)
        out.append(#", "stamps": "#)
        JSONWriter.write(stamps, into: &out)
        for (key, value) in custom {
            out.append(", ")
            JSONWriter.writeString(key, into: &out)
            out.append(": ")
            JSONWriter.write(value, into: &out)
        }
        out.append("}")
    }

    /// Appends the headers of protocol 1: only what does not belong to the task.
    func writeCustom(into out: inout [UInt8]) { JSONWriter.write(custom, into: &out) }

    /// What follows the task's own headers: custom ones, then what the transport adds.
    private var custom: JSONObject {
        var object = extra
        if let compression { object["compression"] = .string(compression) }
        if redelivered { object["redelivered"] = true }
        return object
    }

    private func write(_ key: StaticString, _ text: String?, into out: inout [UInt8]) {
        out.append(key)
        if let text { JSONWriter.writeString(text, into: &out) } else { out.append("null") }
    }
}

extension MessageProperties {
    /// Appends the properties in Kombu's order.
    func write(id: String, into out: inout [UInt8]) {
        out.append(#"{"correlation_id": "#)
        JSONWriter.writeString(correlationID ?? id, into: &out)
        out.append(#", "reply_to": "#)
        JSONWriter.writeString(replyTo ?? "", into: &out)
        for (key, value) in extra {
            out.append(", ")
            JSONWriter.writeString(key, into: &out)
            out.append(": ")
            JSONWriter.write(value, into: &out)
        }
        out.append(#", "delivery_mode": "#)
        JSONWriter.writeInteger(Int64(deliveryMode), into: &out)
        if let expiration {
            out.append(#", "expiration": "#)
            JSONWriter.writeString(expiration, into: &out)
        }
        out.append(#", "delivery_info": {"exchange": "#)
        JSONWriter.writeString(exchange, into: &out)
        out.append(#", "routing_key": "#)
        JSONWriter.writeString(routingKey, into: &out)
        for (key, value) in deliveryInfo {
            out.append(", ")
            JSONWriter.writeString(key, into: &out)
            out.append(": ")
            JSONWriter.write(value, into: &out)
        }
        if redelivered { out.append(#", "redelivered": true"#) }
        out.append(#"}, "priority": "#)
        JSONWriter.writeInteger(Int64(priority), into: &out)
        out.append(#", "body_encoding": "base64", "delivery_tag": "#)
        JSONWriter.writeString(deliveryTag ?? Identifier.uuid(), into: &out)
        out.append("}")
    }
}
