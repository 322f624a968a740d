import Alerts
import Logging
import RedisInspection
import ServiceLifecycle
import Settings
import Synchronization

/// Tells of tasks that failed for good, for as long as the gateway runs, and whom the configuration names at the time.
final class AlertService: Service, CustomStringConvertible {
    /// The log of a service group names services so; what they are made of is secret.
    let description = "alerts"

    private let ledger: RedisAlertLedger
    private let counter: AlertCounter
    private let logger: Logger
    /// The newest wiring, for comparison; that to be served travels in the stream, so that none is served twice.
    private let newest: Mutex<AlertWiring>
    private let wirings: AsyncStream<AlertWiring>
    private let wired: AsyncStream<AlertWiring>.Continuation

    init(_ wiring: AlertWiring, _ inspector: RedisInspector, _ counter: AlertCounter, _ logger: Logger) {
        ledger = RedisAlertLedger(inspector)
        self.counter = counter
        self.logger = logger
        newest = Mutex(wiring)
        (wirings, wired) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        counter.add(wiring.hooks.map(\.name))
        wired.yield(wiring)
    }

    /// Who is to be told by another configuration; `nil` where nothing about that has changed.
    ///
    /// - Throws: a complaint about an address that cannot be used.
    func wiring(_ configuration: CeleriacConfiguration) throws -> AlertWiring? {
        let isKnown = newest.withLock { $0.isSame(as: configuration) }
        return isKnown ? nil : try AlertWiring(configuration)
    }

    /// Tells others from now on; what one was being told is told to its end.
    func change(to wiring: AlertWiring) {
        counter.add(wiring.hooks.map(\.name))
        newest.withLock { $0 = wiring }
        wired.yield(wiring)
    }

    func run() async throws {
        await cancelWhenGracefulShutdown { await self.tell() }
    }

    private func tell() async {
        var wirings = wirings.makeAsyncIterator()
        var next = await wirings.next()
        while let wiring = next {
            let watch = wiring.watch(ledger, counter, logger)
            next = await withTaskGroup(of: Void.self) { group in
                if let watch { group.addTask { await watch.run() } }
                // Ended by a change, or by the end of the gateway. A watch closes its hooks when it ends: it has no second run.
                defer { group.cancelAll() }
                return await wirings.next()
            }
        }
    }
}
