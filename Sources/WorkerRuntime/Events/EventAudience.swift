/// Whether anybody listens to task events, learned from how many received the last ones.
///
/// With nobody there, an event is built and published only now and again, to find out. So a worker that sends events
/// which nobody wants costs next to nothing, and a listener that comes while the worker is busy misses
/// ``EventAudience/pause`` seconds at most. Celery's own receivers miss nothing: each asks all workers for a heartbeat
/// when it begins to listen, and a request of that kind counts as somebody being there.
struct EventAudience: Sendable {
    /// Seconds between two tries while nobody listens.
    static let pause = 2.0
    /// Seconds for which somebody is expected who has announced himself: Kombu subscribes after the announcement.
    static let patience = 5.0

    private var expectedUntil = -Double.infinity
    /// When the next try is due; `nil` while somebody listens.
    private(set) var nextTry: Double?

    /// Whether an event of this moment, in seconds, is worth being built.
    func isWorthwhile(at moment: Double) -> Bool {
        guard let nextTry else { return true }
        return moment >= nextTry
    }

    /// Notes how many received what was published.
    mutating func received(by count: Int, at moment: Double) {
        nextTry = count > 0 || moment < expectedUntil ? nil : moment + Self.pause
    }

    /// Somebody may be there, or will be in a moment.
    mutating func expectListener(at moment: Double) {
        nextTry = nil
        expectedUntil = moment + Self.patience
    }
}
