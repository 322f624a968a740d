import NIOCore
import NIOPosix
import OutgoingHTTP
import Testing

@Suite(.timeLimit(.minutes(1))) struct `Sending to configured servers` {
    @Test func `reads the whole answer, whatever its status`() async throws {
        let head = "HTTP/1.1 503 Later\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\n"
        try await answering([head, "bu", "sy"]) { url in
            let answer = try await post(url)
            #expect(answer.status == 503 && answer.retryAfter == 7)
            #expect(answer.body == Array("busy".utf8))
        }
    }

    @Test(arguments: ["", "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"])
    func `waits so long for the whole answer, and no longer`(head: String) async throws {
        // A byte each 20 ms: no single wait is long.
        try await answering([head] + Array(repeating: head.isEmpty ? "" : ".", count: 10_000)) { url in
            let error = await #expect(throws: OutgoingError.self) { try await post(url, timeout: .milliseconds(300)) }
            #expect(error?.code == .answerLost)
        }
    }

    @Test func `ends at once when nobody wants the answer any more`() async throws {
        try await answering(["HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"]) { url in
            let waiting = Task { try await post(url, timeout: .seconds(600)) }
            try await Task.sleep(for: .milliseconds(100))
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await waiting.value }
        }
    }

    @Test func `refuses answers that are too long`() async throws {
        let body = String(repeating: "x", count: 2000)
        try await answering(["HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n", body]) { url in
            let error = await #expect(throws: OutgoingError.self) { try await post(url, answerLimit: 1000) }
            #expect(error?.code == .answerLost)
        }
    }

    @Test func `knows what cannot have arrived`() async throws {
        var address = ""
        try await answering([]) { address = $0 }
        let refused = await #expect(throws: OutgoingError.self) {
            try await post(address, timeout: .milliseconds(500))
        }
        #expect(refused?.code == .unreachable)
        let client = OutgoingClient(timeout: .seconds(10), answerLimit: 1000)
        await client.shutdown()
        let stopped = await #expect(throws: OutgoingError.self) {
            try await client.post(address, headers: [], body: [])
        }
        #expect(stopped?.code == .stopped)
    }

    private func post(
        _ url: String,
        timeout: Duration = .seconds(30),
        answerLimit: Int = 1 << 20
    ) async throws -> OutgoingClient.Answer {
        let client = OutgoingClient(timeout: timeout, answerLimit: answerLimit)
        do {
            let answer = try await client.post(url, headers: [("X-Test", "1")], body: Array("{}".utf8))
            await client.shutdown()
            return answer
        } catch {
            await client.shutdown()
            throw error
        }
    }

    /// Runs `body` with the address of a server that writes these parts one after the other, whatever it is asked.
    private func answering(_ parts: [String], _ body: (String) async throws -> Void) async throws {
        let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(SlowWriter(parts))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = server.localAddress?.port ?? 0
        do {
            try await body("http://127.0.0.1:\(port)/hook")
        } catch {
            try await server.close()
            throw error
        }
        try await server.close()
    }
}

/// Writes parts from the first byte it reads on, one each 20 ms, until there are no more or nobody reads them.
private final class SlowWriter: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var parts: ArraySlice<String>
    private var hasBegun = false

    init(_ parts: [String]) { self.parts = parts[...] }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !hasBegun else { return }
        hasBegun = true
        write(context)
    }

    private func write(_ context: ChannelHandlerContext) {
        guard context.channel.isActive, let part = parts.popFirst() else { return }
        context.writeAndFlush(wrapOutboundOut(context.channel.allocator.buffer(string: part)), promise: nil)
        context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(20)) { self.write(context) }
    }
}
