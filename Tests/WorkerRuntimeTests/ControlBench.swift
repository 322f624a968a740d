import CeleriacTasks
import CeleryMessage
import HandlersDebug
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Transport
import WorkerPool

@testable import WorkerRuntime

/// A worker in memory that hears requests and sends events, and what it said.
struct ControlBench: Sendable {
    static let node = "w1@worker.example.com"

    let loop: any EventLoop
    let store = InMemoryStore()
    let hub = InMemoryControlHub()
    let broker: FlakyBroker
    let worker: Worker
    let gate = Gate()
    let log = LogBook()
    let said = Said()

    /// What was published, in order.
    final class Said: Sendable {
        private let kept = Mutex<[BroadcastMessage]>([])

        var messages: [BroadcastMessage] { kept.withLock { $0 } }

        func add(_ message: BroadcastMessage) { kept.withLock { $0.append(message) } }
    }

    init(_ change: (inout WorkerConfiguration) -> Void) {
        let names = ["gate"] + DebugHandlers.factories.map(\.name)
        var configuration = WorkerConfiguration(
            nodeName: Self.node,
            queues: [QueuePolicy(name: "celery", pool: "here")],
            tasks: Dictionary(uniqueKeysWithValues: names.map { ($0, TaskPolicy()) }),
            defaultPool: "here",
            origin: "gen1@host"
        )
        configuration.control.mingles = false
        configuration.events.heartbeatInterval = nil
        change(&configuration)
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        self.loop = loop
        broker = FlakyBroker(store, loop: loop)
        let channel = InMemoryControlChannel(hub, store: store) { body in loop.execute { body() } }
        worker = Worker(
            configuration: configuration,
            broker: broker,
            control: channel,
            codecs: .json,
            eventLoop: loop,
            logger: log.logger
        )
    }

    /// Listens like a monitor from now on.
    func listen() {
        hub.watch { [said, broker] message in
            said.add(message)
            broker.look()
        }
    }

    /// Runs a worker for as long as the body takes.
    static func with(
        slots: Int = 4,
        listens: Bool = true,
        change: (inout WorkerConfiguration) -> Void = { _ in },
        _ body: (ControlBench) async throws -> Void
    ) async throws {
        let bench = ControlBench(change)
        if listens { bench.listen() }
        let names = ["gate"] + DebugHandlers.factories.map(\.name)
        let registry = HandlerRegistry(
            DebugHandlers.factories + [
                HandlerFactory(name: "gate", summary: "") { _ in
                    GateHandler(gate: bench.gate, broker: bench.broker, waits: true)
                }
            ]
        )
        let setup = PoolSetup(tasks: names.map { PoolSetup.Binding(task: $0, handler: $0) }, hostname: Self.node)
        let (ready, announcer) = AsyncStream.makeStream(of: Void.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                // Ends the wait also when the worker does not start.
                defer { announcer.finish() }
                try await bench.worker.run(
                    makePools: { onEvents in
                        [
                            InlinePool(
                                name: "here",
                                slots: slots,
                                setup: setup,
                                registry: registry,
                                eventLoop: bench.loop,
                                logger: bench.log.logger,
                                onEvents: onEvents
                            )
                        ]
                    },
                    onReady: { announcer.yield() }
                )
            }
            for await _ in ready { break }
            let outcome: Result<Void, any Error>
            do { outcome = .success(try await body(bench)) } catch { outcome = .failure(error) }
            await bench.worker.stop(.warm)
            bench.gate.open()
            try await group.waitForAll()
            try outcome.get()
        }
    }

    // MARK: What clients do

    func publish(_ task: String, _ ids: [String], change: (inout TaskMessage) -> Void = { _ in }) throws {
        for id in ids {
            var message = TaskMessage(task: task, id: id)
            message.headers.argsrepr = "()"
            message.headers.kwargsrepr = "{}"
            change(&message)
            store.publish(Publication(queue: "celery", priority: 0, item: try message.encode()))
        }
    }

    /// What a request is answered.
    func ask(_ method: String, _ arguments: JSONObject = JSONObject()) async -> JSONValue? {
        await worker.reply(to: ControlRequest(method: method, arguments: arguments))
    }

    /// Publishes a request as a client does.
    func send(_ request: ControlRequest, item: [UInt8]? = nil) async throws {
        let client = InMemoryControlChannel(hub, store: store)
        let message = BroadcastMessage(
            exchange: "celery.pidbox",
            headers: ["clock": 1],
            body: item ?? JSONWriter.bytes(request.body),
            deliveryMode: 2
        )
        _ = try await client.publish([message])
    }

    func record(_ id: String) async throws -> JSONValue? {
        try await store.record(taskID: id).map { try JSONReader.value($0) }
    }

    // MARK: Waiting

    func stored(_ ids: [String]) async { await broker.until { ids.allSatisfy { store.storeCount(taskID: $0) >= 1 } } }

    func begun(_ count: Int) async { await broker.until { gate.begun.count >= count } }

    /// The events said so far.
    var events: [JSONValue] {
        said.messages.filter { $0.exchange == "celeryev" }.flatMap { message -> [JSONValue] in
            guard let body = try? message.value() else { return [] }
            return body.array ?? [body]
        }
    }

    /// The types of the events about a task.
    func types(of id: String) -> [String] {
        events.filter { $0["uuid"]?.string == id }.compactMap { $0["type"]?.string }
    }

    func said(_ type: String, of id: String) async {
        await broker.until { types(of: id).contains(type) }
    }
}
