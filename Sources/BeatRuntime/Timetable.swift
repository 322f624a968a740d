import CeleryMessage
import HeapModule
import Schedules

/// The entries of a schedule with what is known of each, ordered by when they are due next.
///
/// A value: taking what is due and putting it back costs the logarithm of the number of entries.
struct Timetable {
    /// How far an entry is.
    struct Progress {
        /// What intervals count from.
        var anchor: Instant
        /// Every slot up to here is dealt with.
        var mark: Instant
        /// What the entry is.
        var content: UInt64
        /// Whether it is left to other beats.
        var isLeft = false

        /// Nothing is known yet.
        init() {
            anchor = Instant(microseconds: 0)
            mark = anchor
            content = 0
        }

        /// As far as a state of the store says.
        init(_ state: EntryState) {
            anchor = state.anchor
            mark = state.mark
            content = state.fingerprint.content
        }
    }

    /// When an entry is looked at next.
    private struct Due: Comparable {
        var at: Instant
        var index: Int

        static func < (left: Due, right: Due) -> Bool { (left.at, left.index) < (right.at, right.index) }
    }

    /// The entries.
    let entries: [ScheduleEntry]
    /// How far each is.
    private(set) var progress: [Progress]
    private var queue = Heap<Due>()

    /// A timetable of entries, each as far as the store says.
    init(entries: [ScheduleEntry] = [], progress: [Progress] = []) {
        self.entries = entries
        self.progress = progress
        let dues = entries.indices.compactMap { index in
            nextDue(of: index).map { Due(at: $0, index: index) }
        }
        queue = Heap(dues)
    }

    /// When something is due next.
    var nextDue: Instant? { queue.min?.at }

    /// Takes out what is due, at most `limit` entries, the longest overdue first.
    mutating func takeDue(until now: Instant, limit: Int) -> [Int] {
        var taken: [Int] = []
        while taken.count < limit, let due = queue.min, due.at <= now {
            queue.removeMin()
            taken.append(due.index)
        }
        return taken
    }

    /// Notes how far an entry is, as the store says.
    mutating func note(_ state: EntryState, for index: Int) {
        progress[index].anchor = state.anchor
        progress[index].mark = state.mark
    }

    /// Notes that an entry's slots up to here are dealt with.
    mutating func note(mark: Instant, for index: Int) { progress[index].mark = mark }

    /// Leaves an entry to others; answers whether that is news.
    mutating func leave(_ index: Int) -> Bool {
        defer { progress[index].isLeft = true }
        return !progress[index].isLeft
    }

    /// Puts an entry back, by its next slot, or not before a moment; one that has no more slots stays out.
    mutating func putBack(_ index: Int, notBefore moment: Instant? = nil) {
        guard !progress[index].isLeft, let due = nextDue(of: index) else { return }
        queue.insert(Due(at: moment.map { max($0, due) } ?? due, index: index))
    }

    /// What this beat remembers of an entry, for a store that lost it.
    func remembered(_ index: Int) -> EntryState {
        let known = progress[index]
        var state = EntryState(fingerprint: entries[index].fingerprint, seen: known.anchor)
        state.mark = known.mark
        return state
    }

    private func nextDue(of index: Int) -> Instant? {
        let entry = entries[index]
        guard entry.isEnabled, let slot = entry.nextSlot(after: progress[index].mark, anchor: progress[index].anchor)
        else { return nil }
        return entry.due(slot)
    }
}
