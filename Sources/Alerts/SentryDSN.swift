/// Where Sentry takes events, and with which key: `https://key@host/1`.
package struct SentryDSN: Sendable, Hashable, CustomStringConvertible {
    /// The public key; still nobody's business.
    package let key: String
    /// The address that envelopes are sent to.
    package let endpoint: String
    /// The server, for people.
    package let host: String

    /// Reads an address as Sentry shows it; `nil` where it is none.
    package init?(_ text: String) {
        guard text.utf8.count <= 1000, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
            let scheme = ["https://", "http://"].first(where: { text.hasPrefix($0) })
        else { return nil }
        let parts = text.dropFirst(scheme.count).split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, let key = parts[0].split(separator: ":").first, !key.isEmpty else { return nil }
        let path = parts[1].split(separator: "/", omittingEmptySubsequences: false)
        guard path.count >= 2, let host = path.first, !host.isEmpty, let project = path.last, !project.isEmpty,
            project.utf8.allSatisfy({ (0x30...0x39).contains($0) }), !path.dropLast().contains("")
        else { return nil }
        self.key = String(key)
        self.host = String(host)
        endpoint = "\(scheme)\(path.dropLast().joined(separator: "/"))/api/\(project)/envelope/"
    }

    /// The server without the key.
    package var description: String { "\(host) with **" }
}
