import CeleryMessage
import NIOCore
import NIOPosix

/// One connection to a mail server, used by one message at a time.
///
/// Cancelling the task that waits for an answer closes the connection at once; the server then drops a message whose
/// final dot it has not seen.
struct SMTPConnection: Sendable {
    private let channel: any Channel
    private let ending: SMTPEnding
    private let timeout: TimeAmount
    private var capabilities: [String: String] = [:]
    /// How many messages went over it.
    private(set) var messages = 0

    /// Whether the connection can carry another message.
    var isActive: Bool { channel.isActive }
    /// The event loop that drives it.
    var eventLoop: any EventLoop { channel.eventLoop }
    /// Tells connections apart.
    var id: ObjectIdentifier { ObjectIdentifier(channel) }

    // MARK: Opening

    /// Connects, reads the greeting, protects the connection and logs in.
    static func open(
        _ configuration: SMTPConfiguration,
        tls: TLSUpgrade?,
        on group: any EventLoopGroup
    ) async throws -> SMTPConnection {
        let implicit = configuration.security == .tls ? tls : nil
        let ending = SMTPEnding()
        let channel = try await connect(configuration, tls: implicit, ending: ending, on: group)
        var connection = SMTPConnection(channel: channel, ending: ending, timeout: TimeAmount(configuration.timeout))
        do {
            try await connection.greet(configuration, tls: tls)
            return connection
        } catch {
            channel.close(promise: nil)
            throw error
        }
    }

    private init(channel: any Channel, ending: SMTPEnding, timeout: TimeAmount) {
        self.channel = channel
        self.ending = ending
        self.timeout = timeout
    }

    private static func connect(
        _ configuration: SMTPConfiguration,
        tls: TLSUpgrade?,
        ending: SMTPEnding,
        on group: any EventLoopGroup
    ) async throws -> any Channel {
        let timeout = TimeAmount(configuration.timeout)
        let bootstrap = ClientBootstrap(group: group)
            .connectTimeout(timeout)
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            // The handler begins to read when the greeting is waited for, so that no failure comes before that.
            .channelOption(.autoRead, value: false)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls { try channel.pipeline.syncOperations.addHandler(tls.handler()) }
                    let handler = SMTPChannelHandler(usesTLS: tls != nil, ending: ending)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
        let promise = group.next().makePromise(of: (any Channel).self)
        let connected = bootstrap.connect(host: configuration.host, port: configuration.port)
        connected.whenComplete(promise.completeWith)
        // Looking up a name cannot be cancelled; a connection that comes too late is closed when it comes.
        promise.futureResult.whenFailure { _ in connected.whenSuccess { $0.close(promise: nil) } }
        do {
            return try await withTaskCancellationHandler {
                try await promise.futureResult.get()
            } onCancel: {
                promise.fail(CancellationError())
            }
        } catch {
            if Task.isCancelled { throw CancellationError() }
            throw SMTPError(.connectFailed, "no connection to \(configuration.host):\(configuration.port): \(error)")
        }
    }

    private mutating func greet(_ configuration: SMTPConfiguration, tls: TLSUpgrade?) async throws {
        let greeting = try await command("")
        guard greeting.code == 220 else {
            throw SMTPError(.greetingRefused, "the mail server refused the connection", reply: greeting)
        }
        try await sayHello(configuration.clientName)
        if configuration.security == .startTLS {
            guard let tls, capabilities["STARTTLS"] != nil else {
                throw SMTPError(.tlsNotOffered, "the mail server does not offer STARTTLS, which is required")
            }
            try await startTLS(tls)
            // What was promised in clear counts for nothing: ask again.
            capabilities = [:]
            try await sayHello(configuration.clientName)
        }
        if let credentials = configuration.credentials { try await logIn(credentials) }
    }

