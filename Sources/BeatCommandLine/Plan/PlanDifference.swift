package import CeleryMessage
package import Schedules

/// What another schedule would do differently between two moments: runs it has more or fewer, and entries that run at
/// the same times but differ in what they send.
package struct PlanDifference: Sequence, IteratorProtocol {
    /// Which of the two schedules has a run that the other has not.
    package enum Side: Sendable, Hashable {
        /// Only the schedule in use: the run would go.
        case removed
        /// Only the other one: the run would come.
        case added
    }

    /// A run that one of the two has.
    package struct Change: Sendable, Hashable {
        package var side: Side
        package var run: UpcomingRuns.Run
    }

    private let old: [ScheduleEntry]
    private let new: [ScheduleEntry]
    private var oldRuns: Peeking
    private var newRuns: Peeking
    private var pending: ArraySlice<Change> = []

    /// Compares the runs of two schedules, entry by entry of the same name.
    package init(from old: [ScheduleEntry], to new: [ScheduleEntry], between start: Instant, and end: Instant) {
        self.old = old
        self.new = new
        oldRuns = Peeking(UpcomingRuns(old, from: start, until: end))
        newRuns = Peeking(UpcomingRuns(new, from: start, until: end))
    }

    /// The next run that one of the two has alone, in order of time.
    package mutating func next() -> Change? {
        while pending.isEmpty {
            guard let slot = [oldRuns.head?.slot, newRuns.head?.slot].compactMap(\.self).min() else { return nil }
            let gone = oldRuns.take(at: slot)
            let come = newRuns.take(at: slot)
            let (oldNames, newNames) = (Set(gone.map { old[$0.entry].name }), Set(come.map { new[$0.entry].name }))
            pending =
                (gone.filter { !newNames.contains(old[$0.entry].name) }.map { Change(side: .removed, run: $0) }
                + come.filter { !oldNames.contains(new[$0.entry].name) }.map { Change(side: .added, run: $0) })[...]
        }
        return pending.popFirst()
    }

    /// Runs of which the next can be looked at before it is taken.
    private struct Peeking {
        private var runs: UpcomingRuns
        private(set) var head: UpcomingRuns.Run?

        init(_ runs: UpcomingRuns) {
            self.runs = runs
            head = self.runs.next()
        }

        /// All runs of a slot, of which both schedules are at or before none.
        mutating func take(at slot: Instant) -> [UpcomingRuns.Run] {
            var taken: [UpcomingRuns.Run] = []
            while let run = head, run.slot == slot {
                taken.append(run)
                head = runs.next()
            }
            return taken
        }
    }

    /// The entries of both schedules that differ in what is sent or in how, each with the keys that differ.
    package static func changedEntries(
        from old: [ScheduleEntry],
        to new: [ScheduleEntry]
    ) -> [(name: String, keys: [String])] {
        let before = Dictionary(old.map { ($0.name, $0) }) { first, _ in first }
        return new.compactMap { entry in
            guard let other = before[entry.name] else { return nil }
            let keys: [(String, Bool)] = [
                ("task", other.task != entry.task), ("args", other.args != entry.args),
                ("kwargs", other.kwargs != entry.kwargs), ("options", other.options != entry.options),
                ("jitter", other.jitter != entry.jitter), ("missed", other.missed != entry.missed),
                ("overlap", other.overlap != entry.overlap),
            ]
            let changed = keys.filter(\.1).map(\.0)
            return changed.isEmpty ? nil : (entry.name, changed)
        }
    }
}
