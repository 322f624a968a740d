import CeleriacTasks
public import CeleryMessage
import FoundationEssentials
public import Logging
import MessageCodecs
import NIOPosix
import RedisClient
import RedisTransport
import RemoteControl
import Settings
import Synchronization
import Transport
import WorkerCommandLine

/// Sends tasks and reads their results, as a Celery application does for its callers.
///
/// ```swift
/// let client = try await CeleriacClient.connect(broker: "redis://127.0.0.1:6379/0")
/// let sum = try await client.apply(Signature("proj.add", args: [2, 2]), as: Int.self).get(timeout: .seconds(10))
/// await client.close()
/// ```
///
/// One client serves a whole program: it is safe to use from everywhere at once, keeps its connections up, and a second
/// client gains nothing. In a task use `context.apply` instead, which sends in one atomic step with the task's end; a
/// client of the task's own sends at once, and is what reads results there.
public final class CeleriacClient: Sendable {
    private let configuration: CeleriacConfiguration
    private let transport: RedisTransportConfiguration
    private let producer: RedisProducer
    private let broker: RedisClient
    private let results: RedisClient?
    private let routes: [String: String]
    private let resultListener: ResultListener?
    private let origin = "gen\(ProcessInfo.processInfo.processIdentifier)@\(Environment.hostname)"
    private let replyTo = Identifier.uuid()
    private let connections = Mutex<[Task<Void, Never>]>([])

    // MARK: Connecting

    /// Connects to a broker and a result backend.
    ///
    /// - Parameters:
    ///   - broker: the URL of the broker; `nil` takes `CELERY_BROKER_URL`, `REDIS_URL` or `REDIS_HOST` from the
    ///     environment, the settings file, or `redis://127.0.0.1:6379/0`.
    ///   - backend: the URL of the result backend; `nil` takes `CELERY_RESULT_BACKEND`, the file's, or the broker's.
    ///   - settings: a file such as a worker's `tasks.yaml`, for queues, routes and key prefixes; none by default.
    ///   - tasks: tasks defined in code, whose queues are then known here.
    ///   - logger: for lost and restored connections; silent by default.
    /// - Throws: ``ClientError`` for wrong settings, and the first connection's failure.
    public static func connect(
        broker: String? = nil,
        backend: String? = nil,
        settings: String? = nil,
        tasks: [any TaskDeclaration] = [],
        logger: Logger = Logger(label: "celeriac.client") { _ in SwiftLogNoOpLogHandler() }
    ) async throws -> CeleriacClient {
        var overrides: [ConfigurationLoader.Override] = []
        if let broker { overrides.append(.init("broker_url", broker, option: "broker")) }
        if let backend { overrides.append(.init("result_backend", backend, option: "backend")) }
        let loaded = ConfigurationLoader(
            file: settings.map { .named($0) } ?? .none,
            environment: Environment.all,
            overrides: overrides,
            workingFolder: Environment.workingFolder
        ).load()
        guard let configuration = loaded.configuration else {
            throw ClientError(.configuration, loaded.report.description)
        }
        let client = try CeleriacClient(configuration, tasks: tasks, logger: logger)
        try await client.open()
        return client
    }

    /// Connects, hands the client to `body` and closes it; otherwise as ``connect(broker:backend:settings:tasks:logger:)``.
    public static func withClient<Value>(
        broker: String? = nil,
        backend: String? = nil,
        settings: String? = nil,
        tasks: [any TaskDeclaration] = [],
        _ body: (CeleriacClient) async throws -> Value
    ) async throws -> Value {
        let client = try await connect(broker: broker, backend: backend, settings: settings, tasks: tasks)
        do {
            let value = try await body(client)
            await client.close()
            return value
        } catch {
            await client.close()
            throw error
        }
    }

    private init(_ configuration: CeleriacConfiguration, tasks: [any TaskDeclaration], logger: Logger) throws {
        let transport: RedisTransportConfiguration
        do {
            transport = try RedisWiring.transport(configuration)
        } catch {
            throw ClientError(.configuration, "\(error)")
        }
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let broker = RedisClient(configuration: transport.broker, eventLoop: loop, logger: logger)
        let results = transport.results.map { configured in
            configured.isSameServer(as: transport.broker) && configured.database == transport.broker.database
                ? broker : RedisClient(configuration: configured, eventLoop: loop, logger: logger)
        }
        let serializer = configuration.results.serializer.rawValue
        let named = tasks.compactMap { task in task.options.queue.map { (task.name, $0) } }
        self.configuration = configuration
        self.transport = transport
        self.broker = broker
        self.results = results
        routes = Dictionary(named, uniquingKeysWith: { _, last in last })
        producer = RedisProducer(broker: broker, results: results, keys: transport.keys)
        resultListener = results.map {
            ResultListener(
                client: $0,
                keys: transport.keys,
                codecs: .celeryDefaults,
                serializer: serializer,
                logger: logger
            )
        }
    }

