import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Synchronization

/// Sends bodies to servers that the configuration names.
///
/// It is made at the first request, so that a program with nothing to send has none. Redirects are not followed, so that
/// nobody gets a key that was meant for somebody else.
package final class OutgoingClient: Sendable {
    /// What a server said.
    package struct Answer: Sendable {
        /// The status.
        package var status: Int
        /// After how many seconds it wants to be asked again, where it says so.
        package var retryAfter: Int?
        /// The body.
        package var body: [UInt8]
    }

    private enum State {
        case idle
        case running(HTTPClient)
        case stopped
    }

    private let timeout: Duration
    private let connectTimeout: Duration
    private let answerLimit: Int
    private let state = Mutex(State.idle)

    /// A client that has not connected yet.
    ///
    /// - Parameters:
    ///   - timeout: how long a request may take, its whole answer included.
    ///   - connectTimeout: how long connecting may take of that.
    ///   - answerLimit: the most bytes of an answer.
    package init(timeout: Duration, connectTimeout: Duration = .seconds(10), answerLimit: Int) {
        self.timeout = timeout
        self.connectTimeout = min(connectTimeout, timeout)
        self.answerLimit = answerLimit
    }

    /// Sends a body and reads the whole answer, whatever its status.
    ///
    /// - Throws: ``OutgoingError``; `CancellationError` at once when the task is cancelled.
    package func post(_ url: String, headers: [(String, String)], body: [UInt8]) async throws -> Answer {
        guard let client = client() else { throw OutgoingError(.stopped, "the client was shut down") }
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        request.body = .bytes(ByteBuffer(bytes: body))
        let deadline = ContinuousClock.now + timeout
        do {
            // The library's own time-out ends with the head of the answer. Until then it knows best what has become of it.
            let response = try await client.execute(request, timeout: TimeAmount(timeout))
            return Answer(
                status: Int(response.status.code),
                retryAfter: response.headers.first(name: "Retry-After").flatMap { Int($0) },
                body: Array(try await content(response.body, until: deadline).readableBytesView)
            )
        } catch {
            if Task.isCancelled || error is CancellationError { throw CancellationError() }
            throw error as? OutgoingError ?? OutgoingError(error)
        }
    }

    private func content(
        _ body: HTTPClientResponse.Body,
        until deadline: ContinuousClock.Instant
    ) async throws -> ByteBuffer {
        try await withThrowingTaskGroup(of: ByteBuffer?.self) { group in
            defer { group.cancelAll() }
            group.addTask { [answerLimit] in
                let content = try await body.collect(upTo: answerLimit)
                // A body that a cancellation cut off ends like a whole one.
                try Task.checkCancellation()
                return content
            }
            group.addTask {
                try await Task.sleep(until: deadline, clock: .continuous)
                return nil
            }
            guard let content = try await group.next() ?? nil else {
                throw OutgoingError(.answerLost, "no whole answer within \(timeout)")
            }
            return content
        }
    }

    private func client() -> HTTPClient? {
        state.withLock { state in
            switch state {
            case .running(let client): return client
            case .stopped: return nil
            case .idle:
                var configuration = HTTPClient.Configuration()
                configuration.redirectConfiguration = .disallow
                configuration.timeout.connect = TimeAmount(connectTimeout)
                configuration.timeout.read = TimeAmount(timeout)
                configuration.connectionPool.idleTimeout = .seconds(30)
                let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
                state = .running(client)
                return client
            }
        }
    }

    /// Closes the connections; later requests fail.
    package func shutdown() async {
        let running = state.withLock { state -> HTTPClient? in
            defer { state = .stopped }
            if case .running(let client) = state { return client }
            return nil
        }
        // Shutting down fails only when it happened already.
        try? await running?.shutdown()
    }
}
