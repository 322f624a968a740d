import Crypto
import Synchronization

/// What a gateway remembers from one request to the next; it outlives the configuration.
///
/// How much is allowed of what is counted here stands in the configuration, and each request brings its own.
final class GatewayMemory: Sendable {
    let requests = RequestMetrics()
    /// Those who wait or follow.
    let followers = Places(
        code: "too_many_followers",
        refusal: "Too many clients wait or follow events; poll instead."
    )
    let downloads = DownloadMetrics()
    /// Wrong tokens, by address.
    let failures = RateLimiter()
    /// Tasks sent, by user.
    let flood = RateLimiter()
    let endedSessions = EndedSessions()
    /// Signs sessions where no key is configured.
    let sessionKey = SymmetricKey(size: .bits256)
    /// Signs links to files where no key is configured.
    let linkKey = SymmetricKey(size: .bits256)

    /// Whether Redis has answered once.
    let hasStarted = StartMark()

    /// Who may follow tasks.
    private struct Rights {
        var users: [GatewayUser]
        var isEverybody: Bool
    }

    /// Those of the configuration that is served; `nil` before one is.
    private let rights = Mutex<Rights?>(nil)

    /// Whether somebody who was let in before still would be: streams outlive a change of the configuration.
    ///
    /// - Parameter user: `nil` for one who showed no token.
    func admits(_ user: GatewayUser?) -> Bool {
        rights.withLock { rights in
            guard let rights else { return true }
            guard let user else { return rights.isEverybody }
            return rights.users.contains { $0.name == user.name && $0.tokenDigest == user.tokenDigest }
        }
    }

    /// From now on these are the users, and the status of tasks is for them or for everybody.
    func admit(_ users: [GatewayUser], status access: GatewayConfiguration.Access) {
        rights.withLock { $0 = Rights(users: users, isEverybody: access == .everyone) }
    }
}
