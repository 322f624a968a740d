extension JSONValue {
    /// Writes a Swift value as a `JSONEncoder` with its standard settings would, with members in the order written.
    ///
    /// ``JSONRepresentable`` values write themselves; what encodes nothing at all becomes `null`.
    ///
    /// - Throws: what the value's own `encode(to:)` throws.
    public init(encoding value: some Encodable) throws {
        let slot = JSONSlot()
        try JSONValueEncoder(slot: slot, codingPath: []).encode(value)
        self = slot.value
    }
}

/// Where an encoder puts its value; containers share it with the encoder they come from.
private final class JSONSlot {
    private enum Content {
        case nothing
        case single(JSONValue)
        case list([JSONSlot])
        case members([(String, JSONSlot)])
    }

    private var content = Content.nothing

    var value: JSONValue {
        switch content {
        case .nothing: .null
        case .single(let value): value
        case .list(let slots): .array(slots.map(\.value))
        case .members(let members): .object(JSONObject(members.lazy.map { ($0.0, $0.1.value) }))
        }
    }

    func put(_ value: JSONValue) { content = .single(value) }

    /// Becomes a list, unless it is one.
    func startList() { if case .list = content {} else { content = .list([]) } }

    /// Becomes an object, unless it is one.
    func startMembers() { if case .members = content {} else { content = .members([]) } }

    var count: Int { if case .list(let slots) = content { slots.count } else { 0 } }

    func append() -> JSONSlot {
        let slot = JSONSlot()
        guard case .list(var slots) = content else { return slot }
        content = .nothing
        slots.append(slot)
        content = .list(slots)
        return slot
    }

    func member(_ name: String) -> JSONSlot {
        let slot = JSONSlot()
        guard case .members(var members) = content else { return slot }
        content = .nothing
        members.append((name, slot))
        content = .members(members)
        return slot
    }
}

/// An encoder of one value.
private struct JSONValueEncoder: Encoder {
    let slot: JSONSlot
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        slot.startMembers()
        return KeyedEncodingContainer(MemberWriter(slot: slot, codingPath: codingPath))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        slot.startList()
        return ElementWriter(slot: slot, codingPath: codingPath)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }
}

// MARK: Single values

extension JSONValueEncoder: SingleValueEncodingContainer {
    func encodeNil() { slot.put(.null) }
    func encode(_ value: Bool) { slot.put(.bool(value)) }
    func encode(_ value: String) { slot.put(.string(value)) }
    func encode(_ value: Double) { slot.put(.double(value)) }
    func encode(_ value: Float) { slot.put(.double(Double(value))) }
    func encode(_ value: Int) { integer(value) }
    func encode(_ value: Int8) { integer(value) }
    func encode(_ value: Int16) { integer(value) }
    func encode(_ value: Int32) { integer(value) }
    func encode(_ value: Int64) { integer(value) }
    func encode(_ value: UInt) { integer(value) }
    func encode(_ value: UInt8) { integer(value) }
    func encode(_ value: UInt16) { integer(value) }
    func encode(_ value: UInt32) { integer(value) }
    func encode(_ value: UInt64) { integer(value) }

    private func integer(_ value: some FixedWidthInteger) {
        slot.put(Int64(exactly: value).map(JSONValue.int) ?? .bigInt(String(value)))
    }

    func encode(_ value: some Encodable) throws {
        if let representable = value as? any JSONRepresentable {
            slot.put(representable.json)
        } else {
            try value.encode(to: self)
        }
    }
}

// MARK: Members

private struct MemberWriter<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let slot: JSONSlot
    let codingPath: [any CodingKey]

    private func encoder(_ key: some CodingKey) -> JSONValueEncoder {
        JSONValueEncoder(slot: slot.member(key.stringValue), codingPath: codingPath + [key])
    }

    func encodeNil(forKey key: Key) { encoder(key).encodeNil() }
    func encode(_ value: Bool, forKey key: Key) { encoder(key).encode(value) }
    func encode(_ value: String, forKey key: Key) { encoder(key).encode(value) }
    func encode(_ value: Double, forKey key: Key) { encoder(key).encode(value) }
    func encode(_ value: Float, forKey key: Key) { encoder(key).encode(value) }
    func encode(_ value: Int, forKey key: Key) { encoder(key).encode(value) }
    func encode(_ value: Int8, forKey key: Key) { encoder(key).encode(value) }
    func encode(_ value: Int16, forKey key: Key) { encoder(key).encode(value) }
    func encode(_ value: Int32, forKey key: Key) { encoder(key).encode(value) }
    func encode(_ value: Int64, forKey key: Key) { encoder(key).encode(value) }
    func encode(_ value: UInt, forKey key: Key) { encoder(key).encode(value) }
    func encode(_ value: UInt8, forKey key: Key) { encoder(key).encode(value) }
    func encode(_ value: UInt16, forKey key: Key) { encoder(key).encode(value) }
    func encode(_ value: UInt32, forKey key: Key) { encoder(key).encode(value) }
    func encode(_ value: UInt64, forKey key: Key) { encoder(key).encode(value) }
    func encode(_ value: some Encodable, forKey key: Key) throws { try encoder(key).encode(value) }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type,
        forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        encoder(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { encoder(key).unkeyedContainer() }
    func superEncoder() -> any Encoder { encoder(PlaceKey("super")) }
    func superEncoder(forKey key: Key) -> any Encoder { encoder(key) }
}

// MARK: Elements

private struct ElementWriter: UnkeyedEncodingContainer {
    let slot: JSONSlot
    let codingPath: [any CodingKey]

    var count: Int { slot.count }

    private func encoder() -> JSONValueEncoder {
        let path = codingPath + [PlaceKey(slot.count)]
        return JSONValueEncoder(slot: slot.append(), codingPath: path)
    }

    func encodeNil() { encoder().encodeNil() }
    func encode(_ value: Bool) { encoder().encode(value) }
    func encode(_ value: String) { encoder().encode(value) }
    func encode(_ value: Double) { encoder().encode(value) }
    func encode(_ value: Float) { encoder().encode(value) }
    func encode(_ value: Int) { encoder().encode(value) }
    func encode(_ value: Int8) { encoder().encode(value) }
    func encode(_ value: Int16) { encoder().encode(value) }
    func encode(_ value: Int32) { encoder().encode(value) }
    func encode(_ value: Int64) { encoder().encode(value) }
    func encode(_ value: UInt) { encoder().encode(value) }
    func encode(_ value: UInt8) { encoder().encode(value) }
    func encode(_ value: UInt16) { encoder().encode(value) }
    func encode(_ value: UInt32) { encoder().encode(value) }
    func encode(_ value: UInt64) { encoder().encode(value) }
    func encode(_ value: some Encodable) throws { try encoder().encode(value) }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        encoder().container(keyedBy: type)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { encoder().unkeyedContainer() }
    func superEncoder() -> any Encoder { encoder() }
}
