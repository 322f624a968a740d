/// Lets tasks of one actor wait for each other without polling: a raise wakes everybody who waits, or the next who does.
///
/// Not sendable: it belongs to one actor and is used on its executor only.
final class LoopSignal {
    private var waiters: [CheckedContinuation<Void, Never>] = []
    private var isRaised = false

    /// Wakes the waiting tasks; with none waiting, the next wait returns at once.
    func raise() {
        guard !waiters.isEmpty else {
            isRaised = true
            return
        }
        let woken = waiters
        waiters.removeAll(keepingCapacity: true)
        for waiter in woken { waiter.resume() }
    }

    /// Waits for the next raise, or returns at once after one that nobody waited for.
    func wait() async {
        if isRaised {
            isRaised = false
            return
        }
        await withCheckedContinuation { waiters.append($0) }
    }
}
