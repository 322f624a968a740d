import CeleryMessage

/// How long something is kept: a number of whole days.
///
/// What is exactly that many days old, or some hours more, stays; it goes once another day is full. So a daily run
/// with 30 days keeps what was written 30 days ago and deletes what was written 31 days ago, whatever the hour.
struct Retention: Sendable, Hashable {
    /// The days kept.
    var days: Int

    /// The days an argument or option may ask for: up to a hundred years.
    static let range = 0...36_500

    /// What was last changed at this moment or before goes.
    func cutoff(now: Instant) -> Instant { now - .seconds((days + 1) * 86_400) }
}
