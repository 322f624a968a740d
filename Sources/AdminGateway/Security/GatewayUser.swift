/// Somebody who may ask the gateway, known by a token.
package struct GatewayUser: Sendable, Hashable {
    /// What somebody may do; each role may do what those before it may.
    package enum Role: String, Sendable, Hashable, CaseIterable, Comparable {
        /// See everything.
        case viewer
        /// Send tasks, and change what becomes of single ones.
        case `operator`
        /// Change queues and workers.
        case admin

        package static func < (left: Role, right: Role) -> Bool { left.rank < right.rank }

        private var rank: Int {
            switch self {
            case .viewer: 0
            case .operator: 1
            case .admin: 2
            }
        }
    }

    /// The name, for the log.
    package var name: String
    /// What the user may do.
    package var role: Role
    /// The SHA-256 of the token; the token itself is kept nowhere.
    package var tokenDigest: [UInt8]

    /// A user by the digest of the token.
    package init(name: String, role: Role, tokenDigest: [UInt8]) {
        self.name = name
        self.role = role
        self.tokenDigest = tokenDigest
    }

    /// A user by the token.
    package init(name: String, role: Role, token: String) {
        self.init(name: name, role: role, tokenDigest: TokenDigest.of(token))
    }
}
