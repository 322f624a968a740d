/// Any value a Celery message can carry: JSON with exact numbers, plus the typed values Kombu wraps as
/// `{"__type__": …, "__value__": …}`.
///
/// Numbers survive as they came: `1` is an `int`, `1.0` a `double`, an integer beyond 64 bits a `bigInt`.
/// `NaN` and the infinities, which Python writes into JSON, are ordinary `double`s here.
public enum JSONValue: Sendable, Hashable {
    /// JSON's `null`, Python's `None`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// An integer that fits 64 bits.
    case int(Int64)
    /// An integer beyond 64 bits: its decimal digits without leading zeros, `-` first when negative.
    case bigInt(String)
    /// A number written with a fraction or exponent, `NaN` or an infinity.
    case double(Double)
    /// Text.
    case string(String)
    /// A list; Python tuples arrive as lists.
    case array([JSONValue])
    /// An object with its keys in the order they came.
    case object(JSONObject)
    /// A value that Kombu wraps in a type tag (`kombu/utils/json.py`).
    case tagged(TaggedValue)
}

/// A value JSON has no form for, as Kombu registers them; the text is kept exactly as it came.
public enum TaggedValue: Sendable, Hashable {
    /// ISO 8601 date and time; without an offset when the Python value was naive.
    case datetime(String)
    /// `YYYY-MM-DD`.
    case date(String)
    /// `HH:MM:SS[.ffffff][+00:00]`.
    case time(String)
    /// Decimal text such as `1.10`, `1E+3` or `NaN`.
    case decimal(String)
    /// Thirty-two lower-case hexadecimal digits.
    case uuid(String)
    /// Bytes; written as tag `bytes` when valid UTF-8 and as `base64` otherwise.
    case bytes([UInt8])
}

extension JSONValue {
    /// The text of a string value, else `nil`.
    public var string: String? { if case .string(let text) = self { text } else { nil } }
    /// The value of a 64-bit integer, else `nil`; a `double` is not converted.
    public var int: Int64? { if case .int(let value) = self { value } else { nil } }
    /// An integer or floating-point value as a `Double`, else `nil`.
    public var number: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        case .bigInt(let digits): Double(digits)
        default: nil
        }
    }
    /// The value of a boolean, else `nil`.
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    /// The elements of a list, else `nil`.
    public var array: [JSONValue]? { if case .array(let values) = self { values } else { nil } }
    /// The members of an object, else `nil`.
    public var object: JSONObject? { if case .object(let object) = self { object } else { nil } }
    /// Whether this is `null`.
    public var isNull: Bool { if case .null = self { true } else { false } }
    /// The member named `key`, or `nil` when absent or when this is not an object.
    public subscript(key: String) -> JSONValue? { object?[key] }
}

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// Writes `nil` for JSON's `null`.
    public init(nilLiteral: ()) { self = .null }
    /// Writes a boolean.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// Writes an integer.
    public init(integerLiteral value: Int64) { self = .int(value) }
    /// Writes a floating-point number.
    public init(floatLiteral value: Double) { self = .double(value) }
    /// Writes text.
    public init(stringLiteral value: String) { self = .string(value) }
    /// Writes a list.
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    /// Writes an object, keys in the order given.
    public init(dictionaryLiteral elements: (String, JSONValue)...) { self = .object(JSONObject(elements)) }
}
