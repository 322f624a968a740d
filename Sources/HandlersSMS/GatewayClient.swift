import AsyncHTTPClient
import CeleryMessage
import Glibc
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// The HTTP client all gateways of a handler share; made at the first request, so that a worker without messages to
/// send has none.
///
/// The addresses it calls come from the configuration, never from a task, so they are not checked against private
/// ranges; redirects are not followed, so that a gateway cannot send the credentials elsewhere.
final class GatewayClient: Sendable {
    /// A gateway's answer.
    struct Answer: Sendable {
        var status: Int
        var body: [UInt8]

        /// The body as JSON, when it is an object; why it is not one does not matter to any gateway.
        var json: JSONObject? { (try? JSONReader.value(body, limits: JSONLimits(depth: 32)))?.object }
    }

    private enum State {
        case idle
        case running(HTTPClient)
        case stopped
    }

    private static let answerLimit = 256 * 1024
    private let timeout: Duration
    private let state = Mutex(State.idle)

    init(timeout: Duration) { self.timeout = timeout }

    /// Sends `body` and reads the whole answer.
    ///
    /// Throws ``SMSError`` with code `unreachable` when the request cannot have arrived and `answerLost` when it may
    /// have; `CancellationError` at once when the task is cancelled.
    func post(
        _ url: String,
        headers: [(String, String)],
        body: [UInt8],
        gateway: String
    ) async throws -> Answer {
        guard let client = client() else {
            throw SMSError(.unreachable, gateway: gateway, message: "the worker is stopping")
        }
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        request.headers.add(name: "Accept", value: "application/json")
        request.body = .bytes(ByteBuffer(bytes: body))
        do {
            let response = try await client.execute(request, timeout: TimeAmount(timeout))
            let content = try await response.body.collect(upTo: Self.answerLimit)
            return Answer(status: Int(response.status.code), body: Array(content.readableBytesView))
        } catch {
            if Task.isCancelled || error is CancellationError { throw CancellationError() }
            throw Self.failure(error, gateway: gateway)
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
                configuration.timeout.connect = TimeAmount(min(timeout, .seconds(10)))
                configuration.timeout.read = TimeAmount(timeout)
                configuration.connectionPool.idleTimeout = .seconds(30)
                let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
                state = .running(client)
                return client
            }
        }
    }

    private static let beforeSending: [HTTPClientError] = [
        .connectTimeout, .getConnectionFromPoolTimeout, .tlsHandshakeTimeout, .alreadyShutdown,
    ]

    /// Whether the request can have arrived is what decides between a safe and a doubtful second attempt.
    private static func failure(_ error: any Error, gateway: String) -> SMSError {
        let message = "\(error)"
        switch error {
        case let failed as HTTPClientError where beforeSending.contains(failed):
            return SMSError(.unreachable, gateway: gateway, message: message)
        case is NIOConnectionError: return SMSError(.unreachable, gateway: gateway, message: message)
        case let broken as IOError where broken.errnoCode == ECONNREFUSED || broken.errnoCode == ENETUNREACH:
            return SMSError(.unreachable, gateway: gateway, message: message)
        default: return SMSError(.answerLost, gateway: gateway, message: message)
        }
    }

    /// Closes the connections; later requests fail.
    func shutdown() async {
        let running = state.withLock { state -> HTTPClient? in
            defer { state = .stopped }
            if case .running(let client) = state { return client }
            return nil
        }
        // Shutting down fails only when it happened already.
        try? await running?.shutdown()
    }
}
