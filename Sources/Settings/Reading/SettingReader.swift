import CeleryMessage
import YAML

/// What reading a configuration needs to know and collects: the source, the key it is at, problems and places.
struct SettingReader {
    /// Where the nodes being read come from.
    enum Source {
        case file(String)
        case environment(String)
        case commandLine(String)
    }

    var source: Source
    let baseFolder: String
    /// Tasks that the program brings along, by name: their blocks need no handler.
    var declaredTasks: [String: TaskSettings] = [:]
    /// Places of values that `${NAME}` was replaced in: never repeated in messages.
    var hidden: Set<YAMLPosition> = []
    private(set) var problems: [ConfigurationProblem] = []
    private(set) var places: [[String]: SourcePlace] = [:]
    /// Whether the place of every key is kept, which large files cannot afford.
    var remembersPlaces = true
    /// The keys that lead to what is being read.
    private(set) var keys: [String] = []

    init(source: Source, baseFolder: String) {
        self.source = source
        self.baseFolder = baseFolder
    }

    // MARK: Problems

    func place(_ position: YAMLPosition) -> SourcePlace {
        switch source {
        case .file(let path): .file(path: path, line: position.line, column: position.column)
        case .environment(let name): .environment(name: name)
        case .commandLine(let option): .commandLine(option: option)
        }
    }

    mutating func error(_ node: YAMLNode, _ message: String, suggestion: String? = nil) {
        add(.error, at: place(node.position), message, suggestion: suggestion)
    }

    mutating func warning(_ node: YAMLNode, _ message: String) { add(.warning, at: place(node.position), message) }

    mutating func add(
        _ severity: ConfigurationProblem.Severity,
        at place: SourcePlace,
        _ message: String,
        suggestion: String? = nil
    ) {
        problems.append(ConfigurationProblem(severity, at: place, key: keys, message, suggestion: suggestion))
    }

    mutating func add(_ problem: ConfigurationProblem) { problems.append(problem) }

    /// Reads one key deeper, and remembers where its value stands.
    mutating func under<Value>(
        _ key: String,
        at place: SourcePlace,
        _ read: (inout SettingReader) -> Value
    ) -> Value {
        keys.append(key)
        defer { keys.removeLast() }
        if remembersPlaces { places[keys] = place }
        return read(&self)
    }

    private mutating func wrong(_ node: YAMLNode, expected: String) {
        error(node, "expected \(expected), found \(found(node))")
    }

    /// A value in words; its text only when it is short and cannot be secret.
    private func found(_ node: YAMLNode) -> String {
        switch node.content {
        case .sequence: return "a list"
        case .mapping: return "a block of keys"
        case .scalar(let scalar):
            let meaning = scalar.style == .plain ? YAMLSchema.core.resolve(scalar.text) : nil
            if case .null = meaning { return "nothing" }
            guard !hidden.contains(node.position), scalar.text.unicodeScalars.count <= 40 else { return "another text" }
            return meaning == nil ? "'\(scalar.text)'" : scalar.text
        }
    }

    // MARK: Scalars

    func isNull(_ node: YAMLNode) -> Bool { if case .null? = resolved(node) { true } else { false } }

    /// What a plain scalar means when it is no text, else `nil`.
    private func resolved(_ node: YAMLNode) -> YAMLValue? {
        guard let scalar = node.scalar, scalar.style == .plain, node.tag == nil else { return nil }
        return YAMLSchema.core.resolve(scalar.text)
    }

    mutating func bool(_ node: YAMLNode) -> Bool? {
        if case .bool(let value)? = resolved(node) { return value }
        if let scalar = node.scalar, scalar.style == .plain {
            // YAML 1.1 words, which PyYAML takes for booleans; Celery's command line adds 1 and 0.
            if case .bool(let value)? = YAMLSchema.python.resolve(scalar.text) {
                if case .file = source, !hidden.contains(node.position) {
                    warning(node, "'\(scalar.text)' is read as \(value); write \(value)")
                }
                return value
            }
            if case .file = source {} else if scalar.text == "1" || scalar.text == "0" { return scalar.text == "1" }
        }
        wrong(node, expected: "true or false")
        return nil
    }

