import CeleryMessage
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// A mail server on loopback that does what a test tells it to and remembers what it was told.
final class FakeSMTPServer: Sendable {
    /// How the server behaves.
    struct Behaviour: Sendable {
        var offersStartTLS = true
        var implicitTLS = false
        var authentication = ["PLAIN", "LOGIN"]
        var user = "kullanıcı@örnek"
        var password = "şifre-ğüİı"
        var greeting = "220 fake ESMTP"
        var pipelining = false
        var size: Int?
        /// Answers to `RCPT TO` by address, one for each time it is asked, the last one for good; others are welcome.
        var recipients: [String: [String]] = [:]
        var senderAnswer = "250 fine"
        var messageAnswer = "250 queued as 1"
        /// After so many messages on a connection the next one is answered with 421.
        var messagesPerConnection = Int.max
        /// Sent in clear right behind the answer to STARTTLS.
        var injected = ""
        /// Ends the connection when the client begins the handshake.
        var hangsUpOnHandshake = false
        /// Never answers a message.
        var swallowsMessages = false
        /// The certificate to show in place of the usual one.
        var certificate: TestCertificates.Pair?
    }

    struct Message: Sendable {
        var sender: String
        var recipients: [String]
        var content: String
        var isEncrypted: Bool
        var user: String?
    }

    let ledger: Ledger
    private let listener: any Channel

    var port: Int { listener.localAddress?.port ?? 0 }
    var messages: [Message] { ledger.record.messages }
    var commands: [String] { ledger.record.commands }
    var connections: Int { ledger.record.connections }

    static func start(_ change: (inout Behaviour) -> Void = { _ in }) async throws -> FakeSMTPServer {
        var behaviour = Behaviour()
        change(&behaviour)
        let certificates = try TestCertificates.shared.get()
        let pair = behaviour.certificate ?? certificates.server
        let tls = try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: try NIOSSLCertificate.fromPEMFile(pair.certificate).map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(file: pair.key, format: .pem))
            )
        )
        let ledger = Ledger()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { [behaviour] channel in
                channel.eventLoop.makeCompletedFuture {
                    if behaviour.implicitTLS, !behaviour.hangsUpOnHandshake {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls))
                    }
                    try channel.pipeline.syncOperations.addHandler(
                        FakeSMTPSession(behaviour, tls: tls, ledger: ledger)
                    )
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return FakeSMTPServer(ledger: ledger, listener: listener)
    }

    private init(ledger: Ledger, listener: any Channel) {
        self.ledger = ledger
        self.listener = listener
    }

    func stop() async {
        try? await listener.close()
        for child in ledger.record.children.values { try? await child.close() }
    }

    /// Ends every open connection, as a server does that restarts.
    func dropConnections() async {
        for child in ledger.record.children.values { try? await child.close() }
        await ledger.wait { $0.children.isEmpty }
    }
}

/// What a fake server saw, and who waits to be told.
final class Ledger: Sendable {
    struct Record: Sendable {
        var connections = 0
        var commands: [String] = []
        var messages: [FakeSMTPServer.Message] = []
        var children: [ObjectIdentifier: any Channel] = [:]
        var asked: [String: Int] = [:]
    }

