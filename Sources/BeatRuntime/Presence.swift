import CeleryMessage
import Schedules

/// Since when there have been beats without a gap: what came due before that, and was not sent, was missed.
struct Presence: Sendable {
    /// How long nobody may be there before it counts as a gap.
    var continuity = Duration.seconds(15)
    /// Since when; `nil` before the store was first reached.
    private(set) var since: Instant?
    private var lastHere: Duration?
    private var wasAway = false

    /// The beat does something at an uptime: after being stopped for long, it was away.
    mutating func isHere(at uptime: Duration) {
        if let lastHere, uptime - lastHere > continuity { wasAway = true }
        lastHere = uptime
    }

    /// Takes in the store's answer: whether others were there, before this beat came or while it was away.
    mutating func note(_ turn: Turn, at uptime: Duration) {
        isHere(at: uptime)
        let sign = turn.previousSign.flatMap { turn.now - $0 <= continuity ? $0 : nil }
        if since == nil {
            since = sign ?? turn.now
        } else if wasAway, sign == nil {
            since = turn.now
        }
        wasAway = false
    }
}
