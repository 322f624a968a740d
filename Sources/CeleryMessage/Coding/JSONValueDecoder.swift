extension JSONValue {
    /// Reads a Swift value from this one, as a `JSONDecoder` with its standard settings reads JSON.
    ///
    /// Whole numbers may be read as floating-point ones, not the other way round. ``JSONRepresentable`` values read
    /// themselves.
    ///
    /// - Throws: `DecodingError`, with the path to what is wrong and a description such as `must be int, not str`.
    public func decoded<Value: Decodable>(as type: Value.Type = Value.self) throws -> Value {
        try JSONValueDecoder(value: self, codingPath: []).decode(type)
    }

    /// As ``decoded(as:)``, and the names of the members of this object that the type did not ask for.
    package func decodedNotingMembers<Value: Decodable>(
        as type: Value.Type
    ) throws -> (value: Value, unread: [String]) {
        let asked = AskedMembers()
        let value = try JSONValueDecoder(value: self, codingPath: [], asked: asked).decode(type)
        return (value, (object?.keys ?? []).filter { !asked.names.contains($0) })
    }
}

/// The names of members that a type asked for.
private final class AskedMembers {
    var names: Set<String> = []
}

/// A decoder over one value.
struct JSONValueDecoder: Decoder {
    let value: JSONValue
    let codingPath: [any CodingKey]
    /// Where the members asked for are noted: those of the outermost object alone.
    fileprivate var asked: AskedMembers?
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard let object = value.object else { throw expected([String: JSONValue].self, "dict") }
        return KeyedDecodingContainer(Members(object: object, codingPath: codingPath, asked: asked))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard let list = value.array else { throw expected([JSONValue].self, "list") }
        return Elements(list: list, codingPath: codingPath)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { self }

    private func expected(_ type: Any.Type, _ name: String) -> DecodingError {
        .expected(type, name, found: value, at: codingPath)
    }
}

// MARK: Single values

extension JSONValueDecoder: SingleValueDecodingContainer {
    func decodeNil() -> Bool { value.isNull }

    func decode(_ type: Bool.Type) throws -> Bool {
        guard let flag = value.bool else { throw expected(type, "bool") }
        return flag
    }

    func decode(_ type: String.Type) throws -> String {
        guard let text = value.string else { throw expected(type, "str") }
        return text
    }

    func decode(_ type: Double.Type) throws -> Double {
        guard let number = value.number else { throw expected(type, "float") }
        return number
    }

    func decode(_ type: Float.Type) throws -> Float {
        guard let number = value.number else { throw expected(type, "float") }
        return Float(number)
    }

    func decode(_ type: Int.Type) throws -> Int { try integer(type) }
    func decode(_ type: Int8.Type) throws -> Int8 { try integer(type) }
    func decode(_ type: Int16.Type) throws -> Int16 { try integer(type) }
    func decode(_ type: Int32.Type) throws -> Int32 { try integer(type) }
    func decode(_ type: Int64.Type) throws -> Int64 { try integer(type) }
    func decode(_ type: UInt.Type) throws -> UInt { try integer(type) }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try integer(type) }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try integer(type) }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try integer(type) }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try integer(type) }

    private func integer<Number: FixedWidthInteger>(_ type: Number.Type) throws -> Number {
        let number: Number?
        switch value {
        case .int(let whole): number = Number(exactly: whole)
        case .bigInt(let digits): number = Number(digits)
        default: throw expected(type, "int")
        }
        guard let number else {
            let description = "must be an int from \(Number.min) to \(Number.max)"
            throw DecodingError.dataCorrupted(.init(codingPath: codingPath, debugDescription: description))
        }
        return number
    }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        guard let representable = type as? any JSONRepresentable.Type else { return try Value(from: self) }
        do {
            guard let read = try representable.reading(value) as? Value else { throw expected(type, "\(type)") }
            return read
        } catch DecodingError.typeMismatch(let type, let context) where !codingPath.isEmpty {
            let path = codingPath + context.codingPath
            throw DecodingError.typeMismatch(
                type,
                .init(codingPath: path, debugDescription: context.debugDescription)
            )
        }
    }
}

// MARK: Members