    private struct State {
        var record = Record()
        var waiters: [(condition: @Sendable (Record) -> Bool, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    var record: Record { state.withLock(\.record) }

    func change<Value: Sendable>(_ body: (inout Record) -> Value) -> Value {
        let (value, ready) = state.withLock { state in
            let value = body(&state.record)
            let record = state.record
            let ready = state.waiters.filter { $0.condition(record) }.map(\.continuation)
            state.waiters.removeAll { $0.condition(record) }
            return (value, ready)
        }
        for continuation in ready { continuation.resume() }
        return value
    }

    /// Returns once the record fulfils `condition`.
    func wait(until condition: @escaping @Sendable (Record) -> Bool) async {
        await withCheckedContinuation { continuation in
            let fulfilled = state.withLock { state in
                if condition(state.record) { return true }
                state.waiters.append((condition, continuation))
                return false
            }
            if fulfilled { continuation.resume() }
        }
    }
}

/// One connection to the fake server.
private final class FakeSMTPSession: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Mode {
        case commands
        case handshake
        case userName
        case password
        case content
    }

    private let behaviour: FakeSMTPServer.Behaviour
    private let tls: NIOSSLContext
    private let ledger: Ledger
    private var mode = Mode.commands
    private var received: [UInt8] = []
    private var isEncrypted: Bool
    private var login = ""
    private var user: String?
    private var sender = ""
    private var recipients: [String] = []
    private var begun = 0

    init(_ behaviour: FakeSMTPServer.Behaviour, tls: NIOSSLContext, ledger: Ledger) {
        self.behaviour = behaviour
        self.tls = tls
        self.ledger = ledger
        isEncrypted = behaviour.implicitTLS
    }

    func channelActive(context: ChannelHandlerContext) {
        let channel = context.channel
        ledger.change {
            $0.connections += 1
            $0.children[ObjectIdentifier(channel)] = channel
        }
        if behaviour.implicitTLS, behaviour.hangsUpOnHandshake {
            mode = .handshake
        } else if !behaviour.greeting.isEmpty {
            say(behaviour.greeting, context)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        let id = ObjectIdentifier(context.channel)
        ledger.change { _ = $0.children.removeValue(forKey: id) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if mode == .handshake { return context.close(promise: nil) }
        received += Array(unwrapInboundIn(data).readableBytesView)
        while takeNext(context) {}
    }

    private func takeNext(_ context: ChannelHandlerContext) -> Bool {
        if mode == .content {
            let end: [UInt8] = Array("\r\n.\r\n".utf8)
            guard let range = received.firstRange(of: end) else { return false }
            let content = Array(received[..<range.lowerBound]) + [13, 10]
            received.removeSubrange(..<range.upperBound)
            mode = .commands
            finish(content, context)
            return true
        }
        guard let end = received.firstRange(of: [13, 10]) else { return false }
        let line = String(decoding: received[..<end.lowerBound], as: UTF8.self)
        received.removeSubrange(..<end.upperBound)
        answer(line, context)
        return true
    }

    private func answer(_ line: String, _ context: ChannelHandlerContext) {
        switch mode {
        case .userName:
            login = decoded(line)
            mode = .password
            say("334 UGFzc3dvcmQ6", context)
        case .password:
            mode = .commands
            checkLogin(login, decoded(line), context)
        case .commands, .content, .handshake:
            ledger.change { $0.commands.append(line) }
            command(line, context)
        }
    }

    private func command(_ line: String, _ context: ChannelHandlerContext) {
        let upper = line.uppercased()
        if upper.hasPrefix("EHLO") {
            hello(context)
        } else if upper == "STARTTLS", behaviour.offersStartTLS {
            startTLS(context)
        } else if upper.hasPrefix("AUTH PLAIN ") {
            let parts = decoded(String(line.dropFirst(11))).split(separator: "\u{0}", omittingEmptySubsequences: false)
            checkLogin(parts.count == 3 ? String(parts[1]) : "", parts.count == 3 ? String(parts[2]) : "", context)
        } else if upper == "AUTH LOGIN" {
            mode = .userName
            say("334 VXNlcm5hbWU6", context)
        } else if upper.hasPrefix("MAIL FROM:") {
            begin(line, context)
        } else if upper.hasPrefix("RCPT TO:") {
            recipient(address(line), context)
        } else if upper == "DATA" {
            if recipients.isEmpty { return say("503 no recipients", context) }
            mode = .content
            say("354 go ahead", context)
        } else if upper == "RSET" {
            recipients = []
            say("250 forgotten", context)
        } else if upper == "NOOP" {
            say("250 here", context)
        } else if upper == "QUIT" {
            say("221 bye", context)
            context.close(promise: nil)
        } else {
            say("502 what?", context)
        }
    }

    private func hello(_ context: ChannelHandlerContext) {
        var lines = ["fake greets you"]
        if behaviour.offersStartTLS, !isEncrypted { lines.append("STARTTLS") }
        if !behaviour.authentication.isEmpty { lines.append("AUTH " + behaviour.authentication.joined(separator: " ")) }
        if behaviour.pipelining { lines.append("PIPELINING") }
        if let size = behaviour.size { lines.append("SIZE \(size)") }
        lines.append("8BITMIME")
        let text = lines.enumerated().map { $0.offset == lines.count - 1 ? "250 \($0.element)" : "250-\($0.element)" }
        say(text.joined(separator: "\r\n"), context)
    }

    private func startTLS(_ context: ChannelHandlerContext) {
        say("220 go" + (behaviour.injected.isEmpty ? "" : "\r\n" + behaviour.injected), context)
        isEncrypted = true
        if behaviour.hangsUpOnHandshake {
            mode = .handshake
            return
        }
        do {
            try context.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls), position: .first)
        } catch {
            context.close(promise: nil)
        }
    }

    private func checkLogin(_ user: String, _ password: String, _ context: ChannelHandlerContext) {
        guard user == behaviour.user, password == behaviour.password else { return say("535 5.7.8 no", context) }
        self.user = user
        say("235 welcome", context)
    }

    private func begin(_ line: String, _ context: ChannelHandlerContext) {
        begun += 1
        if begun > behaviour.messagesPerConnection {
            say("421 too many messages", context)
            context.close(promise: nil)
            return
        }
        sender = address(line)
        recipients = []
        say(behaviour.senderAnswer, context)
    }

    private func recipient(_ address: String, _ context: ChannelHandlerContext) {
        let time = ledger.change { record in
            record.asked[address, default: 0] += 1
            return record.asked[address] ?? 1
        }
        let answers = behaviour.recipients[address] ?? ["250 fine"]
        let answer = answers[min(time, answers.count) - 1]
        if answer.hasPrefix("250") { recipients.append(address) }
        say(answer, context)
    }

    private func finish(_ content: [UInt8], _ context: ChannelHandlerContext) {
        let message = FakeSMTPServer.Message(
            sender: sender,
            recipients: recipients,
            content: unstuffed(content),
            isEncrypted: isEncrypted,
            user: user
        )
        ledger.change { $0.messages.append(message) }
        if !behaviour.swallowsMessages { say(behaviour.messageAnswer, context) }
    }

    private func unstuffed(_ content: [UInt8]) -> String {
        let lines = String(decoding: content, as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: false)
        return lines.map { $0.hasPrefix(".") ? String($0.dropFirst()) : String($0) }.joined(separator: "\r\n")
    }

    private func address(_ line: String) -> String {
        String(line.drop { $0 != "<" }.dropFirst().prefix { $0 != ">" })
    }

    private func decoded(_ text: String) -> String {
        String(decoding: Base64.decode(Array(text.utf8)) ?? [], as: UTF8.self)
    }

    private func say(_ text: String, _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text + "\r\n")), promise: nil)
    }
}
