/// The headers and keyword arguments by which a message names its tenant; the first one found counts.
///
/// The one rule for everything that asks whose task it is: history, plans of tenants, the gateway.
public struct TenantNames: Sendable, Hashable {
    /// What is looked for unless something else is configured.
    public static let usual = ["tenant_id", "tenant"]

    /// The names, in the order in which they are looked for.
    public let names: [String]

    /// These names.
    public init(_ names: [String] = usual) { self.names = names }

    /// Whose task it is: by a header of one of the names, else by a keyword argument of one.
    public func tenant(of received: ReceivedMessage) -> String? {
        guard !received.message.headers.extra.isEmpty || received.message.payload.kwargs.count > 2 else { return nil }
        for name in names {
            if let text = Self.text(received.message.headers.extra[name]) { return text }
        }
        guard received.message.payload.kwargs.count > 2 else { return nil }
        // Reading the arguments costs more than all the rest: only where one of them may be it.
        for name in names where received.message.payload.kwargs.contains(key: name) {
            guard let keywords = try? received.message.payload.keywords() else { return nil }
            if let text = Self.text(keywords[name]) { return text }
        }
        return nil
    }

    /// The same of headers and keyword arguments that are values already.
    public func tenant(headers: JSONObject, keywords: JSONObject) -> String? {
        names.lazy.compactMap { Self.text(headers[$0]) }.first
            ?? names.lazy.compactMap { Self.text(keywords[$0]) }.first
    }

    private static func text(_ value: JSONValue?) -> String? {
        switch value {
        case .string(let text)? where !text.isEmpty: text
        case .int(let number)?: String(number)
        case .bigInt(let digits)?: digits
        case .tagged(.uuid(let digits))?: digits
        default: nil
        }
    }
}

extension [UInt8] {
    /// Whether a key may occur in JSON text, as a look at its bytes tells.
    fileprivate func contains(key: String) -> Bool {
        guard let first = key.utf8.first else { return false }
        return withUnsafeBufferPointer { bytes in
            var place = 0
            let last = bytes.count - key.utf8.count
            while place <= last {
                if bytes[place] == first, bytes[place..<place + key.utf8.count].elementsEqual(key.utf8) { return true }
                place += 1
            }
            return false
        }
    }
}
