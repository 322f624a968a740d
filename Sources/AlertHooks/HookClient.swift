import Alerts
import AsyncHTTPClient
import CeleryMessage
import NIOCore
import NIOHTTP1
import Synchronization

/// The HTTP client of the hooks; made at the first alert, so that a gateway without alerts has none.
///
/// Addresses come from the configuration, never from a task. Redirects are not followed, so that nobody gets a key that
/// was meant for somebody else.
package final class HookClient: Sendable {
    private enum State {
        case idle
        case running(HTTPClient)
        case stopped
    }

    private static let answerLimit = 64 * 1024
    private let timeout: Duration
    private let state = Mutex(State.idle)

    /// A client that has not connected yet.
    package init(timeout: Duration = .seconds(10)) { self.timeout = timeout }

    /// Sends a body; answers the status in words.
    func post(
        _ url: String,
        headers: [(String, String)],
        body: [UInt8]
    ) async throws(AlertHookError) -> String {
        guard let client = client() else { throw AlertHookError("the gateway is stopping") }
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        request.body = .bytes(ByteBuffer(bytes: body))
        do {
            let response = try await client.execute(request, timeout: TimeAmount(timeout))
            let text = try await response.body.collect(upTo: Self.answerLimit)
            try Self.check(response, Self.short(Array(text.readableBytesView)))
            return "\(response.status.code)"
        } catch let error as AlertHookError {
            throw error
        } catch {
            throw AlertHookError("\(error)")
        }
    }

    private static func check(_ response: HTTPClientResponse, _ text: String) throws(AlertHookError) {
        let status = Int(response.status.code)
        guard !(200..<300).contains(status) else { return }
        // Of these an operator can do something about: the alert is kept until then.
        let isTemporary = status >= 500 || [401, 402, 403, 404, 408, 410, 425, 429].contains(status) || status < 400
        let after = response.headers.first(name: "Retry-After").flatMap { Int($0) }.map { min(max($0, 0), 3600) }
        throw AlertHookError(
            "it answered \(status)\(text.isEmpty ? "" : ": \(text)")",
            isFinal: !isTemporary,
            retryAfter: after.map { .seconds($0) }
        )
    }

    /// What it said, fit for a line of the log.
    private static func short(_ bytes: [UInt8]) -> String {
        let text = String(decoding: bytes, as: UTF8.self).unicodeScalars.lazy.map {
            $0.value < 0x20 || (0x7F...0x9F).contains($0.value) ? " " : $0
        }
        return String(String.UnicodeScalarView(text.prefix(200)))
    }

    private func client() -> HTTPClient? {
        state.withLock { state in
            switch state {
            case .running(let client): return client
            case .stopped: return nil
            case .idle:
                var configuration = HTTPClient.Configuration()
                configuration.redirectConfiguration = .disallow
                configuration.timeout.connect = TimeAmount(timeout)
                configuration.timeout.read = TimeAmount(timeout)
                let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
                state = .running(client)
                return client
            }
        }
    }

    /// Closes the connections; later alerts fail.
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
