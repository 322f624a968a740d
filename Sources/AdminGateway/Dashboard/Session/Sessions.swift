import CeleryMessage
import Synchronization

/// The sessions of the dashboard: who is logged in lives in the browsers' cookies, who has left lives here.
final class Sessions: Sendable {
    /// How long a session lasts.
    static let lifetime = Duration.seconds(12 * 3600)
    /// How many that have been ended are remembered; each is forgotten when it would have expired anyway.
    private static let most = 10_000

    let seal: SessionSeal
    private let ended = Mutex<[String: Instant]>([:])

    init(seal: SessionSeal) { self.seal = seal }

    /// A new session of a user.
    func start(_ user: String, now: Instant) -> Session {
        Session(user: user, expires: now + Self.lifetime, nonce: Identifier.uuid())
    }

    /// The session of a cookie, unless it has expired or was ended.
    func session(_ cookie: String, now: Instant) -> Session? {
        guard let session = seal.session(cookie, now: now) else { return nil }
        return ended.withLock { $0[session.nonce] == nil } ? session : nil
    }

    /// Ends a session: its cookie is worth nothing from now on, wherever a copy of it is.
    func end(_ session: Session, now: Instant) {
        ended.withLock { ended in
            if ended.count >= Self.most { ended = ended.filter { $0.value > now } }
            if ended.count < Self.most { ended[session.nonce] = session.expires }
        }
    }
}