    mutating func int(_ node: YAMLNode, in range: ClosedRange<Int>) -> Int? {
        guard case .int(let value)? = resolved(node), let number = Int(exactly: value) else {
            wrong(node, expected: "a whole number\(words(range))")
            return nil
        }
        warnAboutOctal(node)
        guard range.contains(number) else {
            wrong(node, expected: "a whole number\(words(range))")
            return nil
        }
        return number
    }

    mutating func number(_ node: YAMLNode, expected: String) -> Double? {
        switch resolved(node) {
        case .int(let value)?:
            warnAboutOctal(node)
            return Double(value)
        case .double(let value)? where value.isFinite: return value
        default:
            wrong(node, expected: expected)
            return nil
        }
    }

    /// Seconds, from `least` on.
    mutating func seconds(_ node: YAMLNode, least: Double = 0) -> Duration? {
        let words = least > 0 ? "more than 0 seconds" : "seconds, 0 or more"
        guard let number = number(node, expected: words) else { return nil }
        // Redis counts expiries in 64-bit milliseconds; a century is more than anybody means.
        guard number >= least, number <= 3_155_760_000 else {
            wrong(node, expected: words)
            return nil
        }
        return .seconds(number)
    }

    mutating func string(_ node: YAMLNode) -> String? {
        guard let scalar = node.scalar else {
            wrong(node, expected: "text")
            return nil
        }
        if case .file = source, !hidden.contains(node.position), let meaning = resolved(node) {
            let hint = if case .null = meaning { "" } else { "; put it in quotes" }
            error(node, "expected text, found \(found(node))\(hint)")
            return nil
        }
        warnAboutWord(node)
        return scalar.text
    }

