/// What one field of a crontab says, in any of the forms that Celery takes.
public enum CrontabField: Sendable, Hashable {
    /// A pattern, such as `*/15` or `mon-fri`.
    case text(String)
    /// The values themselves.
    case values([Int])

    /// Every value.
    public static let all = CrontabField.text("*")
}

extension CrontabField: ExpressibleByStringLiteral {
    /// A pattern.
    public init(stringLiteral value: String) { self = .text(value) }
}

extension CrontabField: ExpressibleByIntegerLiteral {
    /// One value.
    public init(integerLiteral value: Int) { self = .values([value]) }
}

extension CrontabField: ExpressibleByArrayLiteral {
    /// Several values.
    public init(arrayLiteral elements: Int...) { self = .values(elements) }
}

extension CrontabField: CustomStringConvertible {
    /// The pattern, or the values as Python shows them.
    public var description: String {
        switch self {
        case .text(let text): text
        case .values(let values) where values.count == 1: values.map(String.init).joined()
        case .values(let values): "[" + values.map(String.init).joined(separator: ", ") + "]"
        }
    }
}
