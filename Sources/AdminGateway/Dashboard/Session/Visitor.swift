import CeleryMessage

/// Who looks at a page, and how they want to see it.
struct Visitor: Sendable {
    /// How somebody has shown who they are.
    enum Proof: Sendable {
        /// A session's cookie: forms must carry the session's own token.
        case session(Session, formToken: String)
        /// The token itself in a header, which no other site's page can make a browser send.
        case header
    }

    /// Who it is; `nil` before the login.
    var user: GatewayUser?
    var proof: Proof?
    var locale: StatusLocale
    /// `light` or `dark`; `nil` leaves it to the system.
    var theme: String?
    /// The address of the request.
    var address = ""

    /// Whether the user has a role.
    func has(_ role: GatewayUser.Role) -> Bool { user.map { $0.role >= role } ?? false }

    /// What forms carry.
    var formToken: String {
        if case .session(_, let token)? = proof { return token }
        return ""
    }

    /// The language that suits a browser best, by its `Accept-Language`.
    static func locale(accepted header: String?, otherwise: StatusLocale) -> StatusLocale {
        var best: (locale: StatusLocale, quality: Double)?
        for part in (header ?? "").split(separator: ",").prefix(20) {
            let pieces = part.split(separator: ";").map { $0.filter { !$0.isWhitespace } }
            guard let tag = pieces.first?.lowercased(), let locale = StatusLocale(rawValue: String(tag.prefix(2))),
                tag.utf8.count == 2 || tag.utf8.dropFirst(2).first == UInt8(ascii: "-")
            else { continue }
            let quality = pieces.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
            if quality > 0, quality > best?.quality ?? 0 { best = (locale, quality) }
        }
        return best?.locale ?? otherwise
    }
}
