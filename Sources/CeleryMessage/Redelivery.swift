/// Marks messages that go back to their queue (`kombu/transport/virtual/base.py`).
public enum Redelivery {
    /// The item with `redelivered: true` in its headers and in its delivery information, every other byte as it was.
    ///
    /// `nil` when the item is no JSON object with both parts; Kombu could not give such a message back either.
    public static func mark(_ item: [UInt8]) -> [UInt8]? {
        let found = item.withUnsafeBufferPointer { buffer -> [Edit]? in
            var scanner = JSONScanner(buffer, depth: MessageLimits().depth)
            // Why it is no JSON does not matter here; decoding the message has said so before.
            return (try? edits(&scanner)) ?? nil
        }
        guard let found else { return nil }
        var out: [UInt8] = []
        out.reserveCapacity(item.count + 64)
        var place = 0
        for edit in found.sorted(by: { $0.start < $1.start }) {
            out.append(contentsOf: item[place..<edit.start])
            out.append(edit.text)
            place = edit.end
        }
        out.append(contentsOf: item[place...])
        return out
    }

    private struct Edit {
        var start: Int
        var end: Int
        var text: StaticString
    }

    /// What to change, or `nil` when a part is missing; of equal keys the last counts, as for every reader.
    private static func edits(_ scanner: inout JSONScanner) throws(JSONError) -> [Edit]? {
        var headers: Edit?
        var delivery: Edit?
        try scanner.members(depth: 0) { scanner, key throws(JSONError) in
            if scanner.matches("headers", key) {
                headers = try edit(&scanner, depth: 1)
            } else if scanner.matches("properties", key) {
                delivery = try deliveryEdit(&scanner)
            } else {
                try scanner.skipValue(depth: 1)
            }
        }
        try scanner.finish()
        guard let headers, let delivery else { return nil }
        return [headers, delivery]
    }

    private static func deliveryEdit(_ scanner: inout JSONScanner) throws(JSONError) -> Edit? {
        guard try scanner.peek() == UInt8(ascii: "{") else {
            try scanner.skipValue(depth: 1)
            return nil
        }
        var found: Edit?
        try scanner.members(depth: 1) { scanner, key throws(JSONError) in
            if scanner.matches("delivery_info", key) {
                found = try edit(&scanner, depth: 2)
            } else {
                try scanner.skipValue(depth: 2)
            }
        }
        return found
    }

    /// How to set the mark in the object that is next.
    private static func edit(_ scanner: inout JSONScanner, depth: Int) throws(JSONError) -> Edit? {
        guard try scanner.peek() == UInt8(ascii: "{") else {
            try scanner.skipValue(depth: depth)
            return nil
        }
        var present: Edit?
        var last: Int?
        try scanner.members(depth: depth) { scanner, key throws(JSONError) in
            scanner.skipSpace()
            let start = scanner.position
            try scanner.skipValue(depth: depth + 1)
            last = scanner.position
            if scanner.matches("redelivered", key) { present = Edit(start: start, end: scanner.position, text: "true") }
        }
        if let present { return present }
        if let last { return Edit(start: last, end: last, text: #", "redelivered": true"#) }
        return Edit(start: scanner.position - 1, end: scanner.position - 1, text: #""redelivered": true"#)
    }
}
