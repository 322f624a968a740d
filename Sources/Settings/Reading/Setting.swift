import YAML

/// The property a key is read into.
typealias Key<Root, Value> = any WritableKeyPath<Root, Value> & Sendable

/// One key that a block may have: its name, what it takes, and how it gets into the block's value.
struct Setting<Root>: Sendable {
    /// The key.
    let name: String
    /// What it takes, in the words of `Docs/Configuration.md`.
    let type: String
    let read: @Sendable (YAMLNode, inout Root, inout SettingReader) -> Void

    init(_ name: String, _ type: String, read: @escaping @Sendable (YAMLNode, inout Root, inout SettingReader) -> Void)
    {
        self.name = name
        self.type = type
        self.read = read
    }

    /// The same key for a larger value that holds the block's.
    func within<Outer>(_ path: Key<Outer, Root>, as name: String? = nil) -> Setting<Outer> {
        Setting<Outer>(name ?? self.name, type) { node, outer, reader in read(node, &outer[keyPath: path], &reader) }
    }
}

extension Setting {
    /// A key whose value replaces the default; `null` leaves the default.
    static func value<Value>(
        _ name: String,
        _ type: String,
        _ path: Key<Root, Value>,
        _ convert: @escaping @Sendable (inout SettingReader, YAMLNode) -> Value?
    ) -> Setting {
        Setting(name, type) { node, root, reader in
            guard !reader.isNull(node), let value = convert(&reader, node) else { return }
            root[keyPath: path] = value
        }
    }

    /// A key whose value may be `null`, which means none.
    static func optional<Value>(
        _ name: String,
        _ type: String,
        _ path: Key<Root, Value?>,
        _ convert: @escaping @Sendable (inout SettingReader, YAMLNode) -> Value?
    ) -> Setting {
        Setting(name, type + " or null") { node, root, reader in
            if reader.isNull(node) {
                root[keyPath: path] = nil
            } else if let value = convert(&reader, node) {
                root[keyPath: path] = value
            }
        }
    }

    /// A block whose keys change what stands in its place already.
    ///
    /// - Parameter example: what such a block looks like, for whoever wrote something else.
    static func block<Part>(
        _ name: String,
        _ path: Key<Root, Part>,
        _ settings: [Setting<Part>],
        example: String
    ) -> Setting {
        Setting(name, "block") { node, root, reader in
            guard let part = reader.block(node, settings, from: root[keyPath: path], expected: example) else { return }
            root[keyPath: path] = part
        }
    }

    /// A block that may be left out, and may have to have some of its keys.
    ///
    /// - Parameters:
    ///   - defaults: the block without any key.
    ///   - needed: the keys without which it is none.
    ///   - check: says what else is wrong with it.
    static func block<Part: Sendable>(
        _ name: String,
        _ path: Key<Root, Part?>,
        _ settings: [Setting<Part>],
        from defaults: Part,
        example: String,
        needed: [String] = [],
        check: @escaping @Sendable (Part) -> String? = { _ in nil }
    ) -> Setting {
        optional(name, "block", path) { reader, node in
            guard let part = reader.block(node, settings, from: defaults, expected: example, needed: needed) else {
                return nil
            }
            guard let problem = check(part) else { return part }
            reader.error(node, problem)
            return nil
        }
    }

    static func bool(_ name: String, _ path: Key<Root, Bool>) -> Setting {
        value(name, "true or false", path) { $0.bool($1) }
    }

    static func bool(_ name: String, _ path: Key<Root, Bool?>) -> Setting {
        optional(name, "true or false", path) { $0.bool($1) }
    }

    static func int(_ name: String, _ path: Key<Root, Int>, in range: ClosedRange<Int>)
        -> Setting
    {
        value(name, "whole number", path) { $0.int($1, in: range) }
    }

    static func int(_ name: String, _ path: Key<Root, Int?>, in range: ClosedRange<Int>)
        -> Setting
    {
        optional(name, "whole number", path) { $0.int($1, in: range) }
    }

