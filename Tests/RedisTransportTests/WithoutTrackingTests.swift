import Logging
import RedisClient
import Synchronization
import TestSupport
import Testing
import Transport

@testable import RedisTransport

/// Servers that cannot announce a push: too old for client tracking, or forbidding it.
@Suite(.timeLimit(.minutes(2))) struct WithoutTrackingTests {
    /// The server's options that take tracking away.
    static let servers = [
        ["--user", "default", "on", "nopass", "~*", "&*", "+@all", "-client|tracking"],
        ["--rename-command", "CLIENT", ""],
    ]

    @Test(arguments: servers) func `takes no list for empty, so that the worker goes on asking`(
        options: [String]
    ) async throws {
        try await Deployment.with(arguments: options) { deployment in
            let broker = try await deployment.broker()
            for _ in 0..<3 {
                let result = try await broker.claim(everything("celery"))
                #expect(result.deliveries.isEmpty)
                #expect(result.mayHoldMore)
            }
            try await deployment.run("LPUSH", "celery", text(try item("one")))
            let claimed = try await broker.claim(everything("celery"))
            #expect(ids(claimed) == ["one"])
            let tag = try #require(claimed.deliveries.first?.tag)
            #expect(try await broker.commit([Commit(tag: tag, acknowledges: true, effects: [])]) == [.done])
            #expect(try await deployment.int("HLEN", "unacked") == 0)
        }
    }

    @Test(arguments: servers) func `says so once, whatever becomes of its connections`(options: [String]) async throws {
        let warnings = Warnings()
        try await Deployment.with(arguments: options) { deployment in
            let notices = NoticeLog()
            let broker = try await deployment.broker(notices: notices, logger: warnings.logger) {
                $0.broker.backoff = RedisBackoff(first: .milliseconds(5), ceiling: .milliseconds(50))
            }
            #expect(warnings.aboutTracking == 1)
            let before = notices.wakes
            try await deployment.server.restart()
            await notices.wake(after: before + 1)
            #expect(try await broker.claim(everything("celery")).mayHoldMore)
            #expect(warnings.aboutTracking == 1)
        }
    }
}

/// A logger that counts.
private final class Warnings: Sendable {
    private let count = Mutex(0)

    var aboutTracking: Int { count.withLock { $0 } }

    var logger: Logger { Logger(label: "broker") { _ in Handler(warnings: self) } }

    private struct Handler: LogHandler {
        let warnings: Warnings
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.warning

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            if "\(event.message)".contains("no client tracking") { warnings.count.withLock { $0 += 1 } }
        }
    }
}