    /// Text of at least one character, none of them a control character, at most `longest` bytes.
    mutating func name(_ node: YAMLNode, longest: Int = 255) -> String? {
        guard let text = string(node) else { return nil }
        guard !text.isEmpty, text.utf8.count <= longest, text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            error(node, "expected a name of 1 to \(longest) bytes without control characters")
            return nil
        }
        return text
    }

    mutating func choice<Value: RawRepresentable & CaseIterable>(_ node: YAMLNode, _ type: Value.Type) -> Value?
    where Value.RawValue == String {
        let known = Value.allCases.map(\.rawValue)
        let text = node.scalar?.text ?? ""
        if let value = Value.allCases.first(where: { $0.rawValue.lowercased() == text.lowercased() }) { return value }
        error(
            node,
            "expected \(Self.alternatives(known)), found \(found(node))",
            suggestion: hidden.contains(node.position) ? nil : NearestName.find(text, in: known)
        )
        return nil
    }

    /// An absolute path; a relative one starts at the base folder.
    mutating func path(_ node: YAMLNode) -> String? {
        guard let text = name(node, longest: 4095) else { return nil }
        return FilePath.absolute(text, in: baseFolder)
    }

    /// URLs: one, several in a list, or several joined by `;`.
    mutating func urls(_ node: YAMLNode) -> [ServerURL]? {
        if isNull(node) { return [] }
        let nodes = node.sequence ?? [node]
        var urls: [ServerURL] = []
        for node in nodes {
            guard let text = string(node) else { return nil }
            for url in ServerURL(text).parts {
                if let problem = url.problem {
                    error(node, problem)
                    return nil
                }
                urls.append(url)
            }
        }
        if urls.isEmpty { error(node, "expected a URL such as redis://127.0.0.1:6379/0") }
        return urls.isEmpty ? nil : urls
    }

    // MARK: Lists and blocks

    mutating func strings(_ node: YAMLNode) -> [String]? {
        if node.scalar != nil { return string(node).map { [$0] } }
        guard let items = node.sequence else {
            wrong(node, expected: "a list of texts")
            return nil
        }
        return items.compactMap { string($0) }
    }

    /// The entries of a block; an empty value is an empty block.
    mutating func entries(_ node: YAMLNode, expected: String) -> [YAMLEntry]? {
        if let entries = node.mapping { return entries }
        if isNull(node) { return [] }
        wrong(node, expected: expected)
        return nil
    }

    /// Any value as JSON, remembering where each part stands; `!!binary` and dates with an explicit tag keep their type.
    mutating func json(_ node: YAMLNode) -> JSONValue? {
        switch node.content {
        case .sequence(let items):
            var values: [JSONValue] = []
            for (index, item) in items.enumerated() {
                values.append(under(String(index), at: place(item.position)) { $0.json(item) } ?? .null)
            }
            return .array(values)
        case .mapping(let entries):
            var object = JSONObject()
            for entry in entries {
                object[entry.key] = under(entry.key, at: place(entry.keyPosition)) { $0.json(entry.value) } ?? .null
            }
            return .object(object)
        case .scalar:
            warnAboutWord(node)
            do {
                return JSONValue(try node.value(.core))
            } catch {
                self.error(node, error.message)
                return nil
            }
        }
    }

    // MARK: What other readers of YAML see differently

    private mutating func warnAboutWord(_ node: YAMLNode) {
        guard case .file = source, let scalar = node.scalar, scalar.style == .plain, node.tag == nil else { return }
        guard !hidden.contains(node.position), resolved(node) == nil,
            case .bool? = YAMLSchema.python.resolve(scalar.text)
        else { return }
        warning(
            node,
            "'\(scalar.text)' is text here, but true or false to YAML 1.1 readers such as PyYAML; put it in quotes"
        )
    }

    private mutating func warnAboutOctal(_ node: YAMLNode) {
        guard case .file = source, !hidden.contains(node.position) else { return }
        // Digits without a zero before them are the same number to everybody.
        if let digits = node.scalar?.text.utf8, digits.first != UInt8(ascii: "0"),
            digits.allSatisfy({ $0 &- UInt8(ascii: "0") < 10 })
        {
            return
        }
        guard let text = node.scalar?.text, resolved(node) != YAMLSchema.python.resolve(text) else { return }
        guard case .int(let here)? = resolved(node), case .int(let there)? = YAMLSchema.python.resolve(text) else {
            return
        }
        warning(node, "\(text) is read as \(here), but as \(there) by YAML 1.1 readers such as PyYAML; write \(here)")
    }

    private func words(_ range: ClosedRange<Int>) -> String {
        switch (range.lowerBound, range.upperBound) {
        case (Int.min, Int.max): ""
        case (let least, Int.max): ", \(least) or more"
        case (let least, let most): " from \(least) to \(most)"
        }
    }

    static func alternatives(_ names: [String]) -> String {
        guard names.count > 1, let last = names.last else { return names.first ?? "" }
        return names.dropLast().joined(separator: ", ") + " or " + last
    }
}

extension JSONValue {
    /// A configuration value as JSON.
    init(_ value: YAMLValue) {
        switch value {
        case .null: self = .null
        case .bool(let value): self = .bool(value)
        case .int(let value): self = .int(value)
        case .bigInt(let digits): self = .bigInt(digits)
        case .double(let value): self = .double(value)
        case .string(let text): self = .string(text)
        case .date(let text): self = .tagged(.date(text))
        case .datetime(let text): self = .tagged(.datetime(text))
        case .bytes(let bytes): self = .tagged(.bytes(bytes))
        case .sequence(let values): self = .array(values.map { JSONValue($0) })
        case .mapping(let members): self = .object(JSONObject(members.map { ($0.key, JSONValue($0.value)) }))
        }
    }
}
