import NIOCore

/// When a pool grows and shrinks: a plain value, asked about once a second.
///
/// It grows by a process while every slot has work, and shrinks by one each time a slot has been to spare for as long as
/// Celery calls `AUTOSCALE_KEEPALIVE` (`celery/worker/autoscale.py`).
struct Autoscaling {
    private var range: AutoscaleRange
    /// How many processes the pool has or is getting.
    ///
    /// Counted here: what the pool takes at a time is less than that while processes are being replaced.
    private(set) var size: Int
    private var spareSince: NIODeadline

    /// A pool that starts with the fewest processes of the range.
    init(_ range: AutoscaleRange, at now: NIODeadline) {
        self.range = range
        size = max(1, range.minimum)
        spareSince = now
    }

    /// Takes other bounds; answers the size to change to where the present one is outside of them.
    mutating func change(_ fresh: AutoscaleRange) -> Int? {
        guard fresh != range else { return nil }
        range = fresh
        let within = min(max(size, 1, range.minimum), max(1, range.maximum))
        guard within != size else { return nil }
        size = within
        return size
    }

    /// The size to change to; `nil` leaves the pool as it is.
    ///
    /// - Parameters:
    ///   - capacity: how many tasks the pool takes at a time now.
    ///   - inHand: how many it has, those included that wait for a slot.
    mutating func next(capacity: Int, inHand: Int, at now: NIODeadline) -> Int? {
        if inHand >= capacity, inHand > 0 {
            spareSince = now
            guard size < range.maximum else { return nil }
            size += 1
        } else {
            guard size > max(1, range.minimum), now - spareSince >= .seconds(Int64(range.keepAlive)) else { return nil }
            spareSince = now
            size -= 1
        }
        return size
    }
}
