/// Tells when the records of tasks change, without polling.
public protocol ResultFeed: Sendable {
    /// Follows one task's record from now on: returns when no later change can be missed.
    ///
    /// Throws ``InspectionError``.
    func changes(of taskID: String) async throws -> ResultChanges
}

/// One element whenever a task's record may have changed; what it is now has to be read.
///
/// Changes that come while nobody asks are merged into one. The sequence ends with ``finish()``, with its iterator's task,
/// and when whoever feeds it stops.
public struct ResultChanges: AsyncSequence, Sendable {
    /// Nothing but the fact.
    public typealias Element = Void
    /// Waits for the next change.
    public typealias AsyncIterator = AsyncStream<Void>.AsyncIterator

    /// The end at which a sequence is fed; holding it does not keep the sequence alive.
    public struct Signal: Sendable {
        fileprivate let continuation: AsyncStream<Void>.Continuation

        /// Says that the record may have changed.
        public func change() { continuation.yield() }

        /// Ends the sequence.
        public func finish() { continuation.finish() }
    }

    private let stream: AsyncStream<Void>
    private let end: Signal

    /// A sequence and the end at which it is fed.
    ///
    /// - Parameter onEnd: called once when nobody follows any more.
    public static func make(onEnd: @escaping @Sendable () -> Void = {}) -> (changes: ResultChanges, signal: Signal) {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        continuation.onTermination = { _ in onEnd() }
        let signal = Signal(continuation: continuation)
        return (ResultChanges(stream: stream, end: signal), signal)
    }

    private init(stream: AsyncStream<Void>, end: Signal) {
        self.stream = stream
        self.end = end
    }

    /// Ends the sequence from the side of those who follow it.
    public func finish() { end.finish() }

    /// Waits for changes; one iterator at a time.
    public func makeAsyncIterator() -> AsyncIterator { stream.makeAsyncIterator() }
}
