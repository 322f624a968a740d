import CeleryMessage
import Schedules

/// Chooses what is done about an entry's slots that have come: a plain function of the entry, its state and the time.
struct SlotSelection {
    /// One step of an entry's mark.
    struct Step: Equatable {
        /// Where the mark stands before.
        var from: Instant
        /// The slot it moves to.
        var slot: Instant
        /// Whether the slot is sent, or only passed over.
        var isSent: Bool
        /// How many slots are passed over on the way.
        var missed: Int
    }

    /// The time.
    var now: Instant
    /// Slots before this moment were missed: nobody was there to send them.
    var missedBefore: Instant
    /// How many slots are sent in one go.
    var limit = 100
    /// How many missed slots are counted one by one; beyond them the count is a lower bound.
    var counted = 10_000

    /// The steps that bring an entry's mark up to now, or nearer when there are many.
    func steps(for entry: ScheduleEntry, anchor: Instant, mark: Instant) -> [Step] {
        guard entry.isEnabled else { return [] }
        var walk = Walk(entry: entry, anchor: anchor, cursor: mark, now: now)
        var steps: [Step] = []
        var at = mark
        let missed = missedSlots(&walk, entry: entry)
        let kept = missed.last.filter { isInTime($0, entry) }
        var passed = missed.count - kept.count
        for slot in kept {
            steps.append(Step(from: at, slot: slot, isSent: true, missed: passed))
            passed = 0
            at = slot
        }
        if passed > 0, let last = missed.newest {
            // What is passed over behind the last one sent goes with the next step, or makes one of its own.
            steps.append(Step(from: at, slot: last, isSent: false, missed: passed))
            at = last
        }
        while steps.count < limit, let slot = walk.next() {
            steps.append(Step(from: at, slot: slot, isSent: true, missed: 0))
            at = slot
        }
        return Array(steps.prefix(limit))
    }

    private func isInTime(_ slot: Instant, _ entry: ScheduleEntry) -> Bool {
        guard let deadline = entry.missed.deadline else { return true }
        return now - entry.due(slot) <= deadline
    }

    // MARK: Missed slots

    /// What was missed: how many, and the newest of them, as many as the rule may send.
    private struct Missed {
        var count = 0
        var last: [Instant] = []
        var newest: Instant?
    }

    private func missedSlots(_ walk: inout Walk, entry: ScheduleEntry) -> Missed {
        var missed = Missed()
        let room = entry.missed.rule == .all ? max(1, min(entry.missed.limit, limit)) : 1
        while let slot = walk.next(before: missedBefore) {
            missed.count += 1
            missed.newest = slot
            missed.last.append(slot)
            if missed.last.count > room { missed.last.removeFirst() }
            guard missed.count == counted else { continue }
            walk.approach(missedBefore, keeping: room)
        }
        return missed
    }

    /// An entry's slots that have come, in order.
    private struct Walk {
        let entry: ScheduleEntry
        let anchor: Instant
        var cursor: Instant
        let now: Instant

        mutating func next(before bound: Instant? = nil) -> Instant? {
            guard let slot = entry.nextSlot(after: cursor, anchor: anchor), entry.due(slot) <= now else { return nil }
            if let bound, slot >= bound { return nil }
            cursor = slot
            return slot
        }

        /// Leaps ahead to where only a few slots are left before `bound`: a beat that was away for a year must not walk
        /// through every second of it.
        mutating func approach(_ bound: Instant, keeping room: Int) {
            var span = Duration.seconds(1)
            while bound - span > cursor {
                var look = Walk(entry: entry, anchor: anchor, cursor: bound - span, now: now)
                var found = 0
                while found < room, look.next(before: bound) != nil { found += 1 }
                if found >= room {
                    cursor = bound - span
                    return
                }
                span = span * 4
            }
        }
    }
}
