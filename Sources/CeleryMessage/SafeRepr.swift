/// The bounded repr of arguments that travels in `argsrepr` and `kwargsrepr` (`celery/utils/saferepr.py`).
///
/// It is for display only. Unlike Python's `repr` only the single quote is escaped, bytes that are no text print as
/// hexadecimal digits, and nesting and length are bounded.
public enum SafeRepr {
    /// The positional arguments, printed as a tuple.
    ///
    /// - Parameters:
    ///   - values: the arguments.
    ///   - maxLevels: levels beyond this print as `[...]` or `{...}`; 0 for no bound.
    ///   - maxSize: about how many characters to print before `, ...`.
    public static func args(_ values: [JSONValue], maxLevels: Int = 3, maxSize: Int = 1024) -> String {
        var printer = Printer(maxLevels: maxLevels, left: maxSize)
        printer.list(values, open: "(", close: values.count == 1 ? ",)" : ")")
        return printer.out
    }

    /// The keyword arguments, printed as a dict.
    public static func kwargs(_ object: JSONObject, maxLevels: Int = 3, maxSize: Int = 1024) -> String {
        value(.object(object), maxLevels: maxLevels, maxSize: maxSize)
    }

    /// Any value.
    public static func value(_ value: JSONValue, maxLevels: Int = 3, maxSize: Int = 1024) -> String {
        var printer = Printer(maxLevels: maxLevels, left: maxSize)
        printer.value(value)
        return printer.out
    }

    /// Prints token by token until the size is used up; after that only the brackets still open are closed.
    private struct Printer {
        let maxLevels: Int
        /// How many characters may still be printed; a token that starts within it is printed whole.
        var left: Int
        var out = ""
        private var level = 0
        private var cut = false

        init(maxLevels: Int, left: Int) {
            self.maxLevels = maxLevels
            self.left = left
        }

        mutating func value(_ value: JSONValue) {
            guard !cut else { return }
            switch value {
            case .array(let values): list(values, open: "[", close: "]")
            case .object(let object): dictionary(object)
            case .string(let text): token { Self.quoted(text, limit: $0) }
            case .tagged(.bytes(let bytes)): token { Self.bytes(bytes, limit: $0) }
            default: token { Self.truncated(value.pythonRepr, limit: $0) }
            }
        }

        mutating func list(_ values: [JSONValue], open: String, close: String) {
            guard enter(open: open, closed: open + "..." + close) else { return }
            for (place, element) in values.enumerated() {
                if cut { break }
                if place > 0 { literal(", ") }
                value(element)
            }
            leave(close)
        }

        private mutating func dictionary(_ object: JSONObject) {
            guard enter(open: "{", closed: "{...}") else { return }
            for (place, member) in object.enumerated() {
                if cut { break }
                if place > 0 { literal(", ") }
                token { Self.quoted(member.key, limit: $0) }
                literal(": ")
                value(member.value)
            }
            leave("}")
        }

        private mutating func enter(open: String, closed: String) -> Bool {
            if maxLevels > 0, level >= maxLevels {
                literal(closed)
                return false
            }
            literal(open)
            guard !cut else { return false }
            level += 1
            return true
        }

        /// Closing brackets are printed whatever the size.
        private mutating func leave(_ close: String) {
            level -= 1
            out += close
            if left > 0 { left -= close.count }
        }

        private mutating func literal(_ text: String) { token { _ in text } }

        private mutating func token(_ text: (Int) -> String) {
            guard !cut else { return }
            guard left > 0 else {
                out += ", ..."
                cut = true
                return
            }
            let printed = text(left)
            out += printed
            left -= printed.unicodeScalars.count
        }

        /// Cuts like `celery/utils/text.py`: at the limit, back to the last space, with three dots.
        private static func truncated(_ text: String, limit: Int) -> String {
            // No text has more scalars than bytes, so most need no counting.
            guard text.utf8.count >= limit, text.unicodeScalars.count >= limit else { return text }
            var scalars = Substring(text).unicodeScalars.prefix(limit)
            if let space = scalars.lastIndex(of: " ") { scalars = scalars[..<space] }
            return String(String.UnicodeScalarView(scalars)) + "..."
        }

        private static func quoted(_ text: String, limit: Int) -> String {
            var out = "'"
            for scalar in truncated(text, limit: limit).unicodeScalars {
                if scalar == "'" { out += "\\" }
                out.unicodeScalars.append(scalar)
            }
            return out + "'"
        }

        private static func bytes(_ bytes: [UInt8], limit: Int) -> String {
            let shown = Array(bytes.prefix(limit))
            let text = String(validating: shown, as: UTF8.self) ?? hexadecimal(shown)
            return "b'" + text + (bytes.count > limit ? "..." : "") + "'"
        }

        private static func hexadecimal(_ bytes: [UInt8]) -> String {
            var out: [UInt8] = []
            for byte in bytes {
                out.append(hexadecimalDigits[Int(byte >> 4)])
                out.append(hexadecimalDigits[Int(byte & 15)])
            }
            return String(decoding: out, as: UTF8.self)
        }
    }
}
