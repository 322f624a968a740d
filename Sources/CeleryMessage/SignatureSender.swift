/// Turns signatures into messages as `apply_async` does inside a worker (`celery/canvas.py`, `celery/app/base.py`).
struct SignatureSender {
    /// What goes in front of the arguments, as text to splice in and as a value to print.
    struct Argument {
        var text: [UInt8]
        var value: JSONValue

        init(value: JSONValue) {
            self.value = value
            text = JSONWriter.bytes(value)
        }

        init(text: [UInt8]) throws(MessageError) {
            self.text = text
            do throws(JSONError) {
                value = try JSONReader.value(text, limits: JSONLimits(bytes: .max))
            } catch {
                throw MessageError(.undecodable, "the result is not JSON: \(error)")
            }
        }
    }

    /// Where a signature stands among others.
    struct Placement {
        var group: String?
        var groupIndex: Int?
        /// The rest of the chain, reversed; `nil` outside of one.
        var chain: [Signature]?
    }

    let context: DispatchContext
    let argument: Argument?

    func send(_ signature: Signature, _ placement: Placement = .init()) throws(MessageError) -> Dispatch {
        switch signature.kind {
        case .plain:
            let message = try message(signature, placement)
            return Dispatch(messages: [message], children: [.task(message.headers.id)])
        case .chain: return try sendChain(signature, placement)
        case .group:
            guard placement.chain?.isEmpty ?? true else { throw unsupported("a group before the end of a chain") }
            let id = placement.group ?? signature.options["task_id"]?.string ?? context.makeID()
            var parts: [Signature] = []
            for part in try signature.parts() { parts.append(part.taking(signature.options)) }
            return try sendGroup(of: parts, id: id, chain: placement.chain)
        case .chord: throw unsupported("a chord")
        }
    }

    private func unsupported(_ what: String) -> MessageError {
        MessageError(
            .unsupportedCanvas,
            "\(what) cannot be sent from a task",
            taskID: context.parent?.id,
            taskName: context.parent?.task
        )
    }

    // MARK: Groups

    /// Sends signatures as one group, a new one unless `id` names it; groups inside are laid flat under the same id.
    func sendGroup(
        of signatures: [Signature],
        id: String? = nil,
        chain: [Signature]? = nil
    ) throws(MessageError) -> Dispatch {
        let id = id ?? context.makeID()
        var messages: [TaskMessage] = []
        var members: [ResultTuple] = []
        for (index, signature) in signatures.enumerated() {
            let part = try send(signature, Placement(group: id, groupIndex: index, chain: chain))
            messages += part.messages
            members += part.children.flatMap { $0.members ?? [$0] }
        }
        return Dispatch(messages: messages, children: [.group(id, members: members)])
    }

    // MARK: Chains

    /// Sends the first task; the others go along in its embed, with ids of their own.
    private func sendChain(_ chain: Signature, _ placement: Placement) throws(MessageError) -> Dispatch {
        var steps = try flatten(chain)
        guard !steps.isEmpty else { return Dispatch() }
        let last = steps.count - 1
        steps[last] = try finish(steps[last], of: chain, placement)
        let errbacks = Self.list(chain.options["link_error"])
        for index in steps.indices where !errbacks.isEmpty {
            steps[index].options["link_error"] = .array(Self.list(steps[index].options["link_error"]) + errbacks)
        }
        for index in steps.indices.dropFirst() {
            if index < last, steps[index].kind == .group { throw unsupported("a group before the end of a chain") }
            steps[index] = try freeze(steps[index])
        }
        var first = steps[0]
        for (key, value) in chain.options where !Self.chainOnly.contains(key) && !value.isNull {
            first.options[key] = value
        }
        let rest = (placement.chain ?? []) + steps.dropFirst().reversed()
        if last == 0 {
            return try send(
                first,
                Placement(
                    group: placement.group,
                    groupIndex: placement.groupIndex,
                    chain: rest.isEmpty ? placement.chain : rest
                )
            )
        }
        return try send(first, Placement(chain: rest))
    }

    /// The options of a chain that do not belong to its first task.
    private static let chainOnly: Set<String> = ["task_id", "link", "link_error", "root_id", "parent_id", "chain"]

    private func flatten(_ chain: Signature) throws(MessageError) -> [Signature] {
        var steps: [Signature] = []
        for part in try chain.parts() {
            if part.kind == .chain { steps += try flatten(part) } else { steps.append(part) }
        }
        return steps
    }