    private mutating func sayHello(_ name: String) async throws {
        let extended = try await command("EHLO \(name)")
        guard extended.isPositive else {
            let plain = try await command("HELO \(name)")
            guard plain.isPositive else {
                throw SMTPError(.greetingRefused, "the mail server refused the greeting", reply: plain)
            }
            return
        }
        for line in extended.lines.dropFirst() {
            let words = line.split(separator: " ", maxSplits: 1)
            guard let keyword = words.first else { continue }
            capabilities[keyword.uppercased()] = words.count > 1 ? words[1].uppercased() : ""
        }
    }

    private func startTLS(_ tls: TLSUpgrade) async throws {
        let reply = try await exchange(ByteBuffer(string: "STARTTLS\r\n"), upgrade: tls)[0]
        guard reply.code == 220 else {
            throw SMTPError(.tlsNotOffered, "the mail server refused STARTTLS, which is required", reply: reply)
        }
    }

    /// PLAIN where offered, else LOGIN; both carry UTF-8, so any letters work that the server takes.
    private func logIn(_ credentials: SMTPCredentials) async throws {
        let methods = (capabilities["AUTH"] ?? "").split(separator: " ")
        let reply: SMTPReply
        if methods.contains("PLAIN") {
            reply = try await command(
                "AUTH PLAIN \(Self.base64("\u{0}\(credentials.user)\u{0}\(credentials.password)"))"
            )
        } else if methods.contains("LOGIN") {
            reply = try await logInStepwise(credentials)
        } else {
            throw SMTPError(.authenticationNotOffered, "the mail server offers neither AUTH PLAIN nor AUTH LOGIN")
        }
        guard reply.code == 235 else {
            throw SMTPError(.authenticationFailed, "the mail server refused the user name or password", reply: reply)
        }
    }

    private func logInStepwise(_ credentials: SMTPCredentials) async throws -> SMTPReply {
        var reply = try await command("AUTH LOGIN")
        for part in [credentials.user, credentials.password] where reply.code == 334 {
            reply = try await command(Self.base64(part))
        }
        return reply
    }

    private static func base64(_ text: String) -> String {
        String(decoding: Base64.encode(Array(text.utf8)), as: UTF8.self)
    }

    // MARK: Messages

    /// Hands one message over.
    ///
    /// After a refusal the connection needs a ``reset()`` before the next message.
    mutating func deliver(_ envelope: SMTPEnvelope, content: [UInt8]) async throws -> SMTPDelivery {
        try checkSize(content.count)
        messages += 1
        let outcomes = try await address(envelope, size: content.count)
        guard outcomes.contains(where: \.isAccepted) else {
            throw SMTPError(
                .recipientsRefused,
                "the mail server refused every recipient",
                reply: outcomes.first?.reply,
                recipients: outcomes
            )
        }
        let goAhead = try await command("DATA")
        guard goAhead.code == 354 else {
            throw SMTPError(.dataRefused, "the mail server refused to take the message", reply: goAhead)
        }
        let reply = try await transfer(content)
        guard reply.isPositive else {
            throw SMTPError(.dataRefused, "the mail server refused the message", reply: reply)
        }
        return SMTPDelivery(reply: reply, recipients: outcomes)
    }

    private func checkSize(_ size: Int) throws {
        guard let limit = capabilities["SIZE"].flatMap({ Int($0) }), limit > 0, size > limit else { return }
        throw SMTPError(.messageTooLarge, "the message has \(size) bytes, the mail server takes \(limit)")
    }

    /// Sender and recipients, in one go where the server takes commands that way.
    private func address(_ envelope: SMTPEnvelope, size: Int) async throws -> [RecipientOutcome] {
        let sizeParameter = capabilities["SIZE"] == nil ? "" : " SIZE=\(size)"
        let lines =
            ["MAIL FROM:<\(envelope.sender)>\(sizeParameter)"] + envelope.recipients.map { "RCPT TO:<\($0)>" }
        var replies: [SMTPReply] = []
        if capabilities["PIPELINING"] != nil {
            let text = lines.map { $0 + "\r\n" }.joined()
            replies = try await exchange(ByteBuffer(string: text), replies: lines.count)
        } else {
            for line in lines {
                replies.append(try await command(line))
                if replies.count == 1, !replies[0].isPositive { break }
            }
        }
        guard replies[0].isPositive else {
            throw SMTPError(.senderRefused, "the mail server refused the sender", reply: replies[0])
        }
        return zip(envelope.recipients, replies.dropFirst()).map { RecipientOutcome(address: $0, reply: $1) }
    }

