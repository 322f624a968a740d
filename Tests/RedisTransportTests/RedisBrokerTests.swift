import CeleryMessage
import RedisClient
import TestSupport
import Testing
import Transport

@testable import RedisTransport

/// What only the broker over Redis does: Kombu's bytes, scripts, tracking, several databases and servers.
@Suite(.timeLimit(.minutes(2))) struct RedisBrokerTests {
    private let separator = "\u{6}\u{16}"

    // MARK: Kombu's keys

    @Test func `writes a claimed message as Kombu reads it`() async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker("w1")
            let message = try item("one", queue: "q \"1\"", priority: 4)
            try await deployment.run("LPUSH", "q \"1\"\(separator)3", text(message))
            let before = Instant.now().seconds
            let delivery = try #require(try await broker.claim(everything("q \"1\"")).deliveries.first)
            #expect(delivery.tag.text == "w1:1")
            #expect(delivery.item == message)

            let stored = try #require(try await deployment.text("HGET", "unacked", "w1:1"))
            #expect(stored == "[\(text(message)), \"\", \"q \\\"1\\\"\"]")
            let parts = try #require(try JSONReader.value(stored).array)
            #expect(parts.count == 3)
            #expect(parts[0]["headers"]?["id"] == "one")
            #expect(parts[1] == "")
            #expect(parts[2] == "q \"1\"")
            let score = try #require(try await deployment.run("ZSCORE", "unacked_index", "w1:1").double)
            #expect(score > before + 8)
            #expect(score < before + 13)
            #expect(try await deployment.int("EXISTS", "q \"1\"\(separator)3") == 0)
        }
    }

    @Test func `binds its queues as Kombu declares them`() async throws {
        try await Deployment.with { deployment in
            _ = try await deployment.broker(queues: ["pdf"])
            for key in ["_kombu.binding.pdf", "_kombu.binding_permanent.pdf"] {
                #expect(try await deployment.texts("SMEMBERS", key) == ["pdf\(separator)\(separator)pdf"])
            }
        }
    }

    @Test func `uses prefixes, another separator, other steps and other names`() async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker("w", queues: ["q"]) { configuration in
                configuration.keys = RedisKeys(
                    prefix: "app1:",
                    resultPrefix: "res_",
                    separator: "#",
                    prioritySteps: [9, 0, 5],
                    unackedName: "held",
                    unackedIndexName: "held_index",
                    unackedMutexName: "held_mutex"
                )
            }
            try await deployment.run("LPUSH", "app1:q", text(try item("zero")))
            try await deployment.run("LPUSH", "app1:q#5", text(try item("five", priority: 8)))
            let held = try await broker.claim(everything("q")).deliveries
            #expect(ids(held.map(\.item)) == ["zero", "five"])
            #expect(try await deployment.int("HLEN", "app1:held") == 2)
            #expect(try await deployment.int("ZCARD", "app1:held_index") == 2)
            let again = Publication(queue: "q", priority: 8, item: try item("again"))
            let effects: [Effect] = [.store(record("zero", .success)), .publish(again)]
            _ = try await broker.commit([Commit(tag: held[0].tag, acknowledges: true, effects: effects)])
            #expect(try await deployment.int("EXISTS", "res_celery-task-meta-zero") == 1)
            #expect(try await deployment.int("LLEN", "app1:q#5") == 1)
            let keys = try await deployment.texts("KEYS", "*").sorted()
            #expect(keys.allSatisfy { $0.hasPrefix("app1:") || $0.hasPrefix("res_") }, "\(keys)")
        }
    }

    @Test func `restores what dead Celery workers held by Kombu's rules`() async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker { $0.visibilityTimeout = 100 }
            let now = Instant.now().seconds
            func hold(_ tag: String, _ value: String, age: Double) async throws {
                try await deployment.run("HSET", "unacked", tag, value)
                try await deployment.run("ZADD", "unacked_index", String(now - age), tag)
            }
            let direct = text(try item("direct", priority: 6))
            try await hold("a", "[\(direct), \"celery\", \"rk\"]", age: 300)
            try await deployment.run("SADD", "_kombu.binding.celery", "rk\(separator)\(separator)bound")
            try await hold("b", "[\(text(try item("anonymous"))), \"\", \"celery\"]", age: 200)
            try await hold("c", "[\(text(try item("older"))), \"\", \"celery\"]", age: 400)
            try await hold("d", "[\(text(try item("young"))), \"\", \"celery\"]", age: 50)
            try await deployment.run("ZADD", "unacked_index", String(now - 500), "without message")
            #expect(try await broker.restoreAbandoned() == 3)
            #expect(
                ids(try await deployment.texts("LRANGE", "celery", "0", "-1").map { Array($0.utf8) }) == [
                    "anonymous", "older",
                ]
            )
            let bound = try await deployment.texts("LRANGE", "bound\(separator)6", "0", "-1")
            let envelope = try JSONReader.value(try #require(bound.first))
            #expect(envelope["headers"]?["redelivered"] == true)
            #expect(envelope["properties"]?["delivery_info"]?["redelivered"] == true)
            #expect(envelope["properties"]?["priority"] == 6)
            #expect(envelope["body"] == (try JSONReader.value(direct))["body"])
            #expect(try await deployment.texts("HKEYS", "unacked") == ["d"])
            #expect(try await deployment.texts("ZRANGE", "unacked_index", "0", "-1") == ["d"])
            #expect(try await deployment.int("EXISTS", "unacked_mutex") == 0)
        }
    }

    @Test func `does not sweep while somebody else does`() async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker { $0.visibilityTimeout = 0 }
            try await deployment.run("HSET", "unacked", "t", "[\(text(try item("x"))), \"\", \"celery\"]")
            try await deployment.run("ZADD", "unacked_index", "1", "t")
            try await deployment.run("SET", "unacked_mutex", "foreign")
            #expect(try await broker.restoreAbandoned() == 0)
            #expect(try await deployment.text("GET", "unacked_mutex") == "foreign")
            try await deployment.run("DEL", "unacked_mutex")
            #expect(try await broker.restoreAbandoned() == 1)
        }
    }

    @Test(arguments: ["this is no JSON", "[", "{}", "\u{0}", "[1, 2"])
    func `loses no garbage that was claimed`(_ garbage: String) async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker("dead") {
                $0.visibilityTimeout = 0
                $0.leaseAhead = 0
                $0.deadAfter = 0
            }
            let peer = try await deployment.broker("peer") { $0.deadAfter = 0 }
            try await deployment.run("LPUSH", "celery", garbage)
            #expect(try await broker.claim(everything("celery")).deliveries.map(\.item) == [Array(garbage.utf8)])
            #expect(try await broker.restoreAbandoned() == 1)
            #expect(try await broker.claim(everything("celery")).deliveries.count == 1)
            #expect(try await peer.recover(worker: "dead", maxDeliveries: 3) { nothing(for: $0) } == 1)
            #expect(try await deployment.texts("LRANGE", "celery", "0", "-1") == [garbage])
        }
    }

    @Test func `renews leases, so that a sweep with a visibility timeout of a second takes nothing`() async throws {
        try await Deployment.with { deployment in
            let worker = try await deployment.broker("worker") { $0.beatsBetweenLooks = 1 }
            let sweeper = try await deployment.broker("sweeper") { $0.visibilityTimeout = 1 }
            for id in ["kept", "dropped"] { try await deployment.run("LPUSH", "celery", text(try item(id))) }
            let held = try await worker.claim(everything("celery")).deliveries
            #expect(try await sweeper.restoreAbandoned() == 0)
            for delivery in held { try await deployment.run("ZADD", "unacked_index", "1", delivery.tag.text) }
            _ = try await worker.heartbeat(holding: [held[0].tag, DeliveryTag("gone")])
            #expect(try await deployment.run("ZSCORE", "unacked_index", "gone").isNull)
            #expect(try await sweeper.restoreAbandoned() == 1)
            // A beat looks again, whether or not the announcement has come.
            _ = try await worker.heartbeat(holding: [held[0].tag])
            #expect(ids(try await worker.claim(everything("celery"))) == ["dropped"])
            let end = Commit(tag: held[0].tag, acknowledges: true, effects: [])
            #expect(try await worker.commit([end]) == [.done])
        }
    }

    // MARK: Bad keys

    @Test func `a queue's key of another type neither loses nor blocks other messages`() async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker()
            try await deployment.run("LPUSH", "a", text(try item("a")))
            try await deployment.run("SET", "b", "not a list")
            try await deployment.run("LPUSH", "c", text(try item("c")))
            #expect(ids(try await broker.claim(everything("a", "b", "c"))) == ["a", "c"])
            #expect(try await deployment.int("HLEN", "unacked") == 2)
            #expect(try await broker.claim(everything("a", "b", "c")).mayHoldMore == false)
        }
    }

    @Test func `a message for a key of another type is kept, and nothing else is repeated`() async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker()
            for id in ["1", "2"] { try await deployment.run("LPUSH", "celery", text(try item(id))) }
            let held = try await broker.claim(everything("celery")).deliveries
            let good = Publication(queue: "good", priority: 0, item: try item("good"))
            let bad = Publication(queue: "unacked", priority: 0, item: try item("bad"))
            let statuses = try await broker.commit([
                Commit(tag: held[0].tag, acknowledges: true, effects: [.publish(good), .store(record("1", .success))]),
                Commit(tag: held[1].tag, acknowledges: true, effects: [.publish(bad), .store(record("2", .success))]),
            ])
            #expect(statuses == [.done, .done])
            #expect(try await deployment.int("LLEN", "good") == 1)
            #expect(try await deployment.int("EXISTS", "unacked") == 0)
            #expect(try await deployment.int("EXISTS", "celery-task-meta-1", "celery-task-meta-2") == 2)
            let id = try #require(try await deployment.texts("ZRANGE", "celeriac:dead", "0", "-1").first)
            let facts = try #require(try await deployment.text("HGET", "celeriac:dead:facts", id))
            let kept = try JSONReader.value(String(facts.drop { $0 != "{" }))
            #expect(kept["q"] == "unacked")
            #expect(kept["y"]?.string?.contains("no list") == true)
            #expect((kept["f"]?.int ?? 0) > 1_700_000_000_000_000)
            let message = try await deployment.text("HGET", "celeriac:dead:messages", id)
            #expect(message == "unacked\n" + text(bad.item))
        }
    }

    // MARK: Results

    @Test(arguments: ["json", "yaml", "msgpack"])
    func `never overwrites a stored SUCCESS of any serializer`(_ serializer: String) async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker()
            func bytes(_ status: TaskState) throws -> [UInt8] {
                let record = ResultRecord(taskID: "x", status: status, result: Array("1".utf8))
                switch serializer {
                case "yaml": return Array("children: []\nresult: 1\nstatus: \(status)\ntask_id: x\n".utf8)
                case "msgpack":
                    let codecs = MessageCodecs(accept: ["json", "msgpack"], serializers: [MessagePackSerializer()])
                    return try record.encoded(codecs: codecs, serializer: "msgpack")
                default: return record.encoded()
                }
            }
            func store(_ status: TaskState) async throws {
                let result = StoredResult(taskID: "x", record: try bytes(status), timeToLive: nil)
                _ = try await broker.commit([Commit(tag: nil, acknowledges: false, effects: [.store(result)])])
            }
            func stored() async throws -> [UInt8]? {
                try await RedisResultBackend(client: deployment.raw, keys: RedisKeys()).record(taskID: "x")
            }
            #expect(try await stored() == nil)
            try await store(.failure)
            try await store(.success)
            #expect(try await stored() == bytes(.success))
            try await store(.failure)
            #expect(try await stored() == bytes(.success))
            #expect(try await deployment.int("TTL", "celery-task-meta-x") == -1)
        }
    }

    @Test func `replaces a foreign value where a result belongs`() async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker()
            try await deployment.run("LPUSH", "celery-task-meta-x", "?")
            _ = try await broker.commit([
                Commit(tag: nil, acknowledges: false, effects: [.store(record("x", .success))])
            ])
            #expect(try await deployment.text("TYPE", "celery-task-meta-x") == "string")
            #expect((1...60).contains(try await deployment.int("TTL", "celery-task-meta-x")))
        }
    }

    @Test func `stores results in another database in the same step`() async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker {
                $0.results = try Deployment.configuration(deployment.server, database: 1)
            }
            try await deployment.run("LPUSH", "celery", text(try item("x")))
            let held = try #require(try await broker.claim(everything("celery")).deliveries.first)
            let end = Commit(tag: held.tag, acknowledges: true, effects: [.store(record("x", .success))])
            #expect(try await broker.commit([end]) == [.done])
            #expect(try await deployment.int("EXISTS", "celery-task-meta-x") == 0)
            #expect(try await deployment.int("HLEN", "unacked") == 0)
            let other = try await Deployment.client(deployment.server, database: 1)
            let backend = RedisResultBackend(client: other, keys: RedisKeys())
            #expect(try await backend.record(taskID: "x") == record("x", .success).record)
            // The connection is still on its own database.
            try await deployment.run("LPUSH", "celery", text(try item("y")))
            _ = try await broker.heartbeat(holding: [])
            #expect(ids(try await broker.claim(everything("celery"))) == ["y"])
            await other.close()
        }
    }

    @Test func `stores results on another server first, and none of a message that was taken away`() async throws {
        try await Deployment.with { deployment in
            try await withRedisServer { results in
                let broker = try await deployment.broker { $0.results = try Deployment.configuration(results) }
                for id in ["kept", "lost"] { try await deployment.run("LPUSH", "celery", text(try item(id))) }
                let held = try await broker.claim(everything("celery")).deliveries
                try await deployment.run("ZREM", "unacked_index", held[1].tag.text)
                let next = Publication(queue: "next", priority: 0, item: try item("next"))
                let statuses = try await broker.commit(
                    zip(held, ["kept", "lost"]).map { delivery, id in
                        Commit(
                            tag: delivery.tag,
                            acknowledges: true,
                            effects: [.store(record(id, .success)), .publish(next)]
                        )
                    }
                )
                #expect(statuses == [.done, .lost])
                let other = try await Deployment.client(results)
                let backend = RedisResultBackend(client: other, keys: RedisKeys())
                #expect(try await backend.record(taskID: "kept") == record("kept", .success).record)
                #expect(try await backend.record(taskID: "lost") == nil)
                #expect(try await deployment.int("LLEN", "next") == 1)
                #expect(try await deployment.texts("KEYS", "celery-task-meta*") == [])
                // A client that waits is told, once.
                _ = try await broker.commit([
                    Commit(tag: nil, acknowledges: false, effects: [.store(record("kept", .failure))])
                ])
                #expect(try await backend.record(taskID: "kept") == record("kept", .success).record)
                await other.close()
            }
        }
    }

    @Test func `stores results on the same server by another name of it`() async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker {
                $0.results = try RedisConfiguration(url: "redis+socket://\(deployment.server.socketPath)")
            }
            for id in ["x", "y"] { try await deployment.run("LPUSH", "celery", text(try item(id))) }
            let held = try await broker.claim(everything("celery")).deliveries
            try #require(held.count == 2)
            let end = Commit(tag: held[0].tag, acknowledges: true, effects: [.store(record("x", .success))])
            #expect(try await broker.commit([end]) == [.done])
            #expect(try await deployment.int("EXISTS", "celery-task-meta-x") == 1)
            #expect(try await deployment.texts("HKEYS", "unacked") == [held[1].tag.text])
        }
    }

    // MARK: Wake-up

    private func commands(_ deployment: Deployment) async throws -> Int {
        let stats = try #require(try await deployment.text("INFO", "commandstats"))
        let lines = stats.split(whereSeparator: \.isNewline).filter { $0.contains("evalsha:") || $0.contains("eval:") }
        return lines.compactMap { $0.split(separator: "=")[1].split(separator: ",").first.flatMap { Int($0) } }.reduce(
            0,
            +
        )
    }

    @Test func `asks for nothing while every list is known to be empty`() async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker { $0.beatsBetweenLooks = 1 }
            // The first of a script is two commands: the server does not know it yet.
            _ = try await broker.heartbeat(holding: [])
            #expect(try await broker.claim(everything("a", "b")).mayHoldMore == false)
            let before = try await commands(deployment)
            for _ in 0..<20 { #expect(try await broker.claim(everything("a", "b")).deliveries.isEmpty) }
            #expect(try await commands(deployment) == before)
            // A beat looks again, in case an announcement was lost.
            _ = try await broker.heartbeat(holding: [])
            _ = try await broker.claim(everything("a", "b"))
            #expect(try await commands(deployment) > before + 1)
        }
    }

    @Test func `hears of a foreign push within a tenth of a second`() async throws {
        try await Deployment.with { deployment in
            let notices = NoticeLog()
            let broker = try await deployment.broker(notices: notices)
            var fastest = Duration.seconds(60)
            for turn in 0..<5 {
                while try await broker.claim(everything("celery")).mayHoldMore {}
                let before = notices.wakes
                let start = ContinuousClock.now
                try await deployment.run("LPUSH", "celery\(separator)9", text(try item("\(turn)")))
                await notices.wake(after: before)
                fastest = min(fastest, ContinuousClock.now - start)
                #expect(ids(try await broker.claim(everything("celery"))) == ["\(turn)"])
            }
            #expect(fastest < .milliseconds(100))
        }
    }

    @Test func `wakes for its own pushes, put-backs and releases`() async throws {
        try await Deployment.with { deployment in
            let notices = NoticeLog()
            let broker = try await deployment.broker(notices: notices)
            let message = Publication(queue: "celery", priority: 3, item: try item("x"))
            let effects: [Effect] = [.publish(message), .putBack(message), .park(message, taskID: "x", until: .now())]
            for effect in effects {
                while try await broker.claim(everything("celery")).mayHoldMore {}
                let before = notices.wakes
                _ = try await broker.commit([Commit(tag: nil, acknowledges: false, effects: [effect])])
                if case .park = effect { _ = try await broker.releaseDue(limit: 10) }
                await notices.wake(after: before)
                #expect(ids(try await broker.claim(everything("celery"))) == ["x"])
            }
        }
    }

    @Test(arguments: ["pubsub", "normal"])
    func `still hears of pushes after its connection was killed`(_ kind: String) async throws {
        try await Deployment.with { deployment in
            let notices = NoticeLog()
            let broker = try await deployment.broker(notices: notices)
            while try await broker.claim(everything("celery")).mayHoldMore {}
            let before = notices.wakes
            #expect(try await deployment.int("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes") >= 1)
            // The wake-up that comes with the new connection.
            await notices.wake(after: before)
            for turn in 0..<3 {
                let wakes = try await settle(broker, notices)
                try await deployment.run("LPUSH", "celery", text(try item("\(turn)")))
                await notices.wake(after: wakes)
                #expect(ids(try await claimed(broker)) == ["\(turn)"])
            }
        }
    }

    /// Claims until nothing is left to hear of; answers the number of wake-ups before the last claim.
    private func settle(_ broker: RedisBroker, _ notices: NoticeLog) async throws -> Int {
        while true {
            let wakes = notices.wakes
            // A claim fails while its connection is away.
            guard let result = try? await broker.claim(everything("celery")) else { continue }
            if !result.mayHoldMore { return wakes }
        }
    }

    private func claimed(_ broker: RedisBroker) async throws -> ClaimResult {
        while true {
            let result = try await broker.claim(everything("celery"))
            if !result.deliveries.isEmpty || !result.mayHoldMore { return result }
        }
    }

    // MARK: Lost commits

    @Test func `puts back what it has ended and a server that was set back still holds, and nothing else`() async throws
    {
        try await Deployment.with { deployment in
            let notices = NoticeLog()
            let broker = try await deployment.broker("w", notices: notices)
            for id in ["1", "2", "3", "4"] { try await deployment.run("LPUSH", "celery", text(try item(id))) }
            let deliveries = try await broker.claim(everything("celery")).deliveries
            #expect(ids(deliveries.map(\.item)) == ["1", "2", "3", "4"])
            var stored: [String] = []
            for delivery in deliveries {
                stored.append(try #require(try await deployment.text("HGET", "unacked", delivery.tag.text)))
            }
            let ends = deliveries.prefix(3).map { Commit(tag: $0.tag, acknowledges: true, effects: []) }
            #expect(try await broker.commit(ends).allSatisfy { $0 != .lost })
            #expect(try await deployment.int("HLEN", "unacked") == 1)

            // The server of the next connection has not heard of the first two ends.
            for place in 0..<2 {
                try await deployment.run("HSET", "unacked", deliveries[place].tag.text, stored[place])
                try await deployment.run("ZADD", "unacked_index", "1", deliveries[place].tag.text)
            }
            let inHand = [deliveries[3].tag]
            _ = try await broker.heartbeat(holding: inHand)
            _ = try await broker.heartbeat(holding: inHand)
            #expect(try await deployment.int("HLEN", "unacked") == 3, "without a new connection nothing is looked for")
            let before = notices.wakes
            #expect(try await deployment.int("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes") >= 1)
            await notices.wake(after: before)
            while (try? await broker.heartbeat(holding: inHand)) == nil {}
            #expect(try await deployment.int("HLEN", "unacked") == 3, "a commit could still be on its way")
            _ = try await broker.heartbeat(holding: inHand)
            #expect(try await deployment.texts("HKEYS", "unacked") == [inHand[0].text])
            let again = try await claimed(broker).deliveries
            #expect(ids(again.map(\.item)) == ["1", "2"])
        }
    }

    // MARK: Lost answers

    @Test func `puts back what a claim took whose answer never came`() async throws {
        try await Deployment.with { deployment in
            let notices = NoticeLog()
            let broker = try await deployment.broker("w", notices: notices) {
                $0.broker.commandTimeout = .milliseconds(300)
                $0.broker.backoff = RedisBackoff(first: .milliseconds(5), ceiling: .milliseconds(50))
            }
            for id in ["1", "2", "3"] { try await deployment.run("LPUSH", "celery", text(try item(id))) }
            // The server knows the script from here on.
            #expect(try await broker.claim(everything("other")).deliveries.isEmpty)
            // The frozen server reads the claim when it goes on, long after the client has given up.
            deployment.server.pause()
            let failure = await #expect(throws: TransportError.self) { try await broker.claim(everything("celery")) }
            #expect(failure?.code == .connection)
            deployment.server.resume()
            while try await deployment.int("HLEN", "unacked") == 0 {}
            while (try? await broker.heartbeat(holding: [])) == nil {}
            #expect(try await deployment.int("HLEN", "unacked") == 0)
            let waiting = try await deployment.texts("LRANGE", "celery", "0", "-1").map { Array($0.utf8) }
            #expect(Set(ids(waiting)) == ["1", "2", "3"])
            #expect(waiting.count == 3)
        }
    }

    @Test func `signs off at the end`() async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker("w")
            _ = try await broker.heartbeat(holding: [])
            #expect(try await deployment.texts("ZRANGE", "celeriac:workers", "0", "-1") == ["w"])
            await broker.stop()
            #expect(try await deployment.int("ZCARD", "celeriac:workers") == 0)
        }
    }
}