    /// The last step with what is said about the whole chain: its id, its callbacks, its place in a group.
    private func finish(
        _ step: Signature,
        of chain: Signature,
        _ placement: Placement
    ) throws(MessageError) -> Signature {
        var step = step
        if let id = chain.options["task_id"], !id.isNull { step.options["task_id"] = id }
        let callbacks = Self.list(chain.options["link"])
        if !callbacks.isEmpty { step.options["link"] = .array(Self.list(step.options["link"]) + callbacks) }
        if let group = placement.group {
            step.options["group_id"] = .string(group)
            step.options["group_index"] = placement.groupIndex.map { .int(Int64($0)) } ?? .null
        }
        return step
    }

    /// A step that is sent later, with the id it will run under.
    private func freeze(_ step: Signature) throws(MessageError) -> Signature {
        var step = step
        if step.options["task_id"]?.string == nil { step.options["task_id"] = .string(context.makeID()) }
        guard step.kind == .group else {
            if let root = context.parent?.root { step.options["root_id"] = .string(root) }
            if step.options["reply_to"]?.string == nil { step.options["reply_to"] = .string(context.replyTo) }
            return step
        }
        var parts: [JSONValue] = []
        for (index, part) in try step.parts().enumerated() {
            var part = part
            if part.options["task_id"]?.string == nil { part.options["task_id"] = .string(context.makeID()) }
            part.options["group_index"] = .int(Int64(index))
            parts.append(part.json)
        }
        step.kwargs["tasks"] = .array(parts)
        return step
    }

    static func list(_ value: JSONValue?) -> [JSONValue] {
        switch value {
        case .array(let values)?: values
        case .object?: [value ?? .null]
        default: []
        }
    }

    // MARK: One task

    private func message(_ signature: Signature, _ placement: Placement) throws(MessageError) -> TaskMessage {
        let options = signature.options
        let id = options["task_id"]?.string ?? context.makeID()
        var headers = TaskHeaders(task: signature.task, id: id)
        headers.rootID = context.parent?.root ?? id
        headers.parentID = context.parent?.id
        headers.origin = context.origin
        headers.group = placement.group ?? options["group_id"]?.string
        headers.groupIndex = placement.groupIndex ?? options.integer("group_index")
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

        let values = argument.map { signature.immutable ? signature.args : [$0.value] + signature.args }
        headers.argsrepr = options["argsrepr"]?.string ?? SafeRepr.args(values ?? signature.args)
        headers.kwargsrepr = options["kwargsrepr"]?.string ?? SafeRepr.kwargs(signature.kwargs)

        var message = TaskMessage(
            headers: headers,
            properties: properties(signature, id: id),
            payload: TaskPayload(
                args: arguments(signature),
                kwargs: JSONWriter.bytes(.object(signature.kwargs)),
                embed: try embed(options, placement)
            ),
            contentType: Self.contentType(options["serializer"]?.string)
        )
        if let expires = expires(options) { message.setExpires(expires, now: context.now) }
        return message
    }

    /// The list of arguments; the parent's result is spliced in as the text it came as.
    private func arguments(_ signature: Signature) -> [UInt8] {
        guard let argument, !signature.immutable else { return JSONWriter.bytes(.array(signature.args)) }
        var out: [UInt8] = [UInt8(ascii: "[")]
        out.append(contentsOf: argument.text)
        for value in signature.args {
            out.append(", ")
            JSONWriter.write(value, into: &out)
        }
        out.append(UInt8(ascii: "]"))
        return out
    }

    private func embed(_ options: JSONObject, _ placement: Placement) throws(MessageError) -> Embed {
        var embed = try Embed(
            json: .object([
                "callbacks": options["link"] ?? .null,
                "errbacks": options["link_error"] ?? .null,
                "chain": options["chain"] ?? .null,
                "chord": options["chord"] ?? .null,
            ])
        )
        if let chain = placement.chain {
            embed.chain = chain
            embed.endsChain = chain.isEmpty
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
        let route = options.route ?? context.route(signature.task)
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

extension Signature {
    /// The signature with the options a group was given, which override its own.
    fileprivate func taking(_ options: JSONObject) -> Signature {
        let own: Set<String> = ["task_id", "root_id", "parent_id", "group_id", "group_index", "link", "link_error"]
        var copy = self
        for (key, value) in options where !own.contains(key) && !value.isNull { copy.options[key] = value }
        return copy
    }
}

extension JSONObject {
    fileprivate func integer(_ key: String) -> Int? { self[key]?.int.flatMap { Int(exactly: $0) } }

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
