/// A value with a form of its own as ``JSONValue``, which coding it takes instead of its `Codable` one.
///
/// Values that JSON has no form for are the reason: a date becomes Kombu's `{"__type__": "datetime", …}` this way, and
/// numbers of a ``JSONValue`` stay exact.
public protocol JSONRepresentable: Codable {
    /// Reads the value; throws `DecodingError` for JSON of the wrong kind.
    static func reading(_ json: JSONValue) throws -> Self
    /// The value as JSON.
    var json: JSONValue { get }
}

extension JSONRepresentable {
    /// Reads the value from any decoder.
    public init(from decoder: any Decoder) throws { self = try Self.reading(JSONValue(from: decoder)) }

    /// Writes the value with any encoder.
    public func encode(to encoder: any Encoder) throws { try json.encode(to: encoder) }
}

extension JSONValue: JSONRepresentable {
    /// The value itself.
    public static func reading(_ json: JSONValue) throws -> JSONValue { json }
    /// The value itself.
    public var json: JSONValue { self }

    /// Reads any JSON from any decoder; numbers come as precise as the decoder gives them.
    public init(from decoder: any Decoder) throws {
        if let decoder = decoder as? JSONValueDecoder {
            self = decoder.value
            return
        }
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let flag = try? container.decode(Bool.self) {
            self = .bool(flag)
        } else if let number = try? container.decode(Int64.self) {
            self = .int(number)
        } else if let number = try? container.decode(Double.self) {
            self = .double(number)
        } else if let text = try? container.decode(String.self) {
            self = .string(text)
        } else if let list = try? container.decode([JSONValue].self) {
            self = .array(list)
        } else {
            let members = try container.decode([String: JSONValue].self)
            self = .object(JSONObject(members.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }))
        }
    }

    /// Writes the value with any encoder; a tagged one in Kombu's form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let flag): try container.encode(flag)
        case .int(let number): try container.encode(number)
        case .bigInt(let digits): try container.encode(Double(digits) ?? .infinity)
        case .double(let number): try container.encode(number)
        case .string(let text): try container.encode(text)
        case .array(let values): try container.encode(values)
        case .object(let object):
            let members = object.map { ($0.key, $0.value) }
            try container.encode(Dictionary(members, uniquingKeysWith: { _, last in last }))
        case .tagged(let value): try container.encode(value.members)
        }
    }
}

extension TaggedValue {
    /// The members of the object that the value is on the wire.
    fileprivate var members: [String: String] {
        let (type, text): (String, String) =
            switch self {
            case .datetime(let text): ("datetime", text)
            case .date(let text): ("date", text)
            case .time(let text): ("time", text)
            case .decimal(let text): ("decimal", text)
            case .uuid(let text): ("uuid", text)
            case .bytes(let bytes): ("base64", String(decoding: Base64.encode(bytes), as: UTF8.self))
            }
        return ["__type__": type, "__value__": text]
    }
}

extension JSONObject: JSONRepresentable {
    /// Reads the members of an object.
    public static func reading(_ json: JSONValue) throws -> JSONObject {
        guard let object = json.object else { throw DecodingError.expected(JSONObject.self, "dict", found: json) }
        return object
    }

    /// The object as a value.
    public var json: JSONValue { .object(self) }
}

extension Signature: JSONRepresentable {
    /// Reads a signature; only `task` has to be there.
    public static func reading(_ json: JSONValue) throws -> Signature {
        do throws(MessageError) {
            return try Signature(json: json)
        } catch {
            throw DecodingError.expected(Signature.self, "signature", found: json)
        }
    }
}

extension ResultTuple: JSONRepresentable {
    /// Reads what `AsyncResult.as_tuple` writes.
    public static func reading(_ json: JSONValue) throws -> ResultTuple {
        guard let tuple = ResultTuple(json: json) else {
            throw DecodingError.expected(ResultTuple.self, "result", found: json)
        }
        return tuple
    }
}

extension ExceptionInfo: JSONRepresentable {
    /// Reads what a record or the exception handed to an errback holds.
    public static func reading(_ json: JSONValue) throws -> ExceptionInfo {
        guard let info = ExceptionInfo(json: json) else {
            throw DecodingError.expected(ExceptionInfo.self, "exception", found: json)
        }
        return info
    }
}

extension DecodingError {
    /// The error for JSON of another kind than a type needs, in the words of a Python `TypeError`.
    package static func expected(
        _ type: Any.Type,
        _ name: String,
        found: JSONValue,
        at path: [any CodingKey] = []
    ) -> DecodingError {
        .typeMismatch(
            type,
            Context(codingPath: path, debugDescription: "must be \(name), not \(found.pythonTypeName)")
        )
    }
}
