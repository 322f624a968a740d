import Celeriac
import NIOPosix
import RedisClient
import TestSupport

/// A Redis of a test's own with a client, and the test in the place of the workers.
struct Deployment {
    let server: RedisServer
    let client: CeleriacClient
    /// For looking at keys, and for doing what workers do.
    let redis: RedisClient

    static func with(_ body: (Deployment) async throws -> Void) async throws {
        try await withRedisServer { server in
            let redis = RedisClient(
                configuration: try RedisConfiguration(url: server.url),
                eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            )
            try await redis.connect()
            try await CeleriacClient.withClient(broker: server.url) { client in
                try await body(Deployment(server: server, client: client, redis: redis))
            }
            await redis.close()
        }
    }

    func send(_ name: String, _ arguments: String...) async throws -> RedisReply {
        try await redis.send(RedisCommand(name, arguments: arguments))
    }

    /// The messages of a queue's list, oldest first.
    func messages(_ list: String = "celery") async throws -> [TaskMessage] {
        try await send("LRANGE", list, "0", "-1").array?.reversed().map { item in
            try TaskMessage.decode(item.bytes ?? [])
        } ?? []
    }

    /// Stores a record and tells of it, as a worker does.
    func store(_ record: ResultRecord) async throws {
        let key = "celery-task-meta-" + record.taskID
        let text = String(decoding: record.encoded(), as: UTF8.self)
        for reply in try await redis.send([
            RedisCommand("SET", key, text), RedisCommand("PUBLISH", key, text),
        ]) { _ = try reply.get() }
    }

    func succeed(_ id: String, _ value: JSONValue, children: [ResultTuple] = []) async throws {
        let result = JSONWriter.bytes(value)
        try await store(ResultRecord(taskID: id, status: .success, result: result, children: children))
    }

    func fail(_ id: String, _ exception: ExceptionInfo, _ state: TaskState = .failure) async throws {
        let result = JSONWriter.bytes(exception.json)
        try await store(ResultRecord(taskID: id, status: state, result: result, traceback: "Traceback: x"))
    }

    /// Waits until the server has that many subscribers of a task's result.
    func subscribers(of id: String, count: Int) async throws {
        while try await send("PUBSUB", "NUMSUB", "celery-task-meta-" + id).array?.last?.int != count {
            try await Task.sleep(for: .milliseconds(2))
        }
    }
}
