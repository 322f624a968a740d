import CeleryMessage
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// An SMS gateway on loopback: answers as a test says and remembers every request.
final class FakeGateway: Sendable {
    struct Request: Sendable {
        var uri = ""
        var headers = HTTPHeaders()
        var body = ""

        var json: JSONValue { (try? JSONReader.value(body)) ?? .null }
    }

    enum Answer: Sendable {
        case reply(Int, String)
        /// Closes the connection in place of an answer.
        case hangUp
        /// Never answers.
        case silence
        case redirect(String)
    }

    private let book: Book
    private let channel: any Channel

    var requests: [Request] { book.state.withLock(\.requests) }
    /// How many requests were open at the same time.
    var mostAtOnce: Int { book.state.withLock(\.most) }
    var url: String { "http://127.0.0.1:\(channel.localAddress?.port ?? 0)" }

    init(_ answers: @escaping @Sendable (Request) -> Answer) async throws {
        let book = Book(answers)
        self.book = book
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Session(book))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    func stop() async { try? await channel.close() }

    /// Returns once so many requests have come.
    func wait(forRequests count: Int) async { await book.wait(forRequests: count) }
}

/// What a fake gateway saw, and who waits to be told.
private final class Book: Sendable {
    struct State {
        var requests: [FakeGateway.Request] = []
        var open = 0
        var most = 0
        var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    let state = Mutex(State())
    private let answers: @Sendable (FakeGateway.Request) -> FakeGateway.Answer

    init(_ answers: @escaping @Sendable (FakeGateway.Request) -> FakeGateway.Answer) { self.answers = answers }

    func wait(forRequests count: Int) async {
        await withCheckedContinuation { continuation in
            let enough = state.withLock { state in
                if state.requests.count >= count { return true }
                state.waiters.append((count, continuation))
                return false
            }
            if enough { continuation.resume() }
        }
    }

    func answer(_ request: FakeGateway.Request) -> FakeGateway.Answer {
        let ready = state.withLock { state in
            state.requests.append(request)
            state.open += 1
            state.most = max(state.most, state.open)
            let count = state.requests.count
            let ready = state.waiters.filter { $0.count <= count }.map(\.continuation)
            state.waiters.removeAll { $0.count <= count }
            return ready
        }
        for continuation in ready { continuation.resume() }
        return answers(request)
    }

    func done() { state.withLock { $0.open -= 1 } }
}

/// One connection to the fake gateway.
private final class Session: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let book: Book
    private var request = FakeGateway.Request()

    init(_ book: Book) { self.book = book }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): request = FakeGateway.Request(uri: "\(head.method) \(head.uri)", headers: head.headers)
        case .body(let part): request.body += String(decoding: part.readableBytesView, as: UTF8.self)
        case .end:
            switch book.answer(request) {
            case .reply(let status, let body): reply(status, body, [:], context)
            case .redirect(let target): reply(302, "", ["Location": target], context)
            case .hangUp: context.close(promise: nil)
            case .silence: break
            }
        }
    }

    private func reply(_ status: Int, _ body: String, _ more: [String: String], _ context: ChannelHandlerContext) {
        // A moment later, so that requests made at the same time are open at the same time.
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: .milliseconds(5)) {
            let (session, context) = bound.value
            session.book.done()
            var headers: HTTPHeaders = ["Content-Type": "application/json", "Content-Length": "\(body.utf8.count)"]
            for (name, value) in more { headers.add(name: name, value: value) }
            let head = HTTPResponseHead(
                version: .http1_1,
                status: HTTPResponseStatus(statusCode: status),
                headers: headers
            )
            context.write(session.wrapOutboundOut(.head(head)), promise: nil)
            context.write(session.wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: body)))), promise: nil)
            context.writeAndFlush(session.wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}