    private func open() async throws {
        let clients = [broker] + (results.map { $0 === broker ? [] : [$0] } ?? [])
        for client in clients { try await client.connect() }
        // These keep the connections up until `close`, whatever becomes of the task that asked for them.
        let running = clients.map { client in
            Task { _ = try? await client.run() }  // what a connection that is refused for good means, each command says
        }
        connections.withLock { $0 = running }
    }

    /// Closes the connections; whoever waits for a result gets an error.
    public func close() async {
        await resultListener?.close()
        await broker.close()
        if let results, results !== broker { await results.close() }
        for connection in connections.withLock({ $0 }) { connection.cancel() }
    }

    var listener: ResultListener {
        get throws {
            guard let resultListener else { throw ClientError(.noBackend, "there is no result backend") }
            return resultListener
        }
    }

    // MARK: Sending

    /// Sends a task or a canvas.
    ///
    /// - Returns: the result to wait for: of the last task of a chain with the others as parents, of the body of a chord,
    ///   of a group with its members.
    /// - Throws: ``ClientError`` for a signature that cannot be sent, and the connection's failures. When the connection
    ///   breaks while sending, the messages may have been published.
    public func apply(_ signature: Signature) async throws -> AsyncResult<JSONValue> {
        try await apply(signature, as: JSONValue.self)
    }

    /// Sends a task or a canvas whose result is of a known type; as ``apply(_:)``.
    public func apply<Value: Decodable & Sendable>(
        _ signature: Signature,
        as type: Value.Type
    ) async throws -> AsyncResult<Value> {
        AsyncResult(client: self, tuple: try await send(signature))
    }

    /// Sends a task defined in Swift with its arguments; as ``apply(_:)``.
    public func apply<Value, each Argument>(
        _ task: TaskDefinition<Value, repeat each Argument>,
        _ arguments: repeat each Argument
    ) async throws -> AsyncResult<Value> {
        try await apply(routed(try task.s(repeat each arguments), task), as: Value.self)
    }

    /// Sends a task defined in Swift with a struct of arguments; as ``apply(_:)``.
    public func apply<Arguments, Value>(
        _ task: ArgumentsTask<Arguments, Value>,
        _ arguments: Arguments
    ) async throws -> AsyncResult<Value> {
        try await apply(routed(try task.s(arguments), task), as: Value.self)
    }

    /// The signature with the queue of its definition, unless the settings know another.
    private func routed(_ signature: Signature, _ task: some TaskDeclaration) -> Signature {
        signature.set(queue: route(task.name) == configuration.defaultQueue ? task.options.queue : nil)
    }

    /// Sends tasks side by side, all in one step.
    public func apply(group: [Signature]) async throws -> GroupResult<JSONValue> {
        try await apply(group: group, as: JSONValue.self)
    }

    /// Sends tasks that all return the same type side by side; as ``apply(group:)``.
    public func apply<Value: Decodable & Sendable>(
        group: [Signature],
        as type: Value.Type
    ) async throws -> GroupResult<Value> {
        GroupResult(client: self, tuple: try await send(.group(group)))
    }

    private func send(_ signature: Signature) async throws -> ResultTuple {
        let dispatch: Dispatch
        let messages: [Publication]
        do throws(MessageError) {
            dispatch = try signature.dispatch(context: context)
            messages = try dispatch.messages.map { message throws(MessageError) in
                Publication(
                    queue: message.properties.routingKey,
                    priority: message.properties.priority,
                    item: try message.encode(codecs: .celeryDefaults, serializer: serializer(message))
                )
            }
        } catch {
            throw ClientError(.invalidSignature, "\(signature.task) cannot be sent: \(error.message)")
        }
        guard let result = dispatch.result else {
            throw ClientError(.invalidSignature, "\(signature.task) has nothing to send")
        }
        if !dispatch.chordStarts.isEmpty { _ = try listener }
        let lifetime = seconds(configuration.results.chordLifetime)
        try await producer.publish(
            messages,
            starting: dispatch.chordStarts.map { StoredChord($0, timeToLive: lifetime) }
        )
        return result
    }

    /// `task_serializer`, for messages that name none.
    private func serializer(_ message: TaskMessage) -> String? {
        message.contentType == "application/json" ? configuration.taskSerializer.rawValue : nil
    }

