import Exposition
import NIOCore
import NIOHTTP1

/// Answers the requests of one connection, one after the other.
final class MetricsHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// What is sent back.
    private struct Answer: Sendable {
        var status: HTTPResponseStatus
        var type = "application/json"
        var body: String
        var headers: [(String, String)] = []
    }

    private let source: any MetricsSource
    private var request: HTTPRequestHead?

    init(source: any MetricsSource) { self.source = source }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): request = head
        case .body: break  // no request here has one that matters
        case .end:
            guard let head = request else { return }
            request = nil
            let source = source
            let answer = context.eventLoop.makeFutureWithTask { await Self.answer(head, source) }
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            answer.whenSuccess { answer in
                let (handler, context) = bound.value
                handler.write(answer, to: head, context)
            }
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent {
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private static func answer(_ head: HTTPRequestHead, _ source: any MetricsSource) async -> Answer {
        let path = head.uri.prefix { $0 != "?" }
        guard ["/metrics", "/livez", "/readyz", "/startupz"].contains(path) else {
            return Answer(
                status: .notFound,
                body: #"{"success":false,"error":"There is /metrics.","code":"not_found"}"#
            )
        }
        guard head.method == .GET || head.method == .HEAD else {
            return Answer(
                status: .methodNotAllowed,
                body: #"{"success":false,"error":"There is GET.","code":"method_not_allowed"}"#,
                headers: [("Allow", "GET, HEAD")]
            )
        }
        switch path {
        case "/metrics":
            return Answer(status: .ok, type: MetricsText.contentType, body: await source.metrics().text)
        case "/readyz": return health(await source.isReady())
        case "/startupz": return health(await source.hasStarted())
        default: return health(true)
        }
    }

    private static func health(_ isWell: Bool) -> Answer {
        isWell
            ? Answer(status: .ok, body: #"{"status":"ok"}"#)
            : Answer(status: .serviceUnavailable, body: #"{"status":"unavailable"}"#)
    }

    private func write(_ answer: Answer, to request: HTTPRequestHead, _ context: ChannelHandlerContext) {
        var headers = HTTPHeaders(answer.headers)
        headers.add(name: "Content-Type", value: answer.type)
        headers.add(name: "Content-Length", value: "\(answer.body.utf8.count)")
        headers.add(name: "Cache-Control", value: "no-store")
        if !request.isKeepAlive { headers.add(name: "Connection", value: "close") }
        let head = HTTPResponseHead(version: request.version, status: answer.status, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if request.method != .HEAD {
            let body = context.channel.allocator.buffer(string: answer.body)
            context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        }
        let isLast = !request.isKeepAlive
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in
            if isLast { bound.value.close(promise: nil) }
        }
    }
}
