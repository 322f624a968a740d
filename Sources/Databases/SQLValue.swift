public import FoundationEssentials

/// One value going into a statement or coming out of a row.
///
/// Money travels as `decimal` or `text`: it never passes through `double` on its way in.
public enum SQLValue: Sendable, Hashable {
    case null
    /// SQLite has no boolean: it is stored, and comes back, as the integer 0 or 1.
    case bool(Bool)
    case int(Int64)
    case double(Double)
    /// An exact decimal number in plain notation, such as `-1234.50`; SQLite stores its text.
    case decimal(String)
    case text(String)
    /// A moment; SQLite stores UTC text, `2027-01-15 08:30:00.000`, which its date functions and `ORDER BY` understand.
    case timestamp(Date)
    case bytes([UInt8])
}

extension SQLValue {
    /// Whether this is SQL's NULL.
    public var isNull: Bool { self == .null }

    /// The value as an integer, where it is one (or a text that spells one).
    public var integer: Int64? {
        switch self {
        case .int(let value): value
        case .bool(let value): value ? 1 : 0
        case .text(let text), .decimal(let text): Int64(text)
        case .null, .double, .timestamp, .bytes: nil
        }
    }

    /// The value as text as SQL would print it; nil for NULL and for bytes.
    public var text: String? {
        switch self {
        case .null, .bytes: nil
        case .bool(let value): value ? "1" : "0"
        case .int(let value): String(value)
        case .double(let value): value.description
        case .decimal(let text), .text(let text): text
        case .timestamp(let date): Self.utcText(date)
        }
    }

    /// A moment as the text that SQLite's own date functions write and read: UTC, milliseconds.
    static func utcText(_ date: Date) -> String {
        date.formatted(
            .iso8601.year().month().day().dateTimeSeparator(.space).time(includingFractionalSeconds: true)
        )
    }
}

extension SQLValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByNilLiteral
{
    /// Makes a text.
    public init(stringLiteral value: String) { self = .text(value) }

    /// Makes an integer.
    public init(integerLiteral value: Int64) { self = .int(value) }

    /// Makes a boolean.
    public init(booleanLiteral value: Bool) { self = .bool(value) }

    /// Makes NULL.
    public init(nilLiteral: ()) { self = .null }
}
