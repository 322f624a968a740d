import CeleryMessage
import Databases

/// The key of a statement, from a task's arguments: a whole number or a short plain text.
///
/// Its text becomes part of a file name, so only letters, digits, `-`, `_` and `.` may be in it.
struct MutabakatID: Sendable, Hashable {
    /// The key as text; `1` and `"1"` are the same statement.
    let text: String
    /// The key as it came, for the results.
    let value: JSONValue

    /// Reads an argument; nil when it is no such key.
    init?(_ value: JSONValue) {
        switch value {
        case .int(let number): text = String(number)
        case .string(let given) where Self.isPlain(given): text = given
        default: return nil
        }
        self.value = value
    }

    /// The key as an argument of the queries.
    var sqlValue: SQLValue {
        if case .int(let number) = value { .int(number) } else { .text(text) }
    }

    private static func isPlain(_ text: String) -> Bool {
        guard (1...100).contains(text.utf8.count), text.utf8.first != UInt8(ascii: ".") else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                true
            default: false
            }
        }
    }

    static func == (left: MutabakatID, right: MutabakatID) -> Bool { left.text == right.text }

    func hash(into hasher: inout Hasher) { hasher.combine(text) }
}