private struct Members<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let object: JSONObject
    let codingPath: [any CodingKey]
    let asked: AskedMembers?

    /// A type that looks at all keys wants all members.
    var allKeys: [Key] {
        asked?.names.formUnion(object.keys)
        return object.keys.compactMap(Key.init(stringValue:))
    }

    func contains(_ key: Key) -> Bool {
        asked?.names.insert(key.stringValue)
        return object[key.stringValue] != nil
    }

    private func decoder(_ key: some CodingKey) throws -> JSONValueDecoder {
        asked?.names.insert(key.stringValue)
        guard let value = object[key.stringValue] else {
            let description = "has no member '\(key.stringValue)'"
            throw DecodingError.keyNotFound(key, .init(codingPath: codingPath, debugDescription: description))
        }
        return JSONValueDecoder(value: value, codingPath: codingPath + [key])
    }

    func decodeNil(forKey key: Key) throws -> Bool { try decoder(key).decodeNil() }
    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try decoder(key).decode(type) }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try decoder(key).decode(type) }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try decoder(key).decode(type) }
    func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try decoder(key).decode(type) }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try decoder(key).decode(type) }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try decoder(key).decode(type) }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try decoder(key).decode(type) }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try decoder(key).decode(type) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try decoder(key).decode(type) }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try decoder(key).decode(type) }
    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try decoder(key).decode(type) }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try decoder(key).decode(type) }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try decoder(key).decode(type) }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try decoder(key).decode(type) }
    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try decoder(key).decode(type)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type,
        forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try decoder(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try decoder(key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder { try decoder(PlaceKey("super")) }
    func superDecoder(forKey key: Key) throws -> any Decoder { try decoder(key) }
}

// MARK: Elements

private struct Elements: UnkeyedDecodingContainer {
    let list: [JSONValue]
    let codingPath: [any CodingKey]
    private(set) var currentIndex = 0

    init(list: [JSONValue], codingPath: [any CodingKey]) {
        self.list = list
        self.codingPath = codingPath
    }

    var count: Int? { list.count }
    var isAtEnd: Bool { currentIndex >= list.count }

    /// The next element; it counts as read once `body` has returned.
    private mutating func next<Value>(_ body: (JSONValueDecoder) throws -> Value) throws -> Value {
        guard !isAtEnd else {
            let description = "has only \(list.count) elements"
            throw DecodingError.valueNotFound(
                Value.self,
                .init(codingPath: codingPath, debugDescription: description)
            )
        }
        let path = codingPath + [PlaceKey(currentIndex)]
        let value = try body(JSONValueDecoder(value: list[currentIndex], codingPath: path))
        currentIndex += 1
        return value
    }

    mutating func decodeNil() throws -> Bool {
        guard !isAtEnd, list[currentIndex].isNull else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode(_ type: Bool.Type) throws -> Bool { try next { try $0.decode(type) } }
    mutating func decode(_ type: String.Type) throws -> String { try next { try $0.decode(type) } }
    mutating func decode(_ type: Double.Type) throws -> Double { try next { try $0.decode(type) } }
    mutating func decode(_ type: Float.Type) throws -> Float { try next { try $0.decode(type) } }
    mutating func decode(_ type: Int.Type) throws -> Int { try next { try $0.decode(type) } }
    mutating func decode(_ type: Int8.Type) throws -> Int8 { try next { try $0.decode(type) } }
    mutating func decode(_ type: Int16.Type) throws -> Int16 { try next { try $0.decode(type) } }
    mutating func decode(_ type: Int32.Type) throws -> Int32 { try next { try $0.decode(type) } }
    mutating func decode(_ type: Int64.Type) throws -> Int64 { try next { try $0.decode(type) } }
    mutating func decode(_ type: UInt.Type) throws -> UInt { try next { try $0.decode(type) } }
    mutating func decode(_ type: UInt8.Type) throws -> UInt8 { try next { try $0.decode(type) } }
    mutating func decode(_ type: UInt16.Type) throws -> UInt16 { try next { try $0.decode(type) } }
    mutating func decode(_ type: UInt32.Type) throws -> UInt32 { try next { try $0.decode(type) } }
    mutating func decode(_ type: UInt64.Type) throws -> UInt64 { try next { try $0.decode(type) } }
    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try next { try $0.decode(type) } }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        try next { try $0.container(keyedBy: type) }
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try next { try $0.unkeyedContainer() }
    }

    mutating func superDecoder() throws -> any Decoder { try next { $0 } }
}

/// The place of an element, or a name that no type of ours knows, as a key.
struct PlaceKey: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(_ place: Int) {
        stringValue = String(place)
        intValue = place
    }

    init(_ name: String) {
        stringValue = name
        intValue = nil
    }

    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { self.init(intValue) }
}
