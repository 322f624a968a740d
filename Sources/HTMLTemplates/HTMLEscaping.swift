import Mustache

/// Makes any text safe between tags and between the quotes of an attribute.
///
/// swift-mustache's own escaping looks at characters, and a quote with a combining mark behind it is one character that is
/// no quote: it passes as it is, and ends the attribute it stands in. Browsers read code points, so this looks at bytes.
package struct HTMLEscaping: MustacheContentType {
    package init() {}

    package func escapeText(_ text: String) -> String {
        // Most of what a page shows is plain: it stays the string it is.
        guard let first = text.utf8.firstIndex(where: { Self.reference($0) != nil }) else { return text }
        var escaped: [UInt8] = []
        escaped.reserveCapacity(text.utf8.count + 32)
        escaped.append(contentsOf: text.utf8[..<first])
        for byte in text.utf8[first...] {
            if let reference = Self.reference(byte) {
                escaped.append(contentsOf: reference.utf8)
            } else {
                escaped.append(byte)
            }
        }
        return String(decoding: escaped, as: UTF8.self)
    }

    /// What stands for a byte that HTML would read as more than text.
    private static func reference(_ byte: UInt8) -> String? {
        switch byte {
        case UInt8(ascii: "&"): "&amp;"
        case UInt8(ascii: "<"): "&lt;"
        case UInt8(ascii: ">"): "&gt;"
        case UInt8(ascii: "\""): "&quot;"
        case UInt8(ascii: "'"): "&#39;"
        default: nil
        }
    }
}
