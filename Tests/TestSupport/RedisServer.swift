import Foundation

/// A private `redis-server` in a temporary folder, on a free loopback port and on a unix socket, for one test.
///
/// It ends with ``stop()``, and also when the test's process dies: a shell between the two waits for the end of its input.
///
/// ```swift
/// try await withRedisServer { server in … "redis://127.0.0.1:\(server.port)/0" … }
/// ```
public final class RedisServer: Sendable {
    /// How the server listens on its port.
    public enum Listener: Sendable {
        /// Plain TCP.
        case tcp
        /// TLS with these PEM files; clients must show a certificate of that authority when `authenticatesClients`.
        case tls(authority: String, certificate: String, key: String, authenticatesClients: Bool)
    }

    /// Why a server could not be started.
    public struct Failure: Error, CustomStringConvertible {
        /// The reason, with the end of the server's log.
        public let description: String
    }

    /// The loopback port.
    public let port: Int
    /// The folder of the server's data.
    public let directory: String
    /// The path of the unix socket.
    public var socketPath: String { directory + "/redis.sock" }
    /// The URL of database 0, without TLS and password.
    public var url: String { "redis://127.0.0.1:\(port)/0" }

    private let arguments: [String]
    private let child: Guarded<ServerProcess>

    private init(port: Int, directory: String, arguments: [String], child: ServerProcess) {
        self.port = port
        self.directory = directory
        self.arguments = arguments
        self.child = Guarded(child)
    }

    /// Starts a server and waits until it says so.
    ///
    /// - Parameters:
    ///   - arguments: more options as on the command line: `["--requirepass", "secret"]`. They override the defaults,
    ///     which are no persistence and loopback only.
    ///   - prepare: fills the folder beforehand, with a dump to load for example.
    ///   - readyLine: the log line to wait for; another one for a server that is to be met while it loads.
    public static func start(
        _ listener: Listener = .tcp,
        arguments: [String] = [],
        readyLine: String = "Ready to accept connections",
        prepare: (String) throws -> Void = { _ in }
    ) async throws -> RedisServer {
        var failure = Failure(description: "not tried")
        for _ in 0..<5 {
            let directory = try temporaryDirectory()
            try prepare(directory)
            let port = try freePort()
            let all = options(listener, port: port, directory: directory) + arguments
            let child = try ServerProcess(arguments: all)
            do {
                try await child.waitForLine(readyLine)
                return RedisServer(port: port, directory: directory, arguments: all, child: child)
            } catch let error as Failure {
                await child.end(SIGKILL)
                try? FileManager.default.removeItem(atPath: directory)
                failure = error
                // Somebody else may have taken the port in the meantime; any other reason would only repeat.
                guard error.description.contains("Address already in use") else { throw error }
            }
        }
        throw failure
    }

    /// Ends the server as an operator would (SIGTERM) and removes its folder.
    public func stop() async {
        await end(SIGTERM)
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Ends the server at once, as a crash would; it can be restarted.
    public func kill() async { await end(SIGKILL) }

    /// Ends the server and keeps its folder; it can be restarted.
    public func terminate() async { await end(SIGTERM) }

    /// Starts the server again with the same port and folder; ends it before, if it still runs.
    public func restart(
        arguments more: [String] = [],
        readyLine: String = "Ready to accept connections"
    ) async throws {
        await terminate()
        let next = try ServerProcess(arguments: arguments + more)
        child.withLock { $0 = next }
        try await next.waitForLine(readyLine)
    }

    /// Freezes the server: connections stay open, nothing is answered.
    public func pause() { current.signal(SIGSTOP) }

    /// Ends the freeze.
    public func resume() { current.signal(SIGCONT) }

    /// Waits for a line of the server's log.
    public func waitForLog(_ text: String) async throws { try await current.waitForLine(text) }

    private var current: ServerProcess { child.withLock { $0 } }

    private func end(_ signal: Int32) async {
        let child = current
        child.signal(SIGCONT)
        await child.end(signal)
    }

    private static func options(_ listener: Listener, port: Int, directory: String) -> [String] {
        let common = [
            "--bind", "127.0.0.1", "--dir", directory, "--unixsocket", directory + "/redis.sock", "--save", "",
            "--appendonly", "no", "--daemonize", "no", "--logfile", "",
        ]
        switch listener {
        case .tcp: return common + ["--port", "\(port)"]
        case .tls(let authority, let certificate, let key, let authenticatesClients):
            return common + [
                "--port", "0", "--tls-port", "\(port)", "--tls-ca-cert-file", authority, "--tls-cert-file", certificate,
                "--tls-key-file", key, "--tls-auth-clients", authenticatesClients ? "yes" : "no",
            ]
        }
    }

    private static func temporaryDirectory() throws -> String {
        let path = NSTemporaryDirectory() + "/celeriac-redis-" + UUID().uuidString.prefix(8)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    /// A loopback port that nobody listens on at this moment.
    public static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, length) == 0 && getsockname(descriptor, generic, &length) == 0
            }
        }
        guard status else { throw Failure(description: "no free port: errno \(errno)") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}

