import CeleryMessage
import Synchronization

/// The sessions of the dashboard: who is logged in lives in the browsers' cookies.
struct Sessions: Sendable {
    /// How long a session lasts.
    static let lifetime = Duration.seconds(12 * 3600)
    let seal: SessionSeal
    private let ended: EndedSessions

    init(seal: SessionSeal, ended: EndedSessions = EndedSessions()) {
        self.seal = seal
        self.ended = ended
    }

    /// A new session of a user.
    func start(_ user: GatewayUser, now: Instant) -> Session {
        Session(user: user.name, expires: now + Self.lifetime, nonce: Identifier.uuid(), mark: seal.mark(user))
    }

    /// The session of a cookie, unless it has expired or was ended.
    func session(_ cookie: String, now: Instant) -> Session? {
        seal.session(cookie, now: now).flatMap { goesOn($0, now: now) ? $0 : nil }
    }

    /// Whether a session has neither expired nor been ended.
    func goesOn(_ session: Session, now: Instant) -> Bool { session.expires > now && !ended.contains(session) }

    /// Ends a session: its cookie is worth nothing from now on, wherever a copy of it is.
    func end(_ session: Session, now: Instant) { ended.add(session, now: now) }
}

/// The sessions that were ended before their time.
final class EndedSessions: Sendable {
    /// How many are remembered; each is forgotten when it would have expired anyway.
    private static let most = 10_000

    private let ended = Mutex<[String: Instant]>([:])

    func contains(_ session: Session) -> Bool { ended.withLock { $0[session.nonce] != nil } }

    func add(_ session: Session, now: Instant) {
        ended.withLock { ended in
            if ended.count >= Self.most { ended = ended.filter { $0.value > now } }
            if ended.count < Self.most { ended[session.nonce] = session.expires }
        }
    }
}
