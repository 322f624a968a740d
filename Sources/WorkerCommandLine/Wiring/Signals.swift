import Dispatch
import Glibc
import Synchronization

/// Turns signals into calls on one queue, so that no handler runs inside a signal.
package final class Signals {
    private let sources: [any DispatchSourceSignal]

    /// Calls `handle` for each of these signals until this value is released.
    ///
    /// One that arrives before Dispatch listens, which it begins to do a moment later, is handled then.
    package init(_ signals: [Int32], handle: @escaping @Sendable (Int32) -> Void) {
        let queue = DispatchQueue(label: "celeriac.signals")
        sources = signals.map { number in
            EarlySignals.note(number)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { handle(number) }
            source.setRegistrationHandler { if EarlySignals.take(number) { handle(number) } }
            source.resume()
            return source
        }
    }

    deinit { for source in sources { source.cancel() } }
}

/// Signals that arrived before anybody could be told: the default action would end the process, and ignored they would be lost.
private enum EarlySignals {
    private static let arrived = Atomic<UInt64>(0)

    /// Notes a signal from here on, until another handler is installed.
    static func note(_ number: Int32) {
        // Made here, and not inside the handler.
        _ = take(number)
        signal(number) { EarlySignals.arrived.bitwiseOr(1 << UInt64($0), ordering: .relaxed) }
    }

    /// Whether a signal has arrived since this was last asked.
    static func take(_ number: Int32) -> Bool {
        let bit: UInt64 = 1 << UInt64(number)
        return arrived.bitwiseAnd(~bit, ordering: .relaxed).oldValue & bit != 0
    }
}