/// Starts a private server, passes it to the body, and stops it, also when the body throws.
public func withRedisServer<Value>(
    _ listener: RedisServer.Listener = .tcp,
    arguments: [String] = [],
    _ body: (RedisServer) async throws -> Value
) async throws -> Value {
    let server = try await RedisServer.start(listener, arguments: arguments)
    do {
        let value = try await body(server)
        await server.stop()
        return value
    } catch {
        await server.stop()
        throw error
    }
}

/// A value behind a lock that the thread sanitizer understands; it does not see into `Mutex` on Linux.
private final class Guarded<Value>: @unchecked Sendable {
    // Only touched while the lock is held.
    private var value: Value
    private let lock = NSLock()

    init(_ value: Value) { self.value = value }

    func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
        lock.lock()
        defer { lock.unlock() }
        return body(&value)
    }
}

/// One run of `redis-server` and what it has logged.
private final class ServerProcess: Sendable {
    private struct State {
        var lines: [String] = []
        var serverID: pid_t?
        var hasEnded = false
        var lineWaiters: [(text: String, continuation: CheckedContinuation<Void, any Error>)] = []
        var endWaiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Guarded(State())

    // The shell closes what it inherited (a copy of another server's leash would keep that one alive), prints the
    // server's id, and kills the server when its own input ends.
    private static let guardian = """
        for path in /proc/$$/fd/*; do n=${path##*/}; [ "$n" -gt 2 ] && eval "exec $n>&-"; done
        redis-server "$@" 2>&1 </dev/null & server=$!; echo "pid $server"; exec >/dev/null 2>&1
        read line; kill -KILL $server; wait
        """

    init(arguments: [String]) throws {
        let (input, output) = (try Self.pipe(), try Self.pipe())
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input.read, 0)
        posix_spawn_file_actions_adddup2(&actions, output.write, 1)
        posix_spawn_file_actions_adddup2(&actions, output.write, 2)

        // Swift's own threads block nearly all signals, and a child would inherit that: SIGTERM would never arrive.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var words = (["/bin/bash", "-c", Self.guardian, "redis"] + arguments).map { strdup($0) }
        var variables = ProcessInfo.processInfo.environment.map { strdup("\($0.key)=\($0.value)") }
        defer { for text in words + variables { free(text) } }
        words.append(nil)
        variables.append(nil)
        var shell: pid_t = 0
        let status = posix_spawn(&shell, "/bin/bash", &actions, &attributes, words, variables)
        Foundation.close(input.read)
        Foundation.close(output.write)
        guard status == 0 else { throw RedisServer.Failure(description: "cannot start /bin/bash: error \(status)") }
        let shellID = shell
        Thread.detachNewThread { self.follow(output.read, shell: shellID, leash: input.write) }
    }

    /// Waits until the log contains the text; fails when the server ends before.
    func waitForLine(_ text: String) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            state.withLock { state in
                if state.lines.contains(where: { $0.contains(text) }) {
                    continuation.resume()
                } else if state.hasEnded {
                    continuation.resume(throwing: Self.ended(state))
                } else {
                    state.lineWaiters.append((text, continuation))
                }
            }
        }
    }

    /// Sends a signal to the server itself, unless it has ended.
    func signal(_ number: Int32) {
        state.withLock { state in
            if let id = state.serverID, !state.hasEnded { _ = Foundation.kill(id, number) }
        }
    }

    /// Sends a signal and waits for the end.
    func end(_ number: Int32) async {
        signal(number)
        await withCheckedContinuation { continuation in
            state.withLock { state in
                if state.hasEnded { continuation.resume() } else { state.endWaiters.append(continuation) }
            }
        }
    }

    private func follow(_ log: Int32, shell: pid_t, leash: Int32) {
        var pending: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(log, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            pending += chunk[..<count]
            while let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
                note(String(decoding: pending[..<end], as: UTF8.self))
                pending.removeSubrange(...end)
            }
        }
        Foundation.close(log)
        Foundation.close(leash)
        var status: Int32 = 0
        while waitpid(shell, &status, 0) < 0, errno == EINTR {}
        noteEnd()
    }

    private func note(_ line: String) {
        state.withLock { state in
            if state.serverID == nil, line.hasPrefix("pid "), let id = pid_t(line.dropFirst(4)) {
                state.serverID = id
                return
            }
            state.lines.append(line)
            if state.lines.count > 2000 { state.lines.removeFirst(1000) }
            state.lineWaiters.removeAll { waiter in
                guard line.contains(waiter.text) else { return false }
                waiter.continuation.resume()
                return true
            }
        }
    }

    private func noteEnd() {
        state.withLock { state in
            state.hasEnded = true
            for waiter in state.lineWaiters { waiter.continuation.resume(throwing: Self.ended(state)) }
            for waiter in state.endWaiters { waiter.resume() }
            state.lineWaiters = []
            state.endWaiters = []
        }
    }

    private static func ended(_ state: State) -> RedisServer.Failure {
        RedisServer.Failure(description: "redis-server ended:\n" + state.lines.suffix(10).joined(separator: "\n"))
    }

    private static func pipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        guard Foundation.pipe(&ends) == 0 else { throw RedisServer.Failure(description: "no pipe: errno \(errno)") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }
}
