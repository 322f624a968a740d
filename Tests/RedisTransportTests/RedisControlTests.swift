import CeleryMessage
import RedisClient
import Synchronization
import TestSupport
import Testing
import Transport

@testable import RedisTransport

/// Remote control and events over a real server, in Kombu's keys and channels.
@Suite(.timeLimit(.minutes(1))) struct RedisControlTests {
    /// What a channel heard, to wait on.
    final class Heard: Sendable {
        private struct State {
            var notices: [ControlNotice] = []
            var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
        }

        private let state = Mutex(State())

        var requests: [[UInt8]] {
            state.withLock { state in
                state.notices.compactMap { if case .request(let item) = $0 { item } else { nil } }
            }
        }

        var elections: Int {
            state.withLock { state in state.notices.count { if case .election = $0 { true } else { false } } }
        }

        func add(_ notice: ControlNotice) {
            let ready = state.withLock { state in
                state.notices.append(notice)
                let ready = state.waiters.filter { $0.count <= state.notices.count }
                state.waiters.removeAll { $0.count <= state.notices.count }
                return ready
            }
            for waiter in ready { waiter.continuation.resume() }
        }

        func notices(_ count: Int) async {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    if state.notices.count >= count { return true }
                    state.waiters.append((count, continuation))
                    return false
                }
                if isReady { continuation.resume() }
            }
        }
    }

    private func request(_ body: String) -> BroadcastMessage {
        BroadcastMessage(exchange: "celery.pidbox", body: Array(body.utf8), deliveryMode: 2)
    }

    @Test func `hears requests and elections on Celery's channels, and nothing else`() async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker()
            let heard = Heard()
            try await broker.listen(control: "celery.pidbox", elections: "celeryev") { heard.add($0) }
            try await deployment.run("PUBLISH", "/0.celery.pidbox", "one")
            try await deployment.run("PUBLISH", "/1.celery.pidbox", "another database")
            try await deployment.run("PUBLISH", "/0.celeryev/worker.heartbeat", "beat")
            try await deployment.run("PUBLISH", "/0.celeryev/worker.elect", "elect")
            await heard.notices(2)
            #expect(heard.requests.map(text) == ["one"])
            #expect(heard.elections == 1)
            #expect(try await broker.publish([request("{}")]) == [1])
            let unheard = BroadcastMessage(exchange: "celeryev", routingKey: "x", body: [])
            #expect(try await broker.publish([unheard]) == [0])
        }
    }

    @Test func `puts the key prefix and the fanout prefix before channels`() async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker { configuration in
                configuration.keys.prefix = "app:"
                configuration.keys.fanoutPrefix = "{db}-"
                configuration.keys.fanoutPatterns = false
                configuration.broker.database = 3
                configuration.results?.database = 3
            }
            let heard = Heard()
            try await broker.listen(control: "celery.pidbox", elections: nil) { heard.add($0) }
            try await deployment.run("PUBLISH", "app:3-celery.pidbox", "prefixed")
            await heard.notices(1)
            #expect(heard.requests.map(text) == ["prefixed"])
            #expect(broker.channel(exchange: "celeryev", routingKey: "task.multi") == "app:3-celeryev")
        }
    }

    @Test func `listens again after the connection was cut, and says so`() async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker()
            let heard = Heard()
            try await broker.listen(control: "celery.pidbox", elections: nil) { heard.add($0) }
            try await deployment.run("CLIENT", "KILL", "TYPE", "pubsub")
            await heard.notices(1)
            while try await deployment.int("PUBLISH", "/0.celery.pidbox", "after") == 0 { await Task.yield() }
            await heard.notices(2)
            #expect(heard.requests.map(text) == ["after"])
        }
    }

    // MARK: Mailboxes

    private func reply(_ key: String) -> BroadcastMessage {
        BroadcastMessage(exchange: "reply.celery.pidbox", routingKey: key, body: Array("{}".utf8))
    }

    @Test func `a reply goes into the mailbox that is bound, by whatever name, or nowhere`() async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker()
            let bindings = "_kombu.binding.reply.celery.pidbox"
            let separator = "\u{6}\u{16}"
            try await broker.reply(reply("nobody"))
            #expect(try await deployment.int("EXISTS", "nobody.reply.celery.pidbox") == 0)
            try await deployment.run("SADD", bindings, "oid\(separator)\(separator)oid.reply.celery.pidbox")
            try await broker.reply(reply("oid"))
            #expect(try await deployment.int("LLEN", "oid.reply.celery.pidbox") == 1)
            #expect((1...300).contains(try await deployment.int("TTL", "oid.reply.celery.pidbox")))
            try await deployment.run("SADD", bindings, "odd\(separator)\(separator)some.queue")
            try await broker.reply(reply("odd"))
            #expect(try await deployment.int("LLEN", "some.queue") == 1)
        }
    }

    @Test func `a mailbox is opened with a deadline and leaves nothing behind`() async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker()
            try await broker.openMailbox(exchange: "reply.celery.pidbox", routingKey: "box")
            #expect(try await deployment.int("SCARD", "_kombu.binding.reply.celery.pidbox") == 1)
            #expect(try await deployment.text("ZSCORE", "_kombu.binding_deadlines", "reply.celery.pidbox") != nil)
            try await broker.reply(reply("box"))
            try await broker.reply(reply("box"))
            let items = try await broker.closeMailbox(exchange: "reply.celery.pidbox", routingKey: "box")
            #expect(items.count == 2)
            #expect(try await deployment.int("EXISTS", "_kombu.binding.reply.celery.pidbox") == 0)
            #expect(try await deployment.int("EXISTS", "box.reply.celery.pidbox") == 0)
            #expect(try await broker.closeMailbox(exchange: "reply.celery.pidbox", routingKey: "box").isEmpty)
        }
    }

    // MARK: Revoking

    private func revocation(_ id: String, stores: Bool = true) -> Revocation {
        Revocation(taskID: id, result: stores ? record(id, .revoked) : nil)
    }

    private func status(_ deployment: Deployment, _ id: String) async throws -> String? {
        let stored = try await deployment.text("GET", "celery-task-meta-\(id)")
        return try stored.flatMap { try JSONReader.value($0)["status"]?.string }
    }

    @Test func `stores REVOKED only for what nobody has begun`() async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker()
            let begun: [TaskState] = [.started, .progress, .success, .failure, TaskState(rawValue: "CUSTOM")]
            let waiting: [TaskState] = [.retry, .received, .rejected]
            for state in begun + waiting {
                let stored = String(decoding: record(state.rawValue, state).record, as: UTF8.self)
                try await deployment.run("SET", "celery-task-meta-\(state.rawValue)", stored)
            }
            try await deployment.run("SET", "celery-task-meta-odd", "no record")
            try await deployment.run("LPUSH", "celery-task-meta-list", "no string")
            let ids = (begun + waiting).map(\.rawValue) + ["new", "odd", "list"]
            try await broker.revoke(ids.map { revocation($0) } + [revocation("silent", stores: false)])
            for state in begun { #expect(try await status(deployment, state.rawValue) == state.rawValue) }
            for state in waiting { #expect(try await status(deployment, state.rawValue) == "REVOKED") }
            #expect(try await status(deployment, "new") == "REVOKED")
            #expect(try await deployment.text("GET", "celery-task-meta-odd") == "no record")
            #expect(try await deployment.int("EXISTS", "celery-task-meta-silent") == 0)
            #expect(try await deployment.int("TTL", "celery-task-meta-new") > 0)
            #expect(try await broker.revoked().taskIDs == ids + ["silent"])
        }
    }

    @Test func `remembers so many ids for so long`() async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker { configuration in
                configuration.revokedLimit = 3
                configuration.revokedTimeToLive = 100
            }
            let long = String(Instant.now().seconds - 1000)
            try await deployment.run("ZADD", "celeriac:revoked", long, "old")
            try await broker.revoke(["a", "b", "c", "d", "e"].map { revocation($0, stores: false) })
            #expect(try await broker.revoked().taskIDs == ["c", "d", "e"])
            #expect((1...100).contains(try await deployment.int("TTL", "celeriac:revoked")))
            #expect(try await deployment.int("ZCARD", "celeriac:revoked") == 3)
        }
    }

    @Test func `stores records in another database of the server`() async throws {
        try await Deployment.with { deployment in
            let near = try await deployment.broker { $0.results?.database = 5 }
            try await near.revoke([revocation("near")])
            let other = try await Deployment.client(deployment.server, database: 5)
            #expect(try await other.send(RedisCommand("EXISTS", "celery-task-meta-near")).int == 1)
            #expect(try await deployment.int("EXISTS", "celery-task-meta-near") == 0)
            // A further command still finds the queues' database.
            #expect(try await near.revoked().taskIDs == ["near"])
            await other.close()
        }
    }

    @Test func `remembers stamps and passes over what is none`() async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker()
            let stamp = RevokedStamp(header: "tenant", value: "acme")
            try await broker.revoke(stamps: [stamp, RevokedStamp(header: "n", value: 7)])
            try await deployment.run("ZADD", "celeriac:revoked:stamps", String(Instant.now().seconds), "garbage")
            let found = try await broker.revoked().stamps
            #expect(Set(found) == [stamp, RevokedStamp(header: "n", value: 7)])
            #expect(try await deployment.int("TTL", "celeriac:revoked:stamps") > 0)
        }
    }

    // MARK: What clients ask about

    @Test func `finds parked messages of the queues asked for, soonest first`() async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker(queues: ["celery", "other"])
            let now = Instant.now()
            for (id, queue, wait) in [("b", "celery", 200.0), ("x", "other", 50), ("a", "celery", 100)] {
                let message = Publication(queue: queue, priority: 3, item: try item(id, queue: queue, priority: 3))
                let effect = Effect.park(message, taskID: id, until: now.advanced(bySeconds: wait))
                _ = try await broker.commit([Commit(tag: nil, acknowledges: false, effects: [effect])])
            }
            let found = try await broker.parked(queues: ["celery"], limit: 10)
            #expect(ids(found.map(\.item)) == ["a", "b"])
            #expect(abs((found[0].due - now).components.seconds - 100) <= 1)
            #expect(try await broker.parked(queues: ["celery"], limit: 1).count == 1)
            #expect(try await broker.parked(queues: [], limit: 10).isEmpty)
        }
    }

    @Test func `describes the broker without its password`() async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker()
            #expect(broker.brokerInfo["transport"] == "redis")
            #expect(broker.brokerInfo["port"] == .int(Int64(deployment.server.port)))
            #expect(broker.brokerInfo["virtual_host"] == "0")
            #expect(broker.brokerInfo["password"] == nil)
        }
    }

    @Test func `binds a queue to the exchange and key given`() async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker()
            try await broker.bind(QueueBinding(queue: "q", exchange: "ex", routingKey: "rk"))
            let members = try await deployment.texts("SMEMBERS", "_kombu.binding.ex")
            #expect(members == ["rk\u{6}\u{16}\u{6}\u{16}q"])
        }
    }
}
