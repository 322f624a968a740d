public import CeleryMessage
import YAML

/// The serializer `yaml`, read as PyYAML's `safe_load` and written as its `safe_dump` does.
///
/// YAML has dates, times with dates and bytes of its own, so Kombu's type tags are not used: a mapping with
/// `__type__` stays a mapping.
public struct YAMLSerializer: BodySerializer {
    /// Makes the serializer.
    public init() {}

    /// `yaml`.
    public var name: String { "yaml" }
    /// `application/x-yaml`.
    public var contentType: String { "application/x-yaml" }
    /// `utf-8`.
    public var contentEncoding: String { "utf-8" }

    /// Reads one document; aliases and nesting are bounded, objects of any language refused.
    public func decode(_ bytes: [UInt8], limits: JSONLimits) throws -> JSONValue {
        let value = try YAMLReader.value(
            bytes,
            schema: .python,
            limits: YAMLLimits(bytes: limits.bytes, depth: limits.depth, expandedBytes: limits.bytes)
        )
        return Self.json(value)
    }

    /// Writes one document; decimals, times and UUIDs have no form in it, as with PyYAML.
    public func encode(_ value: JSONValue) throws -> [UInt8] { YAMLEmitter.bytes(try Self.yaml(value)) }

    private static func json(_ value: YAMLValue) -> JSONValue {
        switch value {
        case .null: .null
        case .bool(let flag): .bool(flag)
        case .int(let number): .int(number)
        case .bigInt(let digits): .bigInt(digits)
        case .double(let number): .double(number)
        case .string(let text): .string(text)
        case .date(let text): .tagged(.date(text))
        case .datetime(let text): .tagged(.datetime(text))
        case .bytes(let bytes): .tagged(.bytes(bytes))
        case .sequence(let values): .array(values.map(json))
        case .mapping(let members): .object(JSONObject(members.lazy.map { ($0.key, json($0.value)) }))
        }
    }

    private static func yaml(_ value: JSONValue) throws(MessageError) -> YAMLValue {
        switch value {
        case .null: return .null
        case .bool(let flag): return .bool(flag)
        case .int(let number): return .int(number)
        case .bigInt(let digits): return .bigInt(digits)
        case .double(let number): return .double(number)
        case .string(let text): return .string(text)
        case .array(let values):
            var items: [YAMLValue] = []
            items.reserveCapacity(values.count)
            for value in values { items.append(try yaml(value)) }
            return .sequence(items)
        case .object(let object):
            var members: [YAMLMember] = []
            members.reserveCapacity(object.count)
            for (key, value) in object { members.append(YAMLMember(key, try yaml(value))) }
            return .mapping(members)
        case .tagged(.datetime(let text)): return .datetime(text)
        case .tagged(.date(let text)): return .date(text)
        case .tagged(.bytes(let bytes)): return .bytes(bytes)
        case .tagged(.decimal): throw unencodable("Decimal")
        case .tagged(.time): throw unencodable("time")
        case .tagged(.uuid): throw unencodable("UUID")
        }
    }

    private static func unencodable(_ type: String) -> MessageError {
        MessageError(.unencodable, "the yaml serializer has no form for a \(type)")
    }
}
