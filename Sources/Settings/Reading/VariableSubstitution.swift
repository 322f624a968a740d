import YAML

/// Replaces `${NAME}` and `${NAME:-default}` in a file's values by environment variables; `$${` stands for `${`.
///
/// Keys and comments are left alone. What was replaced counts as secret: its text appears in no message.
struct VariableSubstitution {
    let environment: [String: String]
    /// Where something was replaced.
    private(set) var replaced: Set<YAMLPosition> = []
    /// What could not be replaced.
    private(set) var problems: [(position: YAMLPosition, keys: [String], message: String)] = []
    private var keys: [String]

    /// - Parameter keys: those that lead to what is applied to.
    init(environment: [String: String], keys: [String] = []) {
        self.environment = environment
        self.keys = keys
    }

    /// The node with every variable replaced.
    mutating func apply(_ node: YAMLNode) -> YAMLNode {
        var node = node
        switch node.content {
        case .scalar(var scalar):
            guard scalar.text.utf8.contains(0x24), let text = replace(in: scalar.text, at: node.position) else { break }
            scalar.text = text
            node.content = .scalar(scalar)
        case .sequence(let items):
            var applied: [YAMLNode] = []
            for (index, item) in items.enumerated() { applied.append(under(String(index)) { $0.apply(item) }) }
            node.content = .sequence(applied)
        case .mapping(let entries):
            var applied = entries
            for (index, entry) in entries.enumerated() {
                applied[index].value = under(entry.key) { $0.apply(entry.value) }
            }
            node.content = .mapping(applied)
        }
        return node
    }

    private mutating func under(_ key: String, _ apply: (inout Self) -> YAMLNode) -> YAMLNode {
        keys.append(key)
        defer { keys.removeLast() }
        return apply(&self)
    }

    /// The text with its variables replaced, or `nil` when it has none.
    private mutating func replace(in text: String, at position: YAMLPosition) -> String? {
        var result = ""
        var rest = text[...]
        var changed = false
        while let start = rest.firstRange(of: "${") {
            let before = rest[..<start.lowerBound]
            if before.hasSuffix("$") {
                result += before.dropLast() + "${"
                rest = rest[start.upperBound...]
                changed = true
                continue
            }
            guard let end = rest[start.upperBound...].firstIndex(of: "}") else {
                problems.append((position, keys, "a '${' without '}'; a literal '${' is written '$${'"))
                return nil
            }
            result += before
            result += value(of: rest[start.upperBound..<end], at: position)
            rest = rest[rest.index(after: end)...]
            replaced.insert(position)
            changed = true
        }
        return changed ? result + rest : nil
    }

    private mutating func value(of reference: Substring, at position: YAMLPosition) -> String {
        let mark = reference.firstRange(of: ":-")
        let name = String(reference[..<(mark?.lowerBound ?? reference.endIndex)])
        guard Self.isName(name) else {
            problems.append(
                (position, keys, "'${…}' takes the name of an environment variable, as in ${SMTP_PASSWORD}")
            )
            return ""
        }
        if let mark {
            if let value = environment[name], !value.isEmpty { return value }
            return String(reference[mark.upperBound...])
        }
        guard let value = environment[name] else {
            problems.append((position, keys, "the environment variable \(name) is not set"))
            return ""
        }
        return value
    }

    private static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, !(0x30...0x39).contains(first), text.utf8.count <= 200 else { return false }
        return text.utf8.allSatisfy { byte in
            byte == 0x5F || (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        }
    }
}
