import CeleryMessage
import RedisClient
import Synchronization
import Testing
import Transport

@testable import RedisTransport

/// What finished tasks leave on Redis, in the step that ends them.
@Suite(.timeLimit(.minutes(2))) struct HistoryTests {
    private static let keys = RedisKeys()

    private func end(
        _ id: String,
        _ state: TaskState = .success,
        queue: String = "celery",
        keep: Int = 1000,
        seconds: Int = 86_400,
        runtime: Duration? = .milliseconds(2)
    ) throws -> HistoryNote {
        var run = TaskEnd.Run()
        run.runtime = runtime
        let message = TaskMessage(task: "proj.add", id: id, args: [1, 2], queue: queue)
        return .finished(
            TaskEnd(
                of: ReceivedMessage(message),
                queue: queue,
                state: state,
                finishedAt: .now(),
                run: run,
                result: state == .success ? Array("3".utf8) : nil,
                exception: state == .success ? nil : .valueError("no"),
                bound: HistoryBound(count: keep, seconds: seconds),
                writer: HistoryWriter(worker: "w1@test")
            )
        )
    }

    private func finish(_ delivery: Delivery, _ note: HistoryNote?, _ more: [Effect] = []) -> Commit {
        let id = (try? JSONReader.value(delivery.item))?["headers"]?["id"]?.string ?? "?"
        return Commit(
            tag: delivery.tag,
            acknowledges: true,
            effects: [.store(record(id, .success))] + more,
            history: note
        )
    }

    /// The kept records of a stream, oldest first.
    private func lines(
        _ deployment: Deployment,
        _ queue: String = "celery",
        completed: Bool = true
    ) async throws -> [JSONValue] {
        let reply = try await deployment.raw.send(
            RedisCommand("XRANGE", Self.keys.history(queue: queue, completed: completed), "-", "+")
        )
        var lines: [JSONValue] = []
        for entry in reply.array ?? [] {
            let fields = entry.array?.last?.array?.compactMap(\.text) ?? []
            #expect(fields.count == 6)
            #expect((fields.first, fields[2]) == ("k", "a"))
            for line in fields[5].split(separator: "\n") { lines.append(try JSONReader.value(Array(line.utf8))) }
        }
        return lines
    }

    private func count(_ deployment: Deployment, _ field: String) async throws -> Int {
        try await deployment.text("HGET", Self.keys.history, field).flatMap { Int($0) } ?? 0
    }

    @Test(arguments: [false, true])
    func `writes one entry for a batch, with the acknowledgement`(_ isPlain: Bool) async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker("w")
            for number in 0..<20 {
                try await deployment.run("LPUSH", "celery", text(try item("\(number)")))
            }
            let deliveries = try await broker.claim(everything("celery")).deliveries
            let commits = try deliveries.enumerated().map { place, delivery in
                let more: [Effect] = isPlain ? [] : [.forgetDeliveries(taskID: "\(place)")]
                return finish(delivery, try end("\(place)"), more)
            }
            #expect(try await broker.commit(commits) == Array(repeating: .done, count: 20))
            let key = Self.keys.history(queue: "celery", completed: true)
            #expect(try await deployment.int("XLEN", key) == 1)
            let lines = try await lines(deployment)
            #expect(lines.compactMap { $0["i"]?.string } == (0..<20).map(String.init))
            #expect(lines.allSatisfy { $0["n"]?.string == "proj.add" && $0["w"]?.string == "w1@test" })
            #expect(lines[0]["v"]?.int == 3)
            #expect(lines[0]["a"]?.array == [1, 2])
            #expect(try await count(deployment, "completed:celery") == 20)
            #expect(try await deployment.text("HGET", Self.keys.historyDurations, "celery\nproj.add\n1") == "20")
            #expect(try await deployment.text("HGET", Self.keys.historyDurations, "celery\nproj.add\nus") == "40000")
            #expect((1...86_400).contains(try await deployment.int("TTL", key)))
            // Once more: nothing is held, so nothing is recorded.
            #expect(try await broker.commit(commits) == Array(repeating: .lost, count: 20))
            #expect(try await count(deployment, "completed:celery") == 20)
            #expect(try await deployment.int("XLEN", key) == 1)
        }
    }

    @Test(arguments: [false, true])
    func `leaves out those whose messages are gone`(_ isPlain: Bool) async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker("w")
            for number in 0..<4 { try await deployment.run("LPUSH", "celery", text(try item("\(number)"))) }
            let deliveries = try await broker.claim(everything("celery")).deliveries
            for delivery in [deliveries[1], deliveries[2]] {
                try await deployment.run("HDEL", Self.keys.unacked, delivery.tag.text)
                try await deployment.run("ZREM", Self.keys.unackedIndex, delivery.tag.text)
            }
            let states: [TaskState] = [.success, .success, .revoked, .revoked]
            let commits = try zip(deliveries, states).enumerated().map { place, one in
                let more: [Effect] = isPlain ? [] : [.forgetDeliveries(taskID: "\(place)")]
                return finish(one.0, try end("\(place)", one.1), more)
            }
            #expect(try await broker.commit(commits) == [.done, .lost, .lost, .done])
            #expect(try await lines(deployment).compactMap { $0["i"]?.string } == ["0"])
            #expect(try await lines(deployment, completed: false).compactMap { $0["i"]?.string } == ["3"])
            #expect(try await count(deployment, "completed:celery") == 1)
            #expect(try await count(deployment, "failed:celery") == 1)
            #expect(try await count(deployment, "revoked:celery") == 1)
        }
    }

    /// Commits one batch of so many ends.
    private func run(
        _ count: Int,
        _ broker: RedisBroker,
        _ deployment: Deployment,
        from first: Int = 0,
        _ note: (String) throws -> HistoryNote
    ) async throws {
        for number in first..<first + count {
            try await deployment.run("LPUSH", "celery", text(try item("\(number)")))
        }
        var deliveries: [Delivery] = []
        // Word of what was pushed may come a moment after it.
        while deliveries.count < count { deliveries += try await broker.claim(everything("celery")).deliveries }
        let commits = try deliveries.enumerated().map { finish($1, try note("\(first + $0)")) }
        #expect(try await broker.commit(commits).allSatisfy { $0 == .done })
    }

    @Test func `keeps as many entries as are needed for as many tasks as are wanted`() async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker("w")
            for batch in 0..<12 { try await run(3, broker, deployment, from: batch * 3) { try end($0, keep: 10) } }
            let ids = try await lines(deployment).compactMap { $0["i"]?.string }
            // Whole entries: those of the last ten, and what shares an entry with them.
            #expect(ids == (24..<36).map(String.init))
            #expect(try await count(deployment, "completed:celery") == 36)
            // Of a batch larger than what is kept no more is written.
            try await run(40, broker, deployment, from: 100) { try end($0, keep: 10) }
            #expect(try await lines(deployment).compactMap { $0["i"]?.string } == (130..<140).map(String.init))
            // Nothing is kept, and counted all the same.
            try await run(2, broker, deployment, from: 200) { try end($0, keep: 0) }
            #expect(try await lines(deployment).count == 10)
            #expect(try await count(deployment, "completed:celery") == 78)
        }
    }

    @Test func `drops what is too old`() async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker("w", queues: ["celery"])
            let key = Self.keys.history(queue: "celery", completed: true)
            let now = try #require(try await deployment.texts("TIME").first.flatMap { Int($0) })
            for (number, age) in [900, 800, 700, 40, 30, 20, 1].enumerated() {
                let id = "\((number + 1) * 3)-\((now - age) * 1000)"
                try await deployment.run("XADD", key, id, "k", "9", "a", "500", "r", "{}")
            }
            #expect(try await broker.trimHistory(queues: ["celery", "other"]) == 3)
            #expect(try await deployment.int("XLEN", key) == 4)
            #expect(try await broker.trimHistory(queues: ["celery"]) == 0)
            try await deployment.run("XTRIM", key, "MAXLEN", "0")
            #expect(try await broker.trimHistory(queues: ["celery"]) == 0)
            try await deployment.run("SET", key, "no stream")
            #expect(try await broker.trimHistory(queues: ["celery"]) == 0)
        }
    }

    @Test func `goes on where the stream is when the counts are lost`() async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker("w")
            try await run(5, broker, deployment) { try end($0) }
            try await deployment.run("DEL", Self.keys.history)
            try await run(2, broker, deployment, from: 5) { try end($0) }
            #expect(try await lines(deployment).count == 7)
            #expect(try await count(deployment, "completed:celery") == 7)
        }
    }

    @Test(arguments: ["celeriac:history", "celeriac:history:completed:celery", "celeriac:history:durations"])
    func `a key that holds something else keeps no task from ending`(_ key: String) async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker("w")
            try await deployment.run("SET", key, "something")
            try await run(3, broker, deployment) { try end($0) }
            #expect(try await deployment.int("HLEN", Self.keys.unacked) == 0)
            #expect(try await deployment.text("GET", Self.keys.result(taskID: "2")) != nil)
            #expect(try await deployment.text("GET", key) == "something")
        }
    }

    @Test func `stands with the queues where results are on another server or in another database`() async throws {
        try await Deployment.with { deployment in
            let there = try await Deployment.client(deployment.server, database: 1)
            let broker = try await deployment.broker("w") {
                $0.results = try Deployment.configuration(deployment.server, database: 1)
            }
            try await run(3, broker, deployment) { try end($0) }
            #expect(try await lines(deployment).count == 3)
            #expect(try await there.send(RedisCommand("KEYS", "celeriac*")).array?.isEmpty == true)
            await there.close()
            try await Deployment.with { other in
                let apart = try await deployment.broker("apart") {
                    $0.results = try Deployment.configuration(other.server)
                }
                try await run(3, apart, deployment, from: 3) { try end($0) }
                #expect(try await lines(deployment).count == 6)
                #expect(try await other.texts("KEYS", "*").count == 3)
            }
        }
    }

    @Test func `counts attempts that ended with a retry`() async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker("w")
            try await run(2, broker, deployment) { _ in .retried(queue: "celery") }
            #expect(try await count(deployment, "retried:celery") == 2)
            #expect(try await lines(deployment).isEmpty)
        }
    }
}
