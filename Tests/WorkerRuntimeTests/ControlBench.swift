import CeleriacTasks
import CeleryMessage
import HandlersDebug
import Synchronization
import Transport
import WorkerPool

@testable import WorkerRuntime

/// A worker in memory that hears requests and sends events, and what it said.
struct ControlBench: Sendable {
    static let node = "w1@worker.example.com"

    private let bench: WorkerBench
    let hub = InMemoryControlHub()
    let said = Said()

    var store: InMemoryStore { bench.store }
    var broker: FlakyBroker { bench.broker }
    var worker: Worker { bench.worker }
    var gate: Gate { bench.gate }
    var log: LogBook { bench.log }

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
        bench = WorkerBench(configuration, hub: hub)
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
        try await bench.bench.run(
            pools: { onEvents in [bench.bench.inlinePool("here", slots: slots, setup, registry, onEvents)] },
            { try await body(bench) }
        )
    }

    // MARK: What clients do

    func publish(_ task: String, _ ids: [String], change: (inout TaskMessage) -> Void = { _ in }) throws {
        try bench.publish(task, ids) { message in
            message.headers.argsrepr = "()"
            message.headers.kwargsrepr = "{}"
            change(&message)
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

    func record(_ id: String) async throws -> JSONValue? { try await bench.record(id) }

    // MARK: Waiting

    func stored(_ ids: [String]) async { await bench.stored(ids) }

    func begun(_ count: Int) async { await bench.begun(count) }

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
