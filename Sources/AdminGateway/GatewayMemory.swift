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

    /// The users of the configuration that is served; `nil` before one is.
    private let users = Mutex<[GatewayUser]?>(nil)

    /// Whether somebody who was let in before still would be: streams outlive a change of the users.
    func admits(_ user: GatewayUser?) -> Bool {
        guard let user else { return true }
        return users.withLock { users in
            users?.contains { $0.name == user.name && $0.tokenDigest == user.tokenDigest } ?? true
        }
    }

    /// From now on these are the users.
    func admit(_ users: [GatewayUser]) { self.users.withLock { $0 = users } }
}