    private var context: DispatchContext {
        DispatchContext(
            parent: nil,
            origin: origin,
            replyTo: replyTo,
            now: .now(),
            errbackReach: configuration.allowErrorCallbackOnChordHeader ? .headerAndBody : .body,
            route: { [self] in MessageRoute(queue: route($0)) }
        )
    }

    /// What the settings say about a task, else what its definition says.
    private func route(_ task: String) -> String {
        let queue = configuration.queueName(forTask: task)
        return queue == configuration.defaultQueue ? routes[task] ?? queue : queue
    }

    /// Whole seconds; zero and nothing mean for good.
    private func seconds(_ duration: Duration?) -> Int? {
        guard let whole = duration?.components.seconds, whole > 0 else { return nil }
        return Int(whole)
    }

    // MARK: Results

    /// The result of a task by its id, whoever sent it.
    public func result(_ id: String) -> AsyncResult<JSONValue> { result(id, as: JSONValue.self) }

    /// The result of a task by its id, of a known type.
    public func result<Value: Decodable & Sendable>(_ id: String, as type: Value.Type) -> AsyncResult<Value> {
        AsyncResult(client: self, tuple: .task(id))
    }

    /// The result that a task handed on: what `context.apply` answers in Swift, an `AsyncResult` in Python.
    public func result<Value: Decodable & Sendable>(
        _ tuple: ResultTuple,
        as type: Value.Type = JSONValue.self
    ) -> AsyncResult<Value> {
        AsyncResult(client: self, tuple: tuple)
    }

    /// A group that ``GroupResult/save()`` or Celery saved; `nil` when there is none of that id.
    public func savedGroup(_ id: String) async throws -> GroupResult<JSONValue>? {
        _ = try listener
        guard let bytes = try await results?.send(RedisCommand("GET", transport.keys.group(groupID: id))).bytes,
            let tuple = ResultTuple(json: try JSONReader.value(bytes)["result"] ?? .null), tuple.members != nil
        else { return nil }
        return GroupResult(client: self, tuple: tuple)
    }

    /// Waits for a result, of a group for its members in order.
    func value(of tuple: ResultTuple, before deadline: ContinuousClock.Instant?) async throws -> JSONValue {
        if let members = tuple.members {
            var values: [JSONValue] = []
            for member in members { values.append(try await value(of: member, before: deadline)) }
            return .array(values)
        }
        let limit = deadline.map { max(.zero, $0 - ContinuousClock.now) }
        guard let record = try await listener.record(taskID: tuple.id, within: limit), record.status.isReady else {
            throw ClientError(.timeout, "\(tuple.id) has not ended in time")
        }
        guard record.status == .success else { throw RemoteFailure(record, taskID: tuple.id) }
        return try record.value()
    }

    /// The states of tasks, asked for at once.
    func states(of ids: [String]) async throws -> [TaskState] {
        try await listener.records(taskIDs: ids).map { $0?.status ?? .pending }
    }

    func forget(_ ids: [String]) async throws {
        _ = try listener
        guard !ids.isEmpty else { return }
        _ = try await results?.send(RedisCommand("DEL", arguments: ids.map { transport.keys.result(taskID: $0) }))
    }

    func save(_ tuple: ResultTuple) async throws {
        _ = try listener
        let key = transport.keys.group(groupID: tuple.id)
        let value = JSONWriter.bytes(["result": tuple.json])
        var command = RedisCommand("SET", key, value)
        if let seconds = seconds(configuration.results.expires) {
            command = RedisCommand("SET", key, value, "EX", seconds)
        }
        _ = try await results?.send(command)
    }

    func delete(groupID: String) async throws {
        _ = try listener
        _ = try await results?.send(RedisCommand("DEL", transport.keys.group(groupID: groupID)))
    }

    // MARK: Control

    /// Tells the workers not to start tasks; those that start later are told too.
    ///
    /// - Parameters:
    ///   - ids: the tasks' ids.
    ///   - terminate: whether they are also ended where they run already.
    ///   - signal: the signal that ends them.
    public func revoke(_ ids: [String], terminate: Bool = false, signal: String = "TERM") async throws {
        try await control.cast(
            "revoke",
            [
                "task_id": .array(ids.map(JSONValue.string)), "terminate": .bool(terminate), "signal": .string(signal),
            ]
        )
    }

    /// Tells the workers not to start tasks that carry one of these stamps.
    public func revoke(stamped stamps: JSONObject, terminate: Bool = false, signal: String = "TERM") async throws {
        try await control.cast(
            "revoke_by_stamped_headers",
            ["headers": .object(stamps), "terminate": .bool(terminate), "signal": .string(signal)]
        )
    }

    private var control: ControlClient {
        ControlClient(
            client: broker,
            transport: transport,
            exchange: configuration.messaging.controlExchange + ".pidbox"
        )
    }
}
