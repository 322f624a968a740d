import CeleryMessage
import Inspection
import NIOCore
import RedisClient
import RedisTransport
import RemoteControl
import Transport

/// A worker's clock beside the server's.
struct ClockReading: Sendable, Hashable {
    /// The worker's name.
    var node: String
    /// The worker's process: two may go by one name.
    var process: Int64
    /// Seconds by which the worker's clock is ahead of the server's; below zero where it is behind.
    var ahead: Double
}

extension RedisWorkerAdministration {
    /// Compares the clocks of workers with the server's, by the times in the heartbeats that they send, Celery's as ours.
    ///
    /// What a heartbeat travels counts as being behind, some milliseconds. So where a clock seems to be off, another one is
    /// waited for, and the better counts.
    ///
    /// - Parameters:
    ///   - names: the workers to wait for, each as often as there are workers of its name.
    ///   - patience: how long at most.
    func clocks(of names: [String], eventExchange: String, patience: Duration) async throws -> [ClockReading] {
        let (heartbeats, arrivals) = AsyncStream<Heartbeat>.makeStream(bufferingPolicy: .bufferingNewest(10_000))
        let subscriber = RedisSubscriber(
            configuration: transport.broker,
            eventLoop: eventLoop,
            logger: logger,
            onMessage: { push in
                // A heartbeat has some hundred bytes; what is larger is none.
                guard case .message(_, let payload) = push, payload.count <= 64 << 10 else { return }
                arrivals.yield(Heartbeat(payload: payload, arrival: .now()))
            }
        )
        let channel = transport.keys.channel(
            exchange: eventExchange,
            routingKey: "worker.heartbeat",
            database: transport.broker.database
        )
        do {
            try await subscriber.connect()
            try await subscriber.subscribe([channel])
            let offset = try await askForHeartbeats()
            let end = eventLoop.scheduleTask(in: TimeAmount(patience)) { arrivals.finish() }
            let readings = await Self.read(heartbeats, offset, names)
            end.cancel()
            await subscriber.close()
            return readings
        } catch {
            await subscriber.close()
            guard let error = error as? RedisError else { throw error }
            throw InspectionError(error)
        }
    }

    /// Has all workers send a heartbeat, as every receiver of events does; answers how far the server's clock is ahead of
    /// this host's.
    private func askForHeartbeats() async throws -> Double {
        try await connected { client in
            let before = Instant.now()
            let time = try await client.send([RedisCommand("TIME")])[0].array ?? []
            let after = Instant.now()
            guard time.count == 2, let seconds = time[0].int, let micros = time[1].int else {
                throw InspectionError(.undecodable, "the server's TIME is none")
            }
            try await ControlClient(client: client, transport: self.transport, exchange: self.exchange)
                .cast("heartbeat")
            return Double(seconds) + Double(micros) / 1e6 - (before.seconds + after.seconds) / 2
        }
    }

    private static func read(
        _ heartbeats: AsyncStream<Heartbeat>,
        _ offset: Double,
        _ names: [String]
    ) async -> [ClockReading] {
        var clocks = ClockReadings(names: names)
        for await heartbeat in heartbeats {
            for reading in heartbeat.readings(offset) { clocks.add(reading) }
            if clocks.areComplete { break }
        }
        return clocks.readings
    }
}

/// A heartbeat as it came.
private struct Heartbeat: Sendable {
    let payload: [UInt8]
    /// By this host's clock.
    let arrival: Instant

    /// What it says of clocks; nothing where it is no heartbeat.
    func readings(_ offset: Double) -> [ClockReading] {
        let message = try? BroadcastMessage(decoding: payload, largest: BroadcastMessage.largestReply)  // anybody's
        guard let body = try? message?.value() else { return [] }
        return (body.array ?? [body]).compactMap { event in
            guard event["type"]?.string == "worker-heartbeat", let node = event["hostname"]?.string,
                let time = event["timestamp"]?.number, time.isFinite, abs(time) < 1e12
            else { return nil }
            return ClockReading(
                node: node,
                process: event["pid"]?.int ?? 0,
                ahead: time - (arrival.seconds + offset)
            )
        }
    }
}

/// What has been read of the clocks of a number of workers.
struct ClockReadings: Sendable {
    private struct Process: Hashable {
        var node: String
        var number: Int64
    }

    /// Beyond so many seconds a second heartbeat is waited for.
    private static let doubtful = 1.0
    /// More processes are not looked at: anybody may publish.
    private static let most = 10_000

    private let wanted: [String: Int]
    private var found: [Process: (ahead: Double, count: Int)] = [:]

    /// - Parameter names: each as often as there are workers of its name.
    init(names: [String]) { wanted = Dictionary(grouping: names, by: \.self).mapValues(\.count) }

    mutating func add(_ reading: ClockReading) {
        let process = Process(node: reading.node, number: reading.process)
        guard let known = found[process] else {
            if found.count < Self.most { found[process] = (reading.ahead, 1) }
            return
        }
        let better = abs(reading.ahead) < abs(known.ahead) ? reading.ahead : known.ahead
        found[process] = (better, known.count + 1)
    }

    /// Whether every worker was heard, and those whose clock seems to be off twice.
    var areComplete: Bool {
        let heard = found.filter { abs($0.value.ahead) < Self.doubtful || $0.value.count > 1 }
        let counts = Dictionary(grouping: heard.keys, by: \.node).mapValues(\.count)
        return wanted.allSatisfy { counts[$0.key] ?? 0 >= $0.value }
    }

    /// The clocks by name.
    var readings: [ClockReading] {
        found.map { ClockReading(node: $0.key.node, process: $0.key.number, ahead: $0.value.ahead) }
            .sorted { ($0.node, $0.process) < ($1.node, $1.process) }
    }
}
