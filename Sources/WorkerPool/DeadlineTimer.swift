import NIOCore

/// All deadlines of a pool in one heap, driven by one scheduled task of the event loop.
///
/// A timer for each run would cost more than most runs do, and a cancelled one keeps its memory until it is due.
/// Deadlines of runs that ended stay in the heap until they are due or ``compact(where:)`` drops them.
final class DeadlineTimer<Item> {
    private struct Entry {
        var deadline: NIODeadline
        var item: Item
    }

    private let eventLoop: any EventLoop
    private var entries: [Entry] = []
    private var wakeUp: (deadline: NIODeadline, task: Scheduled<Void>)?
    private var fire: ((Item, NIODeadline) -> Void)?

    init(eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    /// The number of deadlines, those of ended runs included.
    var count: Int { entries.count }

    /// Sets what is called on the event loop with each item that is due.
    func onDue(_ fire: @escaping (Item, NIODeadline) -> Void) { self.fire = fire }

    /// Adds a deadline.
    func add(_ item: Item, at deadline: NIODeadline) {
        entries.append(Entry(deadline: deadline, item: item))
        siftUp(entries.count - 1)
        scheduleWakeUp()
    }

    /// Drops the items for which `isStale` holds.
    func compact(where isStale: (Item) -> Bool) {
        entries.removeAll { isStale($0.item) }
        for place in stride(from: entries.count / 2 - 1, through: 0, by: -1) { siftDown(place) }
    }

    /// Drops everything; nothing is called any more.
    func stop() {
        entries = []
        fire = nil
        wakeUp?.task.cancel()
        wakeUp = nil
    }

    private func scheduleWakeUp() {
        guard let next = entries.first?.deadline else { return }
        if let wakeUp {
            if wakeUp.deadline <= next { return }
            wakeUp.task.cancel()
        }
        // The closure runs on the event loop, as everything here does.
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        wakeUp = (next, eventLoop.scheduleTask(deadline: next) { bound.value.fireDue() })
    }

    private func fireDue() {
        wakeUp = nil
        let now = NIODeadline.now()
        while let first = entries.first, first.deadline <= now {
            removeFirst()
            fire?(first.item, now)
        }
        scheduleWakeUp()
    }

    // MARK: The heap

    private func removeFirst() {
        let last = entries.removeLast()
        guard !entries.isEmpty else { return }
        entries[0] = last
        siftDown(0)
    }

    private func siftUp(_ start: Int) {
        var place = start
        while place > 0 {
            let parent = (place - 1) / 2
            guard entries[place].deadline < entries[parent].deadline else { return }
            entries.swapAt(place, parent)
            place = parent
        }
    }

    private func siftDown(_ start: Int) {
        var place = start
        while true {
            var least = place
            for child in 2 * place + 1...2 * place + 2
            where child < entries.count && entries[child].deadline < entries[least].deadline {
                least = child
            }
            if least == place { return }
            entries.swapAt(place, least)
            place = least
        }
    }
}
