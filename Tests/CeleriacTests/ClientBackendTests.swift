import Celeriac
import NIOPosix
import RedisClient
import TestSupport
import Testing

/// Where results are: in the broker's database, in another one, on another server, nowhere.
@Suite struct ClientBackendTests {
    private func connection(_ url: String) async throws -> RedisClient {
        let redis = RedisClient(
            configuration: try RedisConfiguration(url: url),
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        try await redis.connect()
        return redis
    }

    private static let chord = Signature.chord(
        header: [Signature("a"), Signature("b")],
        body: Signature("c")
    )

    /// Sends a chord, stores the result of its body and waits for it.
    private func exchange(broker: String, backend: String) async throws {
        let results = try await connection(backend)
        try await CeleriacClient.withClient(broker: broker, backend: backend) { client in
            let result = try await client.apply(Self.chord, as: Int.self)
            let group = try #require(result.parent?.id)
            let size = try await results.send(RedisCommand("GET", "celery-taskset-meta-\(group).s")).text
            #expect(size == "2")
            async let value = result.get(timeout: .seconds(20))
            let record = ResultRecord(taskID: result.id, status: .success, result: Array("5".utf8))
            let text = String(decoding: record.encoded(), as: UTF8.self)
            let key = "celery-task-meta-" + result.id
            for reply in try await results.send([
                RedisCommand("SET", key, text), RedisCommand("PUBLISH", key, text),
            ]) { _ = try reply.get() }
            #expect(try await value == 5)
        }
        await results.close()
    }

    @Test(.timeLimit(.minutes(1))) func `uses another database for results`() async throws {
        try await withRedisServer { server in
            try await exchange(broker: server.url, backend: "redis://127.0.0.1:\(server.port)/3")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `uses another server for results`() async throws {
        try await withRedisServer { broker in
            try await withRedisServer { backend in
                try await exchange(broker: broker.url, backend: backend.url)
            }
        }
    }

    @Test func `sends without a backend, but no chords, and reads nothing`() async throws {
        try await withRedisServer { server in
            try await CeleriacClient.withClient(broker: server.url, backend: "disabled") { client in
                let result = try await client.apply(Signature("a"))
                let reading = await #expect(throws: ClientError.self) {
                    try await result.get(timeout: .seconds(5))
                }
                #expect(reading?.code == .noBackend)
                let sending = await #expect(throws: ClientError.self) { try await client.apply(Self.chord) }
                #expect(sending?.code == .noBackend)
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `looks for results where it may not subscribe`() async throws {
        try await withRedisServer { server in
            let admin = try await connection(server.url)
            let rules = ["SETUSER", "mute", "on", ">secret", "~*", "resetchannels", "+@all"]
            _ = try await admin.send(RedisCommand("ACL", arguments: rules))
            try await CeleriacClient.withClient(broker: "redis://mute:secret@127.0.0.1:\(server.port)/0") { client in
                async let value = client.result("id-1", as: Int.self).get(timeout: .seconds(20))
                let record = #"{"status": "SUCCESS", "result": 7, "task_id": "id-1"}"#
                _ = try await admin.send(RedisCommand("SET", "celery-task-meta-id-1", record))
                #expect(try await value == 7)
            }
            await admin.close()
        }
    }

    @Test(.timeLimit(.minutes(1))) func `lets nobody wait when it is closed`() async throws {
        try await withRedisServer { server in
            let admin = try await connection(server.url)
            let client = try await CeleriacClient.connect(broker: server.url)
            let waiting = Task { try await client.result("id-1").get() }
            while try await admin.send(RedisCommand("PUBSUB", "CHANNELS")).array?.isEmpty ?? true {
                try await Task.sleep(for: .milliseconds(2))
            }
            await client.close()
            await #expect(throws: (any Error).self) { try await waiting.value }
            await admin.close()
        }
    }

    @Test func `says that there is no server`() async throws {
        await #expect(throws: (any Error).self) {
            _ = try await CeleriacClient.connect(broker: "redis://127.0.0.1:1/0")
        }
    }

    @Test func `takes queues and prefixes from a settings file`() async throws {
        try await withRedisServer { server in
            let folder = try ScratchFolder()
            let settings = """
                broker_url: \(server.url)
                task_routes: {proj.*: slow}
                queues: {slow: {}, celery: {}}
                broker_transport_options: {global_keyprefix: "app:"}
                """
            try folder.write("tasks.yaml", settings.utf8)
            let admin = try await connection(server.url)
            try await CeleriacClient.withClient(settings: folder.path + "/tasks.yaml") { client in
                _ = try await client.apply(Signature("proj.add"))
                let length = try await admin.send(RedisCommand("LLEN", "app:slow")).int
                #expect(length == 1)
            }
            await admin.close()
        }
    }
}
