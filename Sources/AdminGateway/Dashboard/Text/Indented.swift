import CeleryMessage

/// Values as people read them: a member on each line.
enum Indented {
    /// The value; deep ones end in what fits on one line.
    static func text(_ value: JSONValue) -> String {
        var out = ""
        write(value, depth: 0, into: &out)
        return out
    }

    /// JSON text; what is none, as a text that was cut, stays as it is.
    static func text(_ json: String) -> String {
        guard let value = try? JSONReader.value(Array(json.utf8), limits: JSONLimits(depth: 60, bytes: 1 << 20)) else {
            return json
        }
        return text(value)
    }

    private static func write(_ value: JSONValue, depth: Int, into out: inout String) {
        switch value {
        case .array(let values) where !values.isEmpty && depth < 12:
            lines(values, "[", "]", depth, into: &out) { write($0, depth: depth + 1, into: &$1) }
        case .object(let object) where !object.isEmpty && depth < 12:
            lines(Array(object), "{", "}", depth, into: &out) { member, out in
                out += WebJSON.string(.string(member.key)) + ": "
                write(member.value, depth: depth + 1, into: &out)
            }
        default: out += WebJSON.string(value)
        }
    }

    private static func lines<Element>(
        _ elements: [Element],
        _ open: String,
        _ close: String,
        _ depth: Int,
        into out: inout String,
        _ write: (Element, inout String) -> Void
    ) {
        out += open
        for (place, element) in elements.enumerated() {
            out += (place == 0 ? "\n" : ",\n") + String(repeating: "  ", count: depth + 1)
            write(element, &out)
        }
        out += "\n" + String(repeating: "  ", count: depth) + close
    }
}
