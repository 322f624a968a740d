/// The URL of a broker or result backend, or of several sentinels; it may hold a password, its description does not.
public struct ServerURL: Sendable, Hashable {
    /// The URL as configured, password included.
    public let text: String

    /// Takes a URL as it is; see ``problem`` for what can be wrong with it.
    public init(_ text: String) { self.text = text }

    /// The schemes that are understood.
    public static let schemes = ["redis", "rediss", "redis+socket", "unix", "redis+unix"] + sentinelSchemes
    /// The schemes that name sentinels instead of the server.
    public static let sentinelSchemes = ["sentinel", "redis+sentinel", "rediss+sentinel"]

    /// Whether it names sentinels instead of the server.
    public var namesSentinels: Bool { Self.sentinelSchemes.contains(scheme) }

    /// The URLs that `;` separates; not at one inside of a password, as another server begins with a scheme.
    public var parts: [ServerURL] {
        var parts: [String] = []
        for part in text.split(separator: ";") {
            if let last = parts.popLast() {
                parts += part.firstRange(of: "://") == nil ? ["\(last);\(part)"] : [last, String(part)]
            } else {
                parts.append(String(part))
            }
        }
        return parts.map(ServerURL.init)
    }

    /// The part before `://`, in lower case; empty when there is none.
    public var scheme: String {
        guard let mark = text.firstRange(of: "://") else { return "" }
        return text[..<mark.lowerBound].lowercased()
    }

    /// The URL with `**` in place of the password: `redis://user:**@host:6379/0`.
    public var redacted: String {
        let parts = parts
        return parts.count < 2 ? redactedPart : parts.map(\.redactedPart).joined(separator: ";")
    }

    private var redactedPart: String {
        guard let mark = text.firstRange(of: "://") else { return "**" }
        // Up to the last '@', wherever it stands: a password may hold an unescaped '/'.
        var rest = text[mark.upperBound...]
        var credentials = ""
        if let at = rest.lastIndex(of: "@") {
            let user = rest[..<at].prefix { $0 != ":" }
            credentials = rest[..<at].contains(":") ? "\(user):**@" : "**@"
            rest = rest[rest.index(after: at)...]
        }
        let question = rest.firstIndex(of: "?") ?? rest.endIndex
        let query = rest[question...].split(separator: "&").map { pair in
            pair.contains("password") ? pair.prefix { $0 != "=" } + "=**" : pair
        }
        return text[..<mark.upperBound] + credentials + rest[..<question] + query.joined(separator: "&")
    }

    /// What is wrong with the shape of the URL, or `nil`; whoever connects reads it in full.
    public var problem: String? {
        if scheme.isEmpty { return "is not a URL; redis://127.0.0.1:6379/0 is the shape" }
        if !Self.schemes.contains(scheme) {
            return "has the scheme '\(scheme)'; known are \(Self.schemes.joined(separator: ", "))"
        }
        return nil
    }
}

extension ServerURL: CustomStringConvertible, CustomReflectable {
    /// The URL without its password.
    public var description: String { redacted }
    /// A mirror without secrets.
    public var customMirror: Mirror { Mirror(self, children: ["url": redacted]) }
}
