extension YAMLNode {
    /// What this node means as a plain value.
    ///
    /// Explicit tags `!!str`, `!!int`, `!!float`, `!!bool`, `!!null`, `!!timestamp`, `!!binary`, `!!seq`, `!!map` and `!!set`
    /// (read as a list) are honoured; any other tag, such as PyYAML's `!!python/object`, is an error and never makes code run.
    public func value(_ schema: YAMLSchema) throws(YAMLError) -> YAMLValue {
        switch content {
        case .scalar(let scalar): return try value(of: scalar, schema)
        case .sequence(let items):
            try expectTag(["seq"])
            var values: [YAMLValue] = []
            values.reserveCapacity(items.count)
            for item in items { values.append(try item.value(schema)) }
            return .sequence(values)
        case .mapping(let entries):
            try expectTag(["map", "set"])
            if tag == Self.standard + "set" {
                return .sequence(
                    entries.map { $0.keyStyle == .plain ? schema.resolve($0.key) ?? .string($0.key) : .string($0.key) }
                )
            }
            var members: [YAMLMember] = []
            members.reserveCapacity(entries.count)
            for entry in entries { members.append(YAMLMember(entry.keyText(schema), try entry.value.value(schema))) }
            return .mapping(members)
        }
    }

    private static let standard = "tag:yaml.org,2002:"

    private func expectTag(_ known: Set<String>) throws(YAMLError) {
        guard let tag, tag != "!" else { return }
        guard tag.hasPrefix(Self.standard), known.contains(String(tag.dropFirst(Self.standard.count))) else {
            throw YAMLError(.unsupportedTag, "the tag \(shortTag(tag)) is not supported here", at: position)
        }
    }

    private func value(of scalar: YAMLScalar, _ schema: YAMLSchema) throws(YAMLError) -> YAMLValue {
        guard let tag, tag != "!" else {
            // The non-specific tag `!` makes a plain scalar text.
            guard scalar.style == .plain, tag == nil else { return .string(scalar.text) }
            return schema.resolve(scalar.text) ?? .string(scalar.text)
        }
        try expectTag(["str", "int", "float", "bool", "null", "timestamp", "binary"])
        let name = tag.dropFirst(Self.standard.count)
        switch (name, schema.resolve(scalar.text)) {
        case ("str", _): return .string(scalar.text)
        case ("int", .some(.int(let value))): return .int(value)
        case ("int", .some(.bigInt(let digits))): return .bigInt(digits)
        case ("float", .some(.double(let value))): return .double(value)
        case ("float", .some(.int(let value))): return .double(Double(value))
        case ("bool", .some(.bool(let value))): return .bool(value)
        case ("null", .some(.null)): return .null
        case ("timestamp", _):
            if let value = PythonTimestamp.value(Array(scalar.text.utf8)) { return value }
        case ("binary", _):
            if let bytes = Base64Text.decode(scalar.text) { return .bytes(bytes) }
        default: break
        }
        throw YAMLError(.invalidScalar, "the value does not fit its tag !!\(name)", at: position)
    }

    private func shortTag(_ tag: String) -> String {
        let text = tag.hasPrefix(Self.standard) ? "!!" + tag.dropFirst(Self.standard.count) : tag
        return text.unicodeScalars.count > 80 ? String(text.prefix(80)) + "…" : text
    }
}

extension YAMLEntry {
    /// The key as text: a plain number, boolean or null as Python's JSON would write it as a key.
    func keyText(_ schema: YAMLSchema) -> String {
        guard keyStyle == .plain, let meaning = schema.resolve(key) else { return key }
        return switch meaning {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .int(let value): String(value)
        case .bigInt(let digits): digits
        default: key
        }
    }
}
