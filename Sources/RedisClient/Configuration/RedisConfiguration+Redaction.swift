extension RedisConfiguration {
    /// The text of a URL, or of several separated by `;`, with `**` for each password.
    ///
    /// Works on anything, also on what ``init(url:)`` refuses, and rather hides too much than too little.
    public static func redact(_ url: String) -> String {
        separate(url).map(redactOne).joined(separator: ";")
    }

    /// The URLs of a text that `;` separates.
    static func separate(_ url: String) -> [Substring] {
        var urls: [Substring] = []
        var rest = Substring(url)
        // A password may hold ';', so only a ';' with a scheme behind it separates URLs.
        while let cut = separator(in: rest) {
            urls.append(rest[..<cut])
            rest = rest[rest.index(after: cut)...]
        }
        return urls + [rest]
    }

    private static func separator(in text: Substring) -> Substring.Index? {
        text.indices.first { index in
            guard text[index] == ";" else { return false }
            let scheme = text[text.index(after: index)...].prefix { $0.isLetter || $0 == "+" }
            return !scheme.isEmpty && text[scheme.endIndex...].hasPrefix("://")
        }
    }

    private static func redactOne(_ url: Substring) -> String {
        var text = String(url)
        // Up to the last '@', wherever it stands: a password with an unescaped '/' must not escape redaction.
        if let at = text.lastIndex(of: "@") {
            let slashes = text.firstRange(of: "://")
            let start = slashes?.upperBound ?? text.startIndex
            if start <= at {
                let user = text[start..<at].prefix { $0 != ":" }
                let hasPassword = text[start..<at].contains(":")
                text.replaceSubrange(start..<at, with: hasPassword ? "\(user):**" : "**")
            }
        }
        for name in ["password=", "ssl_password=", "sentinel_password="] {
            for mark in ["?", "&"] {
                guard let found = text.firstRange(of: mark + name) else { continue }
                let end = text[found.upperBound...].firstIndex(of: "&") ?? text.endIndex
                text.replaceSubrange(found.upperBound..<end, with: "**")
            }
        }
        return text
    }
}
