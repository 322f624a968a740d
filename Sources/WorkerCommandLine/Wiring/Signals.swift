import Dispatch
import Glibc

/// Turns signals into calls on one queue, so that no handler runs inside a signal.
package final class Signals {
    private let sources: [any DispatchSourceSignal]

    /// Calls `handle` for each of these signals until this value is released.
    package init(_ signals: [Int32], handle: @escaping @Sendable (Int32) -> Void) {
        let queue = DispatchQueue(label: "celeriac.signals")
        sources = signals.map { number in
            // The default action would end the process before the source sees the signal.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { handle(number) }
            source.resume()
            return source
        }
    }

    deinit { for source in sources { source.cancel() } }
}
