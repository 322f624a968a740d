extension SignatureSender {
    /// The message of one task, with the options it is sent with already taken.
    func message(_ signature: Signature, _ partial: Partial, _ call: Call) throws(MessageError) -> TaskMessage {
        let options = signature.options
        let id = options.id("task_id") ?? context.makeID()
        var headers = TaskHeaders(task: signature.task, id: id)
        headers.rootID = options.id("root_id") ?? context.parent?.root ?? id
        headers.parentID = options.id("parent_id") ?? context.parent?.id
        headers.origin = context.origin
        headers.group = options["group_id"]?.string
        headers.groupIndex = options.integer("group_index")
        headers.shadow = options["shadow"]?.string
        headers.retries = options.integer("retries") ?? 0
        headers.hardTimeLimit = options["time_limit"]?.number
        headers.softTimeLimit = options["soft_time_limit"]?.number
        headers.ignoreResult = options["ignore_result"]?.bool
        headers.replacedTaskNesting = options.integer("replaced_task_nesting") ?? 0
        headers.eta = eta(options)
        headers.compression = options["compression"]?.string
        headers.extra = options["headers"]?.object ?? JSONObject()
        stamp(&headers, with: options)

        let before = signature.immutable ? [] : (partial.argument.map { [$0.value] } ?? []) + partial.args
        let kwargs = signature.immutable ? signature.kwargs : signature.kwargs.overlaid(with: partial.kwargs)
        headers.argsrepr = options["argsrepr"]?.string ?? SafeRepr.args(before + signature.args)
        headers.kwargsrepr = options["kwargsrepr"]?.string ?? SafeRepr.kwargs(kwargs)

        var message = TaskMessage(
            headers: headers,
            properties: properties(signature, id: id),
            payload: TaskPayload(
                args: arguments(signature, partial),
                kwargs: JSONWriter.bytes(.object(kwargs)),
                embed: try embed(options, call)
            ),
            contentType: Self.contentType(options["serializer"]?.string)
        )
        if let expires = expires(options) { message.setExpires(expires, now: context.now) }
        return message
    }

    /// The list of arguments; the parent's result is spliced in as the text it came as.
    private func arguments(_ signature: Signature, _ partial: Partial) -> [UInt8] {
        guard let argument = partial.argument, !signature.immutable else {
            return JSONWriter.bytes(.array((signature.immutable ? [] : partial.args) + signature.args))
        }
        var out: [UInt8] = [UInt8(ascii: "[")]
        out.append(contentsOf: argument.text)
        for value in partial.args + signature.args {
            out.append(", ")
            JSONWriter.write(value, into: &out)
        }
        out.append(UInt8(ascii: "]"))
        return out
    }

    private func embed(_ options: JSONObject, _ call: Call) throws(MessageError) -> Embed {
        var embed = Embed()
        embed.callbacks = try Embed.signatures(options["link"], named: "callbacks")
        embed.errbacks = try Embed.signatures(options["link_error"], named: "errbacks")
        if let chain = call.chain {
            embed.chain = chain
        } else {
            embed.chain = try Embed.signatures(options["chain"], named: "chain")
        }
        embed.endsChain = embed.chain.isEmpty && (call.chain != nil || options["chain"]?.array != nil)
        if let chord = call.chord {
            embed.chord = chord
        } else if let chord = options["chord"], !chord.isNull {
            embed.chord = try Signature(json: chord)
        }
        return embed
    }

    private func eta(_ options: JSONObject) -> String? {
        if let countdown = options["countdown"]?.number, countdown != 0 {
            return ISO8601.string(context.now.advanced(bySeconds: countdown))
        }
        return options.moment("eta")
    }

    private func expires(_ options: JSONObject) -> String? {
        guard let seconds = options["expires"]?.number else { return options.moment("expires") }
        return ISO8601.string(context.now.advanced(bySeconds: seconds))
    }

    /// The signature's own stamps, then those of the task that sends it.
    private func stamp(_ headers: inout TaskHeaders, with options: JSONObject) {
        var names = options["stamped_headers"]?.array?.compactMap(\.string) ?? []
        for name in names { headers.stamps[name] = options[name] ?? .null }
        for name in context.parent?.stampedHeaders ?? [] where !names.contains(name) {
            names.append(name)
            headers.stamps[name] = context.parent?.stamps[name] ?? .null
        }
        headers.stampedHeaders = names.isEmpty ? nil : names
    }

    private func properties(_ signature: Signature, id: String) -> MessageProperties {
        let options = signature.options
        // A map runs another task, so it goes where that one goes.
        let mapped =
            ["celery.map", "celery.starmap"].contains(signature.task) ? signature.kwargs["task"]?["task"] : nil
        let route = options.route ?? context.route(mapped?.string ?? signature.task)
        var properties = MessageProperties(
            correlationID: id,
            replyTo: options["reply_to"]?.string ?? context.replyTo,
            exchange: route.exchange,
            routingKey: route.routingKey
        )
        properties.priority = options.integer("priority") ?? context.inheritedPriority ?? 0
        properties.deliveryMode =
            options.integer("delivery_mode") ?? (options["delivery_mode"]?.string == "transient" ? 1 : 2)
        let stamps = options["stamped_headers"]?.array?.compactMap(\.string) ?? []
        // What `apply_async` does not know goes to the properties, as `kombu/messaging.py` does with it.
        for (key, value) in options where !Self.known.contains(key) && !stamps.contains(key) {
            properties.extra[key] = value
        }
        return properties
    }

    /// The options that have a meaning of their own.
    private static let known: Set<String> = [
        "task_id", "reply_to", "group_id", "group_index", "root_id", "parent_id", "chord", "chain", "link",
        "link_error", "queue", "exchange", "exchange_type", "routing_key", "priority", "countdown", "eta", "expires",
        "time_limit", "soft_time_limit", "serializer", "compression", "shadow", "retry", "retry_policy", "retries",
        "headers", "ignore_result", "replaced_task_nesting", "stamped_headers", "delivery_mode", "producer",
        "argsrepr", "kwargsrepr", "add_to_parent", "connection", "router", "publisher", "declare", "mandatory",
        "immediate", "task_type", "chord_size", "visitor",
    ]

    private static func contentType(_ serializer: String?) -> String {
        switch serializer {
        case nil, "json": JSONSerializer.contentType
        case "yaml": "application/x-yaml"
        case "msgpack": "application/x-msgpack"
        case let other?: other
        }
    }
}

extension JSONObject {
    /// A date as text, tagged or not.
    fileprivate func moment(_ key: String) -> String? {
        switch self[key] {
        case .string(let text)?, .tagged(.datetime(let text))?: text
        default: nil
        }
    }

    /// Where options send a task: an exchange with a routing key, or a queue by name or with its description.
    fileprivate var route: MessageRoute? {
        if let queue = self["queue"]?.string ?? self["queue"]?["name"]?.string { return MessageRoute(queue: queue) }
        guard let key = self["routing_key"]?.string else { return nil }
        let exchange = self["exchange"]?.string ?? self["exchange"]?["name"]?.string
        return MessageRoute(exchange: exchange ?? "", routingKey: key)
    }
}
