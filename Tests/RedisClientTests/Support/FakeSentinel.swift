import NIOCore
import NIOPosix
import Synchronization

/// A sentinel that says what a test wants it to say, on a free loopback port.
final class FakeSentinel: Sendable {
    /// What it says of any master.
    enum Answer: Sendable {
        /// Its port on the loopback address.
        case master(Int)
        /// It knows no such name.
        case unknown
        /// These bytes.
        case bytes(String)
        /// Nothing at all, not even to the greeting.
        case silence
    }

    /// What connections share.
    struct State: Sendable {
        var answer: Answer
        var password: String?
        var others = 2
        var names: [String] = []
    }

    private let state: Shared
    private let listener: any Channel

    final class Shared: Sendable {
        let mutex: Mutex<State>
        init(_ state: State) { mutex = Mutex(state) }
    }

    private init(state: Shared, listener: any Channel) {
        self.state = state
        self.listener = listener
    }

    static func start(_ answer: Answer, password: String? = nil, others: Int = 2) async throws -> FakeSentinel {
        let state = Shared(State(answer: answer, password: password, others: others))
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(SentinelConversation(state))
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
        return FakeSentinel(state: state, listener: listener)
    }

    var port: Int { listener.localAddress?.port ?? 0 }

    /// What it says from now on.
    func say(_ answer: Answer) { state.mutex.withLock { $0.answer = answer } }

    /// The names of masters it was asked for, in order.
    var askedFor: [String] { state.mutex.withLock { $0.names } }

    func stop() async { try? await listener.close() }
}

/// Reads requests and answers them as a sentinel does.
private final class SentinelConversation: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let state: FakeSentinel.Shared
    private var received = ""
    private var isKnown = false

    init(_ state: FakeSentinel.Shared) { self.state = state }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received += String(buffer: unwrapInboundIn(data))
        var answer = ""
        while let words = nextRequest() { answer += reply(to: words) }
        if !answer.isEmpty { context.channel.writeAndFlush(ByteBuffer(string: answer), promise: nil) }
    }

    /// Takes one request off what has come; its parts hold no line breaks here.
    private func nextRequest() -> [String]? {
        let lines = received.split(separator: "\r\n", omittingEmptySubsequences: false)
        guard let head = lines.first, let count = Int(head.dropFirst()), lines.count > 2 * count + 1 else { return nil }
        received = lines.dropFirst(2 * count + 1).joined(separator: "\r\n")
        return (0..<count).map { String(lines[2 * $0 + 2]) }
    }

    private func reply(to words: [String]) -> String {
        state.mutex.withLock { state in
            if case .silence = state.answer { return "" }
            if words[0] == "AUTH" {
                isKnown = words.last == state.password
                return isKnown ? "+OK\r\n" : "-WRONGPASS invalid username-password pair or user is disabled.\r\n"
            }
            guard isKnown || state.password == nil else { return "-NOAUTH Authentication required.\r\n" }
            switch (words[0], words.dropFirst().first) {
            case ("CLIENT", _): return ":7\r\n"
            case ("PING", _): return "+PONG\r\n"
            case ("SENTINEL", "MASTER"):
                let count = String(state.others)
                return "*2\r\n$19\r\nnum-other-sentinels\r\n$\(count.utf8.count)\r\n\(count)\r\n"
            case ("SENTINEL", "GET-MASTER-ADDR-BY-NAME"):
                state.names.append(words[2])
                switch state.answer {
                case .master(let port):
                    return "*2\r\n$9\r\n127.0.0.1\r\n$\(String(port).utf8.count)\r\n\(port)\r\n"
                case .bytes(let bytes): return bytes
                case .unknown, .silence: return "*-1\r\n"
                }
            default: return "-ERR unknown command\r\n"
            }
        }
    }
}
