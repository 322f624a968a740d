package import CeleryMessage
import HeapModule
package import Schedules

/// The runs that a schedule would start between two moments, in order of time and then of the file.
///
/// One run of each entry is held at a time, so a plan of years takes no more memory than one of a minute. Intervals
/// count from the first moment, as if every entry were seen for the first time then.
package struct UpcomingRuns: Sequence, IteratorProtocol {
    /// One run to come.
    package struct Run: Sendable, Hashable, Comparable {
        /// The moment it is meant for.
        package var slot: Instant
        /// The entry's place in the list of entries.
        package var entry: Int

        /// Earlier before later, and at one moment by the order of the file.
        package static func < (left: Run, right: Run) -> Bool {
            (left.slot, left.entry) < (right.slot, right.entry)
        }
    }

    private let entries: [ScheduleEntry]
    private let from: Instant
    private let until: Instant
    private var heap: Heap<Run>

    /// The runs from a moment on and before another; entries that are not enabled have none.
    package init(_ entries: [ScheduleEntry], from: Instant, until: Instant) {
        self.entries = entries
        self.from = from
        self.until = until
        // A slot at the first moment itself is one of the plan's.
        let before = from - .microseconds(1)
        heap = Heap(
            entries.indices.compactMap { index in
                guard entries[index].isEnabled, let slot = entries[index].nextSlot(after: before, anchor: from),
                    slot < until
                else { return nil }
                return Run(slot: slot, entry: index)
            }
        )
    }

    /// The next run.
    package mutating func next() -> Run? {
        guard let run = heap.popMin() else { return nil }
        if let slot = entries[run.entry].nextSlot(after: run.slot, anchor: from), slot < until {
            heap.insert(Run(slot: slot, entry: run.entry))
        }
        return run
    }
}
