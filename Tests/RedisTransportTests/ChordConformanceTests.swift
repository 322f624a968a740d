import CeleryMessage
import Testing
import Transport

@testable import RedisTransport

/// How brokers count chords, on one database, on two of one server, on two servers and in memory.
@Suite(.timeLimit(.minutes(2))) struct ChordConformanceTests {
    enum Kind: String, CaseIterable, Sendable {
        case oneDatabase, twoDatabases, twoServers, memory
    }

    /// A deployment: brokers, and what waits in a queue.
    struct World {
        var broker: (_ id: String) async throws -> any Broker
        var waiting: (_ queue: String) async throws -> [[UInt8]]
    }

    private func with(_ kind: Kind, _ body: (World) async throws -> Void) async throws {
        guard kind != .memory else {
            let store = InMemoryStore()
            return try await body(
                World(broker: { InMemoryBroker(store, workerID: $0) }, waiting: { store.waiting(in: $0) })
            )
        }
        try await Deployment.with { deployment in
            let waiting = { (queue: String) in
                try await deployment.texts("LRANGE", queue, "0", "-1").reversed().map { Array($0.utf8) }
            }
            func run(_ change: @escaping (inout RedisTransportConfiguration) throws -> Void) async throws {
                try await body(
                    World(
                        broker: { try await deployment.broker($0, change: change) },
                        waiting: { try await waiting($0) }
                    )
                )
            }
            switch kind {
            case .oneDatabase, .memory: try await run { _ in }
            case .twoDatabases:
                let results = try Deployment.configuration(deployment.server, database: 1)
                try await run { $0.results = results }
            case .twoServers:
                try await Deployment.with { other in
                    let results = try Deployment.configuration(other.server)
                    try await run { $0.results = results }
                }
            }
        }
    }

    private func part(_ id: String, _ index: Int?, _ result: String = "1", group: String = "g") -> ChordPart {
        ChordPart(
            groupID: group,
            taskID: id,
            groupIndex: index,
            value: Array(#"[1, "\#(id)", "SUCCESS", \#(result)]"#.utf8),
            completion: Array("after \(id)".utf8),
            timeToLive: 100,
            groupTimeToLive: 200
        )
    }

    private func commit(_ effects: Effect...) -> Commit { Commit(tag: nil, acknowledges: false, effects: effects) }

    private func start(_ size: Int, saved: [UInt8]? = nil, group: String = "g") -> Effect {
        .startChord(StoredChord(ChordStart(groupID: group, size: size, savedGroup: saved), timeToLive: 100))
    }

    private func message(_ id: String) throws -> Effect {
        .publish(Publication(queue: "celery", priority: 0, item: try item(id)))
    }

    private func claims(_ status: CommitStatus?) -> [ChordClaim] {
        if case .completed(let claims)? = status { claims } else { [] }
    }

    @Test(arguments: Kind.allCases)
    func `the last part completes a chord, once, with the results in the header's order`(_ kind: Kind) async throws {
        try await with(kind) { world in
            let broker = try await world.broker("w")
            let statuses = try await broker.commit([
                commit(start(3)), commit(.returnChordPart(part("c", nil, "3"))),
                commit(.returnChordPart(part("b", 1, "2"))), commit(.returnChordPart(part("b", 1, "99"))),
                commit(.returnChordPart(part("a", 0, "1"))), commit(.returnChordPart(part("a", 0, "1"))),
            ])
            #expect(statuses.map { claims($0).count } == [0, 0, 0, 0, 1, 0])
            let claim = try #require(claims(statuses[4]).first)
            #expect(claim.groupID == "g" && text(claim.completion) == "after a")
            guard case .values(let values)? = try await broker.chordParts(of: claim) else {
                Issue.record("no values")
                return
            }
            #expect(
                values.map(text) == [
                    #"[1, "a", "SUCCESS", 1]"#, #"[1, "b", "SUCCESS", 2]"#, #"[1, "c", "SUCCESS", 3]"#,
                ]
            )
        }
    }

    @Test(arguments: Kind.allCases)
    func `of two who finish a chord only one does, and late parts find it done`(_ kind: Kind) async throws {
        try await with(kind) { world in
            let broker = try await world.broker("w")
            let peer = try await world.broker("p")
            let status = try await broker.commit([commit(start(1)), commit(.returnChordPart(part("a", 0)))])[1]
            let claim = try #require(claims(status).first)
            let end = commit(.finishChord(claim, .sent), try message("body"))
            #expect(try await peer.commit([end, end]) == [.done, .lost])
            #expect(try await broker.commit([end]) == [.lost])
            #expect(ids(try await world.waiting("celery")) == ["body"])
            #expect(try await broker.chordParts(of: claim) == nil)
            var late = part("a", 0)
            late.isRedelivered = true
            #expect(try await broker.commit([commit(.returnChordPart(late))]) == [.done])
            #expect(try await broker.overdueChords(age: .zero).isEmpty)
        }
    }

    @Test(arguments: Kind.allCases)
    func `a chord that is sent once more counts anew, also parts that come before its size`(_ kind: Kind) async throws {
        try await with(kind) { world in
            let broker = try await world.broker("w")
            for _ in 1...2 {
                let early = commit(.returnChordPart(part("a", 0)))
                let last = commit(.returnChordPart(part("b", 1)))
                let statuses = try await broker.commit([early, commit(start(2)), last])
                let claim = try #require(claims(statuses[2]).first)
                #expect(try await broker.commit([commit(.finishChord(claim, .sent), try message("body"))]) == [.done])
            }
            #expect(ids(try await world.waiting("celery")) == ["body", "body"])
        }
    }

    @Test(arguments: Kind.allCases)
    func `a failed chord keeps its parts and is not completed again`(_ kind: Kind) async throws {
        try await with(kind) { world in
            let broker = try await world.broker("w")
            let status = try await broker.commit([commit(start(1)), commit(.returnChordPart(part("a", 0)))])[1]
            let claim = try #require(claims(status).first)
            let failure = record("body", .failure)
            #expect(try await broker.commit([commit(.finishChord(claim, .failed), .store(failure))]) == [.done])
            #expect(try await broker.records(taskIDs: ["body", "none"]) == ["body": failure.record])
            #expect(try await broker.commit([commit(.returnChordPart(part("a", 0)))]) == [.done])
            #expect(try await broker.chordParts(of: claim) != nil)
        }
    }

    @Test(arguments: Kind.allCases)
    func `a chord whose worker died is taken over, by one peer at a time`(_ kind: Kind) async throws {
        try await with(kind) { world in
            let dead = try await world.broker("dead")
            let status = try await dead.commit([commit(start(1)), commit(.returnChordPart(part("a", 0)))])[1]
            let claim = try #require(claims(status).first)
            let peer = try await world.broker("peer")
            #expect(try await peer.overdueChords(age: .seconds(60)).isEmpty)
            #expect(try await peer.overdueChords(age: .zero) == [claim])
            #expect(try await peer.overdueChords(age: .seconds(5)).isEmpty)
            #expect(try await peer.commit([commit(.finishChord(claim, .sent), try message("body"))]) == [.done])
            #expect(ids(try await world.waiting("celery")) == ["body"])
        }
    }

    @Test(arguments: Kind.allCases)
    func `parts may come before the size, and room may be made for more`(_ kind: Kind) async throws {
        try await with(kind) { world in
            let broker = try await world.broker("w")
            let statuses = try await broker.commit([
                commit(.returnChordPart(part("a", 0))), commit(start(2)),
                commit(.extendChord(groupID: "g"), .returnChordPart(part("b", 1))),
                commit(.returnChordPart(part("c", 1))),
            ])
            #expect(statuses.map { claims($0).count } == [0, 0, 0, 1])
        }
    }

    @Test(arguments: Kind.allCases)
    func `a saved group comes with its parts`(_ kind: Kind) async throws {
        try await with(kind) { world in
            let broker = try await world.broker("w")
            let saved = Array(#"{"result": [["g", null], []]}"#.utf8)
            let status = try await broker.commit([
                commit(start(1, saved: saved)), commit(.returnChordPart(part("a", 0))),
            ])[1]
            let claim = try #require(claims(status).first)
            #expect(try await broker.chordParts(of: claim) == .saved(group: saved, values: [part("a", 0).value]))
        }
    }

    @Test(arguments: Kind.allCases)
    func `the end of a chord may start one and complete another`(_ kind: Kind) async throws {
        try await with(kind) { world in
            let broker = try await world.broker("w")
            _ = try await broker.commit([commit(start(1)), commit(start(1, group: "outer"))])
            let claim = try #require(claims(try await broker.commit([commit(.returnChordPart(part("a", 0)))])[0]).first)
            let end = commit(
                .finishChord(claim, .failed),
                start(4, group: "next"),
                .returnChordPart(part("body", 0, group: "outer"))
            )
            #expect(claims(try await broker.commit([end])[0]).map(\.groupID) == ["outer"])
        }
    }

    @Test(arguments: Kind.allCases)
    func `a message that was taken away returns no part`(_ kind: Kind) async throws {
        try await with(kind) { world in
            let broker = try await world.broker("w")
            let gone = Commit(
                tag: DeliveryTag("w:77"),
                acknowledges: true,
                effects: [start(1), .returnChordPart(part("a", 0))]
            )
            #expect(try await broker.commit([gone]) == [.lost])
            #expect(try await broker.overdueChords(age: .zero).isEmpty)
        }
    }
}

extension Deployment {
    /// Whether a key was given so many seconds, of which a slow machine has used up some.
    fileprivate func lives(_ key: String, _ seconds: Int) async throws -> Bool {
        (seconds - 30...seconds).contains(try await int("TTL", key))
    }
}

/// The keys of chords as Celery's workers read and write them.
@Suite(.timeLimit(.minutes(2))) struct RedisChordTests {
    private func part(_ id: String, _ index: Int?) -> Effect {
        .returnChordPart(
            ChordPart(
                groupID: "g",
                taskID: id,
                groupIndex: index,
                value: Array(#"[1, "\#(id)", "SUCCESS", 1]"#.utf8),
                completion: Array("{}".utf8),
                timeToLive: 100,
                groupTimeToLive: 200
            )
        )
    }

    private func commit(_ effects: Effect...) -> Commit { Commit(tag: nil, acknowledges: false, effects: effects) }

    private func start(_ size: Int, saved: [UInt8]? = nil) -> Commit {
        commit(.startChord(StoredChord(ChordStart(groupID: "g", size: size, savedGroup: saved), timeToLive: 300)))
    }

    private let base = "celery-taskset-meta-g"

    @Test func `are Celery's own, with its times to live`() async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker()
            try await deployment.run("SET", base + ".c", "left over")
            _ = try await broker.commit([start(3, saved: Array("{}".utf8)), commit(.extendChord(groupID: "g"))])
            #expect(try await deployment.text("GET", base + ".s") == "3")
            #expect(try await deployment.text("GET", base + ".t") == "1")
            #expect(try await deployment.int("EXISTS", base + ".c") == 0)
            #expect(try await deployment.lives(base + ".s", 300))
            _ = try await broker.commit([commit(part("a", 2), part("b", nil))])
            #expect(
                try await deployment.texts("ZRANGE", base + ".j", "0", "-1", "WITHSCORES") == [
                    #"[1, "a", "SUCCESS", 1]"#, "2", #"[1, "b", "SUCCESS", 1]"#, "inf",
                ]
            )
            #expect(try await deployment.texts("SMEMBERS", base + ".d").sorted() == ["a:2", "b:+inf"])
            for key in [".j", ".t", ".s", ".d"] { #expect(try await deployment.lives(base + key, 100)) }
            #expect(try await deployment.lives(base, 200))
        }
    }

    @Test func `are gone after the end, but for the mark that it is done`() async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker()
            let statuses = try await broker.commit([start(1), commit(part("a", 0))])
            guard case .completed(let claims) = statuses[1] else {
                Issue.record("not completed: \(statuses)")
                return
            }
            #expect(try await deployment.text("GET", base + ".c") == claims[0].token)
            #expect(try await deployment.int("ZCARD", "celeriac:chords") == 1)
            #expect(try await deployment.int("TTL", "celeriac:chords") > 0)
            #expect(try await deployment.int("TTL", "celeriac:chords:claims") > 0)
            _ = try await broker.commit([commit(.finishChord(claims[0], .sent))])
            #expect(try await deployment.texts("KEYS", "*chord*") == [])
            #expect(try await deployment.texts("KEYS", base + "*") == [base + ".c"])
            #expect(try await deployment.text("GET", base + ".c") == "done")
            #expect(try await deployment.lives(base + ".c", 300))
        }
    }

    @Test func `parts that Celery's workers returned count`() async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker()
            _ = try await broker.commit([start(2)])
            try await deployment.run("ZADD", base + ".j", "0", #"[1, "a", "SUCCESS", 1]"#)
            try await deployment.run("SADD", base + ".d", "a:0")
            let statuses = try await broker.commit([commit(part("a", 0)), commit(part("b", 1))])
            #expect(statuses[0] == .done)
            guard case .completed = statuses[1] else {
                Issue.record("not completed: \(statuses)")
                return
            }
        }
    }

    @Test func `a chord that a Celery worker has claimed is its own`() async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker()
            _ = try await broker.commit([start(1)])
            try await deployment.run("SET", base + ".c", "somebody")
            #expect(try await broker.commit([commit(part("a", 0))]) == [.done])
            #expect(try await broker.overdueChords(age: .zero).isEmpty)
        }
    }

    @Test func `a claim that somebody overtook ends nothing and is forgotten`() async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker()
            guard case .completed(let claims) = try await broker.commit([start(1), commit(part("a", 0))])[1] else {
                Issue.record("not completed")
                return
            }
            try await deployment.run("SET", base + ".c", "somebody")
            let end = commit(.finishChord(claims[0], .sent), .store(record("x", .success)))
            #expect(try await broker.commit([end]) == [.lost])
            #expect(try await deployment.int("EXISTS", "celery-task-meta-x") == 0)
            #expect(try await deployment.int("HLEN", "celeriac:chords:claims") == 0)
        }
    }

    @Test func `are a list in order of arrival where they are not ordered`() async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker { $0.chordsAreOrdered = false }
            let statuses = try await broker.commit([start(2), commit(part("b", 1)), commit(part("a", 0))])
            #expect(try await deployment.text("TYPE", base + ".j") == "list")
            guard case .completed(let claims) = statuses[2],
                case .values(let values)? = try await broker.chordParts(of: claims[0])
            else {
                Issue.record("not completed: \(statuses)")
                return
            }
            #expect(values.map(text) == [#"[1, "b", "SUCCESS", 1]"#, #"[1, "a", "SUCCESS", 1]"#])
        }
    }

    @Test(arguments: [true, false]) func `are not read where there is more of them than may be`(
        areOrdered: Bool
    ) async throws {
        try await Deployment.with { deployment in
            let size = 2500
            let parts = (0..<size).map { part("\($0)", $0) }
            let bytes = parts.reduce(0) { sum, effect in
                if case .returnChordPart(let part) = effect { sum + part.value.count } else { sum }
            }
            for (limit, fits) in [(bytes, true), (bytes - 1, false)] {
                let broker = try await deployment.broker {
                    $0.chordsAreOrdered = areOrdered
                    $0.chordBytes = limit
                }
                let commits = [start(size), Commit(tag: nil, acknowledges: false, effects: parts)]
                guard case .completed(let claims) = try await broker.commit(commits)[1] else {
                    Issue.record("not completed")
                    return
                }
                switch try await broker.chordParts(of: claims[0]) {
                case .values(let values): #expect(fits && values.count == size)
                case let other: #expect(!fits && other == .tooMuch)
                }
                try await deployment.run("DEL", base + ".j", base + ".d", base + ".c", base + ".s")
            }
        }
    }

    @Test(arguments: [".j", ".d", ".s", ".t", ".c", ""])
    func `a key of another type hurts only its chord`(_ key: String) async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker()
            _ = try await broker.commit([start(1)])
            try await deployment.run("DEL", base + key)
            try await deployment.run("HSET", base + key, "a", "b")
            let next = Publication(queue: "next", priority: 0, item: try item("next"))
            let end = commit(.publish(next), .store(record("x", .success)), part("a", 0))
            _ = try await broker.commit([end])
            #expect(try await deployment.int("LLEN", "next") == 1)
            #expect(try await deployment.int("EXISTS", "celery-task-meta-x") == 1)
        }
    }

    @Test func `a chord whose end was published on one server is not published again`() async throws {
        try await Deployment.with { deployment in
            try await Deployment.with { results in
                let broker = try await deployment.broker { $0.results = try Deployment.configuration(results.server) }
                guard case .completed(let claims) = try await broker.commit([start(1), commit(part("a", 0))])[1] else {
                    Issue.record("not completed")
                    return
                }
                // As after a death between the two servers.
                try await deployment.run("SET", "celeriac:chords:sent:" + claims[0].token, "1")
                let next = Publication(queue: "next", priority: 0, item: try item("next"))
                #expect(try await broker.commit([commit(.finishChord(claims[0], .sent), .publish(next))]) == [.done])
                #expect(try await deployment.int("EXISTS", "next") == 0)
                #expect(try await results.text("GET", base + ".c") == "done")
            }
        }
    }
}