    private func transfer(_ content: [UInt8]) async throws -> SMTPReply {
        // A slow line must not look like a dead server: 16 KiB a second are enough.
        let time = timeout + .seconds(Int64(content.count / 16_384))
        do {
            return try await exchange(Self.dotStuffed(content), timeout: time)[0]
        } catch var error as SMTPError {
            error.mayHaveBeenDelivered = true
            error.message += "; the message may have been delivered"
            throw error
        }
    }

    /// The content with a dot added to lines that begin with one, and the line with the final dot.
    static func dotStuffed(_ content: [UInt8]) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(content.count + 64)
        var start = 0
        if content.first == UInt8(ascii: ".") { buffer.writeInteger(UInt8(ascii: ".")) }
        for place in content.indices.dropLast() where content[place] == 10 && content[place + 1] == UInt8(ascii: ".") {
            buffer.writeBytes(content[start...place])
            buffer.writeInteger(UInt8(ascii: "."))
            start = place + 1
        }
        buffer.writeBytes(content[start...])
        buffer.writeString(content.suffix(2) == [13, 10] ? ".\r\n" : "\r\n.\r\n")
        return buffer
    }

    /// Forgets a message that was begun; throws when the connection is of no more use.
    func reset() async throws {
        let reply = try await command("RSET")
        guard reply.isPositive else { throw SMTPError(.disconnected, "the mail server refused RSET", reply: reply) }
    }

    /// Asks whether the server is still there, for a connection that was idle.
    func isAlive() async throws -> Bool {
        do {
            return try await exchange(ByteBuffer(string: "NOOP\r\n"), timeout: min(timeout, .seconds(5)))[0].isPositive
        } catch is SMTPError {
            // A connection lost while idle is nobody's failure: the caller opens another.
            return false
        }
    }

    /// Says goodbye without waiting long, and closes.
    func quit() {
        guard channel.isActive else { return }
        let promise = channel.eventLoop.makePromise(of: [SMTPReply].self)
        send(SMTPCommand(bytes: ByteBuffer(string: "QUIT\r\n"), timeout: .seconds(1), promise: promise))
        promise.futureResult.whenComplete { [channel] _ in channel.close(promise: nil) }
    }

    /// Closes at once.
    func close() { channel.close(promise: nil) }

    /// Completes once the connection is closed.
    var closed: EventLoopFuture<Void> { channel.closeFuture }

    // MARK: Commands

    private func command(_ line: String) async throws -> SMTPReply {
        try await exchange(line.isEmpty ? ByteBuffer() : ByteBuffer(string: line + "\r\n"))[0]
    }

    private func exchange(
        _ bytes: ByteBuffer,
        replies: Int = 1,
        timeout: TimeAmount? = nil,
        upgrade: TLSUpgrade? = nil
    ) async throws -> [SMTPReply] {
        let promise = channel.eventLoop.makePromise(of: [SMTPReply].self)
        send(
            SMTPCommand(
                bytes: bytes,
                replies: replies,
                timeout: timeout ?? self.timeout,
                upgrade: upgrade,
                promise: promise
            )
        )
        do {
            return try await withTaskCancellationHandler {
                try await promise.futureResult.get()
            } onCancel: { [channel] in
                promise.fail(CancellationError())
                channel.close(promise: nil)
            }
        } catch {
            if Task.isCancelled { throw CancellationError() }
            throw error
        }
    }

    private func send(_ command: SMTPCommand) {
        channel.writeAndFlush(command).whenFailure { [channel, ending] _ in
            // The connection was gone before; a command that its handler took is failed by the handler.
            let reason = ending.reason(of: channel)
            command.promise.fail(reason ?? SMTPError(.disconnected, "the mail server ended the connection"))
        }
    }
}
