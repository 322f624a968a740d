import NIOCore

/// The tag of a body, 64 bits of FNV-1a.
///
/// It tells versions of one address apart and protects nothing.
struct EntityTag: Hashable {
    let value: UInt64

    init(_ body: ByteBuffer) {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in body.readableBytesView { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        value = hash
    }

    /// Sixteen digits, without quotes.
    var text: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Weak: two bodies that differ only in when they were written have one tag.
    var header: String { "W/\"\(text)\"" }

    /// Whether an `If-None-Match` names this version.
    func matches(_ condition: String?) -> Bool {
        guard let condition else { return false }
        return condition.split(separator: ",").contains { part in
            let tag = part.drop { $0 == " " }.prefix { $0 != " " }
            return tag == "*" || tag == header[...] || tag == "\"\(text)\""[...]
        }
    }
}
