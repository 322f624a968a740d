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
    private let wiring: Mutex<AlertWiring>
    private let changes: AsyncStream<Void>
    private let changed: AsyncStream<Void>.Continuation

    init(_ wiring: AlertWiring, _ inspector: RedisInspector, _ counter: AlertCounter, _ logger: Logger) {
        ledger = RedisAlertLedger(inspector)
        self.counter = counter
        self.logger = logger
        self.wiring = Mutex(wiring)
        (changes, changed) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        counter.add(wiring.hooks.map(\.name))
    }

    /// Who is to be told by another configuration; `nil` where nothing about that has changed.
    ///
    /// - Throws: a complaint about an address that cannot be used.
    func wiring(_ configuration: CeleriacConfiguration) throws -> AlertWiring? {
        let isKnown = wiring.withLock { $0.isSame(as: configuration) }
        return isKnown ? nil : try AlertWiring(configuration)
    }

    /// Tells others from now on; what one was being told is told to its end.
    func change(to wiring: AlertWiring) {
        counter.add(wiring.hooks.map(\.name))
        self.wiring.withLock { $0 = wiring }
        changed.yield()
    }

    func run() async throws {
        await cancelWhenGracefulShutdown { await self.tell() }
    }

    private func tell() async {
        var changes = changes.makeAsyncIterator()
        while !Task.isCancelled {
            let watch = wiring.withLock { $0 }.watch(ledger, counter, logger)
            await withTaskGroup(of: Void.self) { group in
                if let watch { group.addTask { await watch.run() } }
                // Ended by a change, or by the end of the gateway.
                _ = await changes.next()
                group.cancelAll()
            }
        }
    }
}
