import CeleryMessage
import Logging
import RedisClient
import RedisTransport

/// Waits for a task's end by its channel, as Celery's client does.
///
/// The key is read again each second too, for what no channel tells: a record stored without being published, and one
/// published while the connection was away.
struct ResultWait {
    let client: RedisClient
    let key: String

    /// The newest record; `nil` when nothing is stored.
    ///
    /// Waits until the task has ended or the time is over.
    func record(within limit: Duration) async throws -> [UInt8]? {
        let clock = ContinuousClock()
        let deadline = clock.now + limit
        var (record, hasEnded) = try await stored()
        guard !hasEnded, limit > .zero else { return record }

        let (reasons, look) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let subscriber = RedisSubscriber(
            configuration: client.configuration,
            eventLoop: client.eventLoop,
            logger: Logger(label: "celeriac.tool") { _ in SwiftLogNoOpLogHandler() },
            onMessage: { _ in look.yield() }
        )
        let pause = await listens(subscriber) ? Duration.seconds(1) : .milliseconds(100)
        // What was stored before the server confirmed the subscription is told by no message.
        look.yield()
        do {
            record = try await withThrowingTaskGroup(of: Void.self) { group in
                defer { group.cancelAll() }
                group.addTask {
                    while clock.now < deadline {
                        try await clock.sleep(until: min(clock.now + pause, deadline))
                        look.yield()
                    }
                    look.finish()
                }
                return try await newest(for: reasons)
            }
        } catch {
            await subscriber.close()
            throw error
        }
        await subscriber.close()
        return record
    }

    /// Reads the record for each reason to do so, until the task has ended or there are no more reasons.
    private func newest(for reasons: AsyncStream<Void>) async throws -> [UInt8]? {
        var record: [UInt8]?
        for await _ in reasons {
            let (bytes, hasEnded) = try await stored()
            record = bytes
            if hasEnded { break }
        }
        return record
    }

    /// Whether the server tells of the result; a user may be forbidden to subscribe.
    private func listens(_ subscriber: RedisSubscriber) async -> Bool {
        do {
            try await subscriber.connect()
            try await subscriber.subscribe([key])
            return true
        } catch {
            return false
        }
    }

    private func stored() async throws -> (record: [UInt8]?, hasEnded: Bool) {
        guard let bytes = try await client.send(RedisCommand("GET", key)).bytes else { return (nil, false) }
        let record = try? ResultRecord(decoding: bytes, codecs: .celeryDefaults)  // what cannot be read has not ended
        return (bytes, record?.status.isReady ?? false)
    }
}
