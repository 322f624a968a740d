import Exposition
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import MetricsServer

struct MetricsServerTests {
    /// A process of which a test says how it is.
    private final class Process: MetricsSource {
        let isUp = Mutex(true)

        func metrics() async -> MetricsText {
            var out = MetricsText()
            out.gauge("up", "Up.", 1)
            return out
        }

        func isReady() async -> Bool { isUp.withLock { $0 } }
        func hasStarted() async -> Bool { isUp.withLock { $0 } }
    }

    /// Sends bytes and reads until the server closes.
    private static func ask(_ port: Int, _ request: String) async throws -> String {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: request))
            var text = ""
            for try await buffer in inbound { text += String(buffer: buffer) }
            return text
        }
    }

    private static func with(_ body: (Int, Process) async throws -> Void) async throws {
        let process = Process()
        let server = MetricsServer(
            address: MetricsAddress(port: 0),
            source: process,
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        let port = try await server.start()
        do { try await body(port, process) } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }

    private static func get(_ port: Int, _ path: String, method: String = "GET") async throws -> String {
        try await ask(port, "\(method) \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    }

    @Test func `serves metrics in Prometheus' format`() async throws {
        try await Self.with { port, _ in
            let answer = try await Self.get(port, "/metrics?name=up")
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(answer.contains("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"))
            #expect(answer.hasSuffix("\r\n\r\n# HELP up Up.\n# TYPE up gauge\nup 1\n"))
        }
    }

    @Test func `says whether the process is well`() async throws {
        try await Self.with { port, process in
            for path in ["/livez", "/readyz", "/startupz"] {
                let answer = try await Self.get(port, path)
                #expect(answer.hasPrefix("HTTP/1.1 200 "))
            }
            process.isUp.withLock { $0 = false }
            let alive = try await Self.get(port, "/livez")
            #expect(alive.hasPrefix("HTTP/1.1 200 "))
            for path in ["/readyz", "/startupz"] {
                let answer = try await Self.get(port, path)
                #expect(answer.hasPrefix("HTTP/1.1 503 "))
                #expect(answer.hasSuffix(#"{"status":"unavailable"}"#))
            }
        }
    }

    @Test(arguments: [
        ("GET", "/", 404), ("GET", "/metrics/", 404), ("POST", "/metrics", 405), ("DELETE", "/livez", 405),
        ("HEAD", "/metrics", 200),
    ])
    func `has nothing else`(method: String, path: String, status: Int) async throws {
        try await Self.with { port, _ in
            let answer = try await Self.get(port, path, method: method)
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
            if method == "HEAD" { #expect(answer.hasSuffix("\r\n\r\n")) }
        }
    }

    @Test func `several requests share a connection`() async throws {
        try await Self.with { port, _ in
            let first = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
            let last = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            let answer = try await Self.ask(port, first + last)
            #expect(answer.components(of: "HTTP/1.1 200 OK") == 2)
        }
    }

    @Test(arguments: ["\u{0}\u{1}\r\n\r\n", "GET /metrics\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\r\n\r\n\r\nX"])
    func `refuses what is no HTTP and goes on`(request: String) async throws {
        try await Self.with { port, _ in
            let answer = try? await Self.ask(port, request + "\r\n\r\n")
            #expect(!(answer ?? "").contains(" 200 "))
            let alive = try await Self.get(port, "/livez")
            #expect(alive.hasPrefix("HTTP/1.1 200 "))
        }
    }

    /// A connection that stays.
    private static func connect(_ port: Int) async throws -> any Channel {
        try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port).get()
    }

    @Test func `turns away those who are too many, and lets others in once some have gone`() async throws {
        try await Self.with { port, _ in
            var staying: [any Channel] = []
            // The last one to be let in has an answer, so all before it are known to the server too.
            for _ in 1..<MetricsServer.mostClients { staying.append(try await Self.connect(port)) }
            let last = try await Self.get(port, "/livez")
            #expect(last.hasPrefix("HTTP/1.1 200 "))
            staying.append(try await Self.connect(port))
            let refused = (try? await Self.get(port, "/livez")) ?? ""
            #expect(refused.isEmpty)
            for channel in staying {
                #expect(channel.isActive)
                try await channel.close()
            }
            // The server learns of their ends on its own time.
            let deadline = ContinuousClock.now + .seconds(30)
            var answer = ""
            while answer.isEmpty, ContinuousClock.now < deadline {
                answer = (try? await Self.get(port, "/livez")) ?? ""
            }
            #expect(answer.hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test func `an address in use is an error`() async throws {
        try await Self.with { port, process in
            let other = MetricsServer(
                address: MetricsAddress(port: port),
                source: process,
                eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            )
            await #expect(throws: IOError.self) { _ = try await other.start() }
        }
    }
}

extension String {
    /// How often a text stands in this one.
    fileprivate func components(of text: String) -> Int { ranges(of: text).count }
}
