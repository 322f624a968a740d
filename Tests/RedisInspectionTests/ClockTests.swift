import CeleryMessage
import Inspection
import RedisClient
import RedisTransport
import TestSupport
import Testing
import Transport

@testable import RedisInspection

/// The clocks of workers beside the server's.
@Suite(.timeLimit(.minutes(2))) struct ClockTests {
    // MARK: What is heard

    /// Publishes what somebody says on the channel of heartbeats, until the task is cancelled: who listens has to be there first.
    private func say(_ payloads: [[UInt8]], _ test: InspectorUnderTest) async {
        let channel = test.keys.channel(exchange: "celeryev", routingKey: "worker.heartbeat", database: 0)
        while !Task.isCancelled {
            for payload in payloads {
                _ = try? await test.client.send(RedisCommand("PUBLISH", channel, payload))  // ends with the test
            }
            try? await Task.sleep(for: .milliseconds(20))  // throws when it is cancelled
        }
    }

    /// A heartbeat as Celery sends it, by a clock that is so far ahead; `stamp` says something else in its place.
    private static func heartbeat(
        _ node: String,
        _ process: Int64,
        ahead: Double = 0,
        stamp: JSONValue? = nil,
        type: String = "worker-heartbeat"
    ) -> [UInt8] {
        let event: JSONObject = [
            "type": .string(type), "hostname": .string(node), "pid": .int(process), "freq": 2,
            "timestamp": stamp ?? .double(Instant.now().seconds + ahead),
        ]
        return BroadcastMessage(
            exchange: "celeryev",
            routingKey: "worker.heartbeat",
            body: JSONWriter.bytes(.object(event))
        ).encode()
    }

    private func clocks(
        of names: [String],
        saying payloads: @escaping @Sendable () -> [[UInt8]],
        patience: Duration = .seconds(60)
    ) async throws -> [ClockReading] {
        var found: [ClockReading] = []
        try await InspectorUnderTest.run { test in
            let workers = RedisWorkerAdministration(
                transport: test.inspector.configuration.transport,
                exchange: "celery.pidbox",
                eventLoop: test.client.eventLoop,
                logger: test.inspector.logger
            )
            let saying = Task { await say(payloads(), test) }
            defer { saying.cancel() }
            found = try await workers.clocks(of: names, eventExchange: "celeryev", patience: patience)
        }
        return found
    }

    @Test func `are read from heartbeats, each process for itself`() async throws {
        let found = try await clocks(of: ["fast@a", "twin@a", "twin@a"]) {
            [
                Self.heartbeat("fast@a", 1, ahead: 5000), Self.heartbeat("twin@a", 2),
                Self.heartbeat("twin@a", 3, ahead: -7000),
                Self.heartbeat("other@b", 4),
            ]
        }
        let known = found.filter { $0.node != "other@b" }
        #expect(known.map(\.node) == ["fast@a", "twin@a", "twin@a"])
        #expect(known.map(\.process) == [1, 2, 3])
        // They were all said at the beginning, and repeated up to a minute later.
        #expect((4900...5001).contains(known[0].ahead) && (-7100...(-6999)).contains(known[2].ahead))
    }

    @Test func `are not read from what is no heartbeat`() async throws {
        let found = try await clocks(of: ["good@a"]) {
            [
                Array("no envelope".utf8), Self.heartbeat("a", 1, stamp: "soon"), Self.heartbeat("b", 1, stamp: .null),
                Self.heartbeat("c", 1, type: "worker-online"), Self.heartbeat("d", 1, stamp: .double(1e300)),
                Self.heartbeat(String(repeating: "e", count: 100_000), 1), Self.heartbeat("good@a", 1),
            ]
        }
        #expect(found.map(\.node) == ["good@a"])
    }

    @Test func `are waited for no longer than somebody has patience`() async throws {
        let found = try await clocks(of: ["silent@a"], saying: { [] }, patience: .milliseconds(100))
        #expect(found.isEmpty)
    }

    @Test func `that seem to be off are looked at twice, and the better counts`() {
        var clocks = ClockReadings(names: ["a", "b"])
        clocks.add(ClockReading(node: "a", process: 1, ahead: 0.001))
        clocks.add(ClockReading(node: "b", process: 1, ahead: -9))
        #expect(!clocks.areComplete)
        clocks.add(ClockReading(node: "b", process: 1, ahead: -0.01))
        #expect(clocks.areComplete)
        #expect(clocks.readings.map(\.ahead) == [0.001, -0.01])
        clocks.add(ClockReading(node: "b", process: 1, ahead: -20))
        #expect(clocks.readings.last?.ahead == -0.01)
        for process in 0..<20_000 { clocks.add(ClockReading(node: "c", process: Int64(process), ahead: 0)) }
        #expect(clocks.readings.count == 10_000)
    }

    // MARK: What is said

    @Test(arguments: [
        (0.0, 3600.0, RedisDoctor.Level?.none), (2, 3600, nil), (-2, 3600, nil), (2.1, 3600, .warning),
        (-14.9, 3600, .warning), (15, 3600, .error), (-15, 3600, .error), (6, 10, .error), (4.9, 10, .warning),
    ])
    func `are complained of from two seconds on`(ahead: Double, visibility: Double, level: RedisDoctor.Level?) {
        let findings = RedisDoctor.findings(
            on: [ClockReading(node: "w@h", process: 7, ahead: ahead)],
            of: ["w@h"],
            patience: .seconds(5),
            visibilityTimeout: visibility
        )
        #expect(findings.count == 1)
        #expect(findings.first?.level == level ?? .ok)
        if level != nil {
            #expect(findings.first?.text.hasPrefix("The clock of w@h (process 7) is ") == true)
            #expect(findings.first?.text.contains(ahead > 0 ? " s ahead of Redis'" : " s behind Redis'") == true)
        }
    }

    @Test(arguments: [(0.5, "0.5 s"), (0.01, "0.01 s"), (1, "1 s"), (2.25, "2.25 s"), (600, "600 s")])
    func `were waited for as long as was asked`(seconds: Double, text: String) throws {
        let findings = RedisDoctor.findings(
            on: [],
            of: ["w@h"],
            patience: .seconds(seconds),
            visibilityTimeout: 3600
        )
        #expect(try #require(findings.first).text.hasPrefix("No heartbeat came within \(text) from w@h: "))
    }

    @Test func `name those that were silent, the first of many`() throws {
        let names = (10..<30).map { "w\($0)@h" }
        let findings = RedisDoctor.findings(on: [], of: names, patience: .seconds(3), visibilityTimeout: 3600)
        let finding = try #require(findings.first)
        #expect(findings.count == 1 && finding.check == "clocks.silent" && finding.level == .warning)
        #expect(finding.text.hasPrefix("No heartbeat came within 3 s from w10@h, w11@h, "))
        #expect(finding.text.hasSuffix("w19@h and 10 more: their clocks were not compared."))
    }
}
