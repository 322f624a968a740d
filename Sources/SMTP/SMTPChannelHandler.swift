import NIOCore
import NIOSSL
import NIOTLS

/// Bytes for the server and the promise of its answers.
struct SMTPCommand: Sendable {
    /// What is sent; empty to wait for the greeting.
    var bytes: ByteBuffer
    /// How many answers complete it: more than one when commands are pipelined.
    var replies = 1
    /// How long the answers may take.
    var timeout: TimeAmount
    /// Set on STARTTLS: what to protect the connection with once the server agrees.
    ///
    /// The answers are complete when the handshake is.
    var upgrade: TLSUpgrade?
    var promise: EventLoopPromise<[SMTPReply]>
}

/// The client's side of TLS to one server.
struct TLSUpgrade: Sendable {
    var context: NIOSSLContext
    /// The name to verify and to ask for; `nil` when the server is known by its address.
    var serverName: String?

    func handler() throws -> NIOSSLClientHandler {
        try NIOSSLClientHandler(context: context, serverHostname: serverName)
    }
}

/// Pairs commands with the server's answers, in order; lives on its channel's event loop.
///
/// Every way a connection can end fails all open promises, and nothing is sent after the first failure.
final class SMTPChannelHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = SMTPCommand
    typealias OutboundOut = ByteBuffer

    private struct Waiter {
        let command: SMTPCommand
        let deadline: Scheduled<Void>
        var replies: [SMTPReply] = []
    }

    private var parser = SMTPReplyParser()
    private var waiters: [Waiter] = []
    private var isReading = false
    /// Whether TLS is being set up: until then no end of the connection is an ordinary one.
    private var isHandshaking: Bool
    private var failure: SMTPError?
    private let ending: SMTPEnding

    /// - Parameters:
    ///   - usesTLS: whether a TLS handler stands below from the first byte on.
    ///   - ending: is told why the connection ended.
    init(usesTLS: Bool, ending: SMTPEnding) {
        isHandshaking = usesTLS
        self.ending = ending
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let command = unwrapOutboundIn(data)
        if let failure {
            command.promise.fail(failure)
            promise?.fail(failure)
            return
        }
        let loopBound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let deadline = context.eventLoop.scheduleTask(in: command.timeout) {
            let (handler, context) = loopBound.value
            handler.fail(SMTPError(.timedOut, "the mail server did not answer in time"), context)
        }
        waiters.append(Waiter(command: command, deadline: deadline))
        // Bytes that cannot leave end the connection, and its end tells why; their own failure would not.
        promise?.succeed()
        if command.bytes.readableBytes > 0 { context.write(wrapOutboundOut(command.bytes), promise: nil) }
        guard !isReading else { return }
        isReading = true
        context.channel.setOption(.autoRead, value: true).whenFailure { error in
            let (handler, context) = loopBound.value
            handler.errorCaught(context: context, error: error)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard failure == nil else { return }
        var bytes = unwrapInboundIn(data)
        parser.append(&bytes)
        do {
            while failure == nil, let reply = try parser.next() { receive(reply, context) }
        } catch {
            fail(error, context)
        }
    }

    private func receive(_ reply: SMTPReply, _ context: ChannelHandlerContext) {
        if reply.code == 421 {
            return fail(SMTPError(.serviceClosing, "the mail server closes the connection", reply: reply), context)
        }
        guard !waiters.isEmpty else {
            return fail(SMTPError(.protocolViolation, "the server answered without being asked"), context)
        }
        waiters[0].replies.append(reply)
        guard waiters[0].replies.count == waiters[0].command.replies else { return }
        if let upgrade = waiters[0].command.upgrade, reply.code == 220 { return startTLS(upgrade, context) }
        answerFirst()
    }

    private func answerFirst() {
        let waiter = waiters.removeFirst()
        waiter.deadline.cancel()
        waiter.command.promise.succeed(waiter.replies)
    }

    /// Puts TLS below this handler in the same turn of the loop in which the answer was read: whatever arrives later
    /// goes through TLS, and whatever arrived already was sent in clear by somebody who is not to be believed.
    private func startTLS(_ upgrade: TLSUpgrade, _ context: ChannelHandlerContext) {
        guard !parser.hasLeftover, waiters.count == 1 else {
            return fail(SMTPError(.injectedBytes, "bytes in clear followed the answer to STARTTLS"), context)
        }
        isHandshaking = true
        do {
            try context.pipeline.syncOperations.addHandler(upgrade.handler(), position: .first)
        } catch {
            fail(SMTPError(.tlsFailed, "TLS cannot be set up: \(error)"), context)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event, isHandshaking {
            isHandshaking = false
            if let first = waiters.first, first.replies.count == first.command.replies { answerFirst() }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(ended("the mail server ended the connection"), context)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        // Many servers end TLS without saying so; the end of the connection itself is noticed above.
        case NIOSSLError.uncleanShutdown: break
        case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError:
            fail(SMTPError(.tlsFailed, "the TLS connection to the mail server failed: \(error)"), context)
        default: fail(ended("the connection to the mail server broke: \(error)"), context)
        }
    }

    /// A server that hangs up on a handshake refuses it, as one does that says so: nothing was said before it.
    private func ended(_ how: String) -> SMTPError {
        isHandshaking ? SMTPError(.tlsFailed, how + " during the TLS handshake") : SMTPError(.disconnected, how)
    }

    private func fail(_ error: SMTPError, _ context: ChannelHandlerContext) {
        guard failure == nil else { return }
        failure = error
        ending.note(error, of: context.channel)
        let open = waiters
        waiters = []
        for waiter in open {
            waiter.deadline.cancel()
            waiter.command.promise.fail(error)
        }
        context.close(promise: nil)
    }
}
