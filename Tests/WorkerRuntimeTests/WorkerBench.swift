import CeleriacTasks
import CeleryMessage
import NIOCore
import NIOPosix
import Transport
import WorkerPool

@testable import WorkerRuntime

/// A worker on a broker in memory, with everything a test looks at.
struct WorkerBench: Sendable {
    let loop: any EventLoop
    let store = InMemoryStore()
    let broker: FlakyBroker
    let worker: Worker
    let gate = Gate()
    let log = LogBook()

    /// A bench whose worker hears what is said in the hub, where there is one.
    init(_ configuration: WorkerConfiguration, hub: InMemoryControlHub? = nil) {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        self.loop = loop
        broker = FlakyBroker(store, loop: loop)
        let store = store
        worker = Worker(
            configuration: configuration,
            broker: broker,
            control: hub.map { InMemoryControlChannel($0, store: store) { body in loop.execute { body() } } },
            codecs: .json,
            eventLoop: loop,
            logger: log.logger
        )
    }

    /// Runs the worker, from when it takes messages, for as long as the body takes, then stops it.
    func run(
        stop: StopKind = .warm,
        pools: @escaping @Sendable (@escaping @Sendable ([PoolEvent]) -> Void) -> [any TaskPool],
        _ body: () async throws -> Void
    ) async throws {
        let (ready, announcer) = AsyncStream.makeStream(of: Void.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                // Ends the wait also when the worker does not start.
                defer { announcer.finish() }
                try await worker.run(makePools: pools) { announcer.yield() }
            }
            for await _ in ready { break }
            let outcome: Result<Void, any Error>
            do { outcome = .success(try await body()) } catch { outcome = .failure(error) }
            await worker.stop(stop)
            gate.open()
            broker.letClaimGo()
            try await group.waitForAll()
            try outcome.get()
        }
    }

    /// A pool of this bench that runs handlers in the test's own process.
    func inlinePool(
        _ name: String,
        slots: Int,
        _ setup: PoolSetup,
        _ registry: HandlerRegistry,
        _ onEvents: @escaping @Sendable ([PoolEvent]) -> Void
    ) -> InlinePool {
        InlinePool(
            name: name,
            slots: slots,
            setup: setup,
            registry: registry,
            eventLoop: loop,
            logger: log.logger,
            onEvents: onEvents
        )
    }

    // MARK: What a producer does and a client reads

    func publish(
        _ task: String,
        _ ids: [String],
        queue: String = "celery",
        change: (inout TaskMessage) -> Void = { _ in }
    ) throws {
        for id in ids {
            var message = TaskMessage(task: task, id: id, queue: queue)
            change(&message)
            let item = try message.encode()
            store.publish(Publication(queue: queue, priority: message.properties.priority, item: item))
        }
    }

    func record(_ id: String) async throws -> JSONValue? {
        try await store.record(taskID: id).map { try JSONReader.value($0) }
    }

    // MARK: Waiting

    /// Waits until these tasks have a record.
    func stored(_ ids: [String], times: Int = 1) async {
        await broker.until { ids.allSatisfy { store.storeCount(taskID: $0) >= times } }
    }

    /// Waits until so many runs have begun that the gate lets in.
    func begun(_ count: Int) async { await broker.until { gate.begun.count >= count } }

    /// Gives the worker turns of its loop in which it would do what it must not.
    func turns() async {
        for _ in 0..<50 { await worker.turn() }
    }
}

extension Worker {
    /// Nothing, in a turn of its own.
    fileprivate func turn() {}
}
