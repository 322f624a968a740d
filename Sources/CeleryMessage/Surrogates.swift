/// How code points that a Swift string cannot hold travel inside one; `JSONReader` explains the scheme.
enum Surrogates {
    /// Marks the scalar after it as a lone surrogate, or itself as itself.
    static let marker: UInt32 = 0x10FFFF
    /// What is added to a lone surrogate to make it a scalar.
    static let shift: UInt32 = 0x10_0000

    /// Appends the UTF-8 of a code point 0...0x10FFFF, marking those that need it.
    static func append(_ point: UInt32, to out: inout [UInt8]) {
        switch point {
        case 0xD800...0xDFFF:
            appendUTF8(marker, to: &out)
            appendUTF8(point + shift, to: &out)
        case marker:
            appendUTF8(marker, to: &out)
            appendUTF8(marker, to: &out)
        default: appendUTF8(point, to: &out)
        }
    }

    /// The code points of a string as Python counts them, markers undone.
    static func points(_ text: String) -> [UInt32] {
        var points: [UInt32] = []
        points.reserveCapacity(text.utf8.count)
        var marked = false
        for scalar in text.unicodeScalars {
            let point = scalar.value
            if marked {
                marked = false
                if let surrogate = unmarked(point) {
                    points[points.count - 1] = surrogate
                    continue
                }
                if point == marker { continue }
            }
            marked = point == marker
            points.append(point)
        }
        return points
    }

    /// The surrogate that a scalar after the marker stands for.
    static func unmarked(_ point: UInt32) -> UInt32? {
        (shift + 0xD800...shift + 0xDFFF).contains(point) ? point - shift : nil
    }

    /// The string that holds some code points.
    static func string(_ points: some Sequence<UInt32>) -> String {
        var out: [UInt8] = []
        for point in points { append(point, to: &out) }
        return String(decoding: out, as: UTF8.self)
    }

    /// The UTF-8 of a string's true code points, or `nil` when a lone surrogate is among them.
    static func utf8(_ text: String) -> [UInt8]? {
        guard mayBeMarked(text) else { return Array(text.utf8) }
        var out: [UInt8] = []
        for point in points(text) {
            if (0xD800...0xDFFF).contains(point) { return nil }
            appendUTF8(point, to: &out)
        }
        return out
    }

    /// Text from elsewhere as it is held here: markers doubled.
    static func held(_ text: String) -> String {
        mayBeMarked(text) ? string(text.unicodeScalars.lazy.map(\.value)) : text
    }

    private static func mayBeMarked(_ text: String) -> Bool {
        // Only planes 16 and up begin with this byte.
        text.utf8.contains(0xF4)
    }

    private static func appendUTF8(_ point: UInt32, to out: inout [UInt8]) {
        if point < 0x80 {
            out.append(UInt8(point))
        } else if point < 0x800 {
            out.append(UInt8(0xC0 | point >> 6))
            out.append(UInt8(0x80 | point & 0x3F))
        } else if point < 0x10000 {
            out.append(UInt8(0xE0 | point >> 12))
            out.append(UInt8(0x80 | point >> 6 & 0x3F))
            out.append(UInt8(0x80 | point & 0x3F))
        } else {
            out.append(UInt8(0xF0 | point >> 18))
            out.append(UInt8(0x80 | point >> 12 & 0x3F))
            out.append(UInt8(0x80 | point >> 6 & 0x3F))
            out.append(UInt8(0x80 | point & 0x3F))
        }
    }
}
