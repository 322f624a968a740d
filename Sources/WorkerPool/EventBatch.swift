import NIOCore

/// Gathers a pool's events and hands them to the engine once per turn of the event loop.
final class EventBatch {
    private let eventLoop: any EventLoop
    private let onEvents: @Sendable ([PoolEvent]) -> Void
    private var events: [PoolEvent] = []
    private var isScheduled = false

    init(eventLoop: any EventLoop, onEvents: @escaping @Sendable ([PoolEvent]) -> Void) {
        self.eventLoop = eventLoop
        self.onEvents = onEvents
    }

    /// Adds an event; it is delivered later in this turn of the loop, or by ``deliver()``.
    func emit(_ event: PoolEvent) {
        events.append(event)
        guard !isScheduled else { return }
        isScheduled = true
        // The closure runs on the event loop, as everything here does.
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.execute {
            bound.value.isScheduled = false
            bound.value.deliver()
        }
    }

    /// Delivers what there is.
    func deliver() {
        guard !events.isEmpty else { return }
        let batch = events
        events = []
        onEvents(batch)
    }
}
