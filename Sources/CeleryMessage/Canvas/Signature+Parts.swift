extension Signature {
    enum Kind {
        case plain, chain, group, chord
    }

    /// What the signature is; names such as `celery.map` are ordinary tasks.
    var kind: Kind {
        switch subtaskType {
        case "chain": .chain
        case "group": .group
        case "chord": .chord
        default: .plain
        }
    }

    // MARK: Parts

    /// The parts of a chain or group.
    func parts() throws(MessageError) -> [Signature] {
        guard let values = kwargs["tasks"]?.array else {
            throw MessageError(.invalidTask, "a \(subtaskType ?? "canvas") has no list of tasks")
        }
        return try Self.read(values)
    }

    mutating func setParts(_ parts: [Signature]) { kwargs["tasks"] = .array(parts.map(\.json)) }

    /// The header of a chord as a group, whatever form it has: a list, a group, a chain or one task.
    func header() throws(MessageError) -> Signature {
        switch kwargs["header"] {
        case .array(let values)?: return .group(try Self.read(values))
        case .object?:
            let header = try Signature(json: kwargs["header"] ?? .null)
            switch header.kind {
            case .group: return header
            case .chain: return .group(try header.parts())
            case .plain, .chord: return .group([header])
            }
        default: throw MessageError(.invalidTask, "a chord has no header")
        }
    }

    /// The body of a chord.
    func body() throws(MessageError) -> Signature {
        guard let body = kwargs["body"], !body.isNull else { throw MessageError(.invalidTask, "a chord has no body") }
        return try Signature(json: body)
    }

    private static func read(_ values: [JSONValue]) throws(MessageError) -> [Signature] {
        var parts: [Signature] = []
        parts.reserveCapacity(values.count)
        for value in values { parts.append(try Signature(json: value)) }
        return parts
    }

    /// Signatures under an option: a list of them or a single one.
    static func listed(_ value: JSONValue?) -> [JSONValue] {
        switch value {
        case .array(let values)?: values
        case .object?: [value ?? .null]
        default: []
        }
    }

    // MARK: Shape

    func isEmptyGroup() throws(MessageError) -> Bool {
        guard kind == .group else { return false }
        return try parts().isEmpty
    }

    func isEmptyChain() throws(MessageError) -> Bool {
        guard kind == .chain else { return false }
        return try parts().isEmpty
    }

    /// The only member of a group of one; anything else as it is.
    func unrolled() throws(MessageError) -> Signature {
        guard kind == .group else { return self }
        let parts = try parts()
        return parts.count == 1 ? parts[0] : self
    }

    /// The steps of a chain, with the chain's callbacks on the last one and its errbacks on all.
    func unchained(errbacks reach: ErrbackReach) throws(MessageError) -> [Signature] {
        var steps = try parts()
        guard !steps.isEmpty else { return steps }
        for callback in Self.listed(options["link"]) { try steps[steps.count - 1].link(callback) }
        for errback in Self.listed(options["link_error"]) {
            for index in steps.indices { try steps[index].linkError(errback, reach) }
        }
        return steps
    }

    /// How many results the signature has as part of a chord's header.
    func size() throws(MessageError) -> Int {
        switch kind {
        case .plain: return 1
        case .group:
            var sum = 0
            for part in try parts() { sum += try part.size() }
            return sum
        case .chain:
            // The last step with a result counts; what comes before it leads to it.
            for step in try parts().reversed() {
                let size = try step.size()
                if size > 0 { return size }
            }
            return 0
        case .chord: return try body().size()
        }
    }

    /// Whether this is a chain whose first step is not a group: as the body of a chord it can be taken apart.
    func isChainLedByTask() throws(MessageError) -> Bool {
        guard kind == .chain, let first = try parts().first else { return false }
        return first.kind != .group
    }

    // MARK: Options

    /// The signature with options given to `apply_async`, which override its own; its group and its stamps stay.
    func taking(_ options: JSONObject) -> Signature {
        var copy = self
        copy.take(options)
        return copy
    }

    /// Takes options; `null` means not given, unless `nulls` says to write it.
    mutating func take(_ given: JSONObject, nulls: Nulls = .dropped) {
        let stamps = options["stamped_headers"]?.array?.compactMap(\.string) ?? []
        for (key, value) in given where nulls == .kept || !value.isNull {
            if key == "group_id" || key == "stamped_headers" || stamps.contains(key), options[key] != nil { continue }
            options[key] = value
        }
    }

    enum Nulls {
        case kept, dropped
    }

    /// Adds a callback: a chord hands it to its body, a group to its first task.
    mutating func link(_ callback: JSONValue) throws(MessageError) {
        switch kind {
        case .plain, .chain: append(callback, to: "link")
        case .chord:
            var body = try body()
            try body.link(callback)
            kwargs["body"] = body.json
        case .group:
            // The first task cannot pass on its siblings' results, so the callback gets none.
            var parts = try parts()
            guard !parts.isEmpty else { return append(callback, to: "link") }
            var silent = try Signature(json: callback)
            silent.immutable = true
            try parts[0].link(silent.json)
            setParts(parts)
        }
    }

    /// Adds an errback: a chord hands it to its body and the chords in its header, and to all of its header where that is
    /// wanted; a group to every task.
    mutating func linkError(_ errback: JSONValue, _ reach: ErrbackReach) throws(MessageError) {
        switch kind {
        case .plain, .chain: append(errback, to: "link_error")
        case .chord:
            try linkHeaderError(errback, reach)
            var body = try body()
            try body.linkError(errback, reach)
            kwargs["body"] = body.json
        case .group:
            var parts = try parts()
            for index in parts.indices { try parts[index].linkError(errback, reach) }
            setParts(parts)
        }
    }

    private mutating func linkHeaderError(_ errback: JSONValue, _ reach: ErrbackReach) throws(MessageError) {
        var header = try header()
        var parts = try header.parts()
        switch reach {
        case .body:
            guard parts.contains(where: { $0.kind == .chord }) else { return }
        case .headerAndBody:
            // Which part fails is no matter to the errback, so it gets no part's id in the place of its own arguments.
            var silent = try Signature(json: errback)
            silent.immutable = true
            for index in parts.indices { try parts[index].linkError(silent.json, reach) }
        }
        for index in parts.indices where parts[index].kind == .chord { try parts[index].linkError(errback, reach) }
        header.setParts(parts)
        kwargs["header"] = header.json
    }

    private mutating func append(_ signature: JSONValue, to option: String) {
        let list = Self.listed(options[option])
        if !list.contains(signature) { options[option] = .array(list + [signature]) }
    }
}

extension JSONObject {
    func integer(_ key: String) -> Int? { self[key]?.int.flatMap { Int(exactly: $0) } }

    /// A text that is not empty: Celery takes an empty id for none.
    func id(_ key: String) -> String? {
        guard let text = self[key]?.string, !text.isEmpty else { return nil }
        return text
    }

    /// A member that is not null: Celery takes null for not given.
    func given(_ key: String) -> JSONValue? {
        guard let value = self[key], !value.isNull else { return nil }
        return value
    }

    /// The members whose keys are not among these.
    func without(_ keys: Set<String>) -> JSONObject {
        JSONObject(lazy.filter { !keys.contains($0.key) }.map { ($0.key, $0.value) })
    }

    /// The members of both; those of the other win.
    func overlaid(with other: JSONObject) -> JSONObject {
        var copy = self
        for (key, value) in other { copy[key] = value }
        return copy
    }
}