    static func seconds(_ name: String, _ path: Key<Root, Duration>) -> Setting {
        value(name, "seconds", path) { $0.seconds($1) }
    }

    /// Seconds, where `null` means no limit, and 0 too when `zeroIsNone`.
    static func seconds(
        _ name: String,
        _ path: Key<Root, Duration?>,
        zeroIsNone: Bool = false
    ) -> Setting {
        Setting(name, "seconds or null") { node, root, reader in
            if reader.isNull(node) {
                root[keyPath: path] = nil
            } else if let value = reader.seconds(node, least: zeroIsNone ? 0 : .leastNonzeroMagnitude) {
                root[keyPath: path] = zeroIsNone && value == .zero ? nil : value
            }
        }
    }

    static func name(_ name: String, _ path: Key<Root, String>) -> Setting {
        value(name, "text", path) { $0.name($1) }
    }

    static func name(_ name: String, _ path: Key<Root, String?>) -> Setting {
        optional(name, "text", path) { $0.name($1) }
    }

    static func path(_ name: String, _ path: Key<Root, String?>) -> Setting {
        optional(name, "path", path) { $0.path($1) }
    }

    static func choice<Value: RawRepresentable & CaseIterable & SendableMetatype>(
        _ name: String,
        _ path: Key<Root, Value>
    ) -> Setting where Value.RawValue == String {
        value(name, SettingReader.alternatives(Value.allCases.map(\.rawValue)), path) { $0.choice($1, Value.self) }
    }

    static func choice<Value: RawRepresentable & CaseIterable & SendableMetatype>(
        _ name: String,
        _ path: Key<Root, Value?>
    ) -> Setting where Value.RawValue == String {
        optional(name, SettingReader.alternatives(Value.allCases.map(\.rawValue)), path) { $0.choice($1, Value.self) }
    }
}

extension SettingReader {
    /// Reads a block by its table of keys into a value; `nil` where it is no block, or lacks a key that it needs.
    mutating func block<Part>(
        _ node: YAMLNode,
        _ settings: [Setting<Part>],
        from defaults: Part,
        expected: String,
        needed: [String] = []
    ) -> Part? {
        guard let entries = entries(node, expected: expected) else { return nil }
        var part = defaults
        block(entries, settings, into: &part)
        guard let missing = needed.first(where: { name in !entries.contains { $0.key == name } }) else { return part }
        error(node, "the key '\(missing)' is missing")
        return nil
    }

    /// Reads a block by its table of keys, every entry of it, and reports keys the table does not have.
    mutating func block<Root>(
        _ entries: [YAMLEntry],
        _ settings: [Setting<Root>],
        into root: inout Root,
        ignoring ignored: [String: String] = [:],
        hint: (String) -> String? = { _ in nil }
    ) {
        let byName = Dictionary(settings.map { ($0.name, $0) }) { first, _ in first }
        block(entries, byName, into: &root, ignoring: ignored, hint: hint)
    }

    /// Reads a block by its keys, for tables that are used many times.
    mutating func block<Root>(
        _ entries: [YAMLEntry],
        _ byName: [String: Setting<Root>],
        into root: inout Root,
        ignoring ignored: [String: String] = [:],
        hint: (String) -> String? = { _ in nil }
    ) {
        for entry in entries {
            let place = place(entry.keyPosition)
            under(entry.key, at: place) { reader in
                if let setting = byName[entry.key] {
                    setting.read(entry.value, &root, &reader)
                } else if let reason = ignored[entry.key] {
                    reader.add(.warning, at: place, "has no effect: \(reason)")
                } else if let hint = hint(entry.key) {
                    reader.add(.error, at: place, "unknown key; \(hint)")
                } else {
                    let known = Array(byName.keys) + ignored.keys
                    reader.add(.error, at: place, "unknown key", suggestion: NearestName.find(entry.key, in: known))
                }
            }
        }
    }
}
