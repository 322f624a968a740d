import CeleryMessage
import OutgoingHTTP

/// The HTTP client all gateways of a handler share.
///
/// The addresses it calls come from the configuration, never from a task, so they are not checked against private ranges.
final class GatewayClient: Sendable {
    /// A gateway's answer.
    struct Answer: Sendable {
        var status: Int
        var body: [UInt8]

        /// The body as JSON, when it is an object; why it is not one does not matter to any gateway.
        var json: JSONObject? { (try? JSONReader.value(body, limits: JSONLimits(depth: 32)))?.object }
    }

    private let client: OutgoingClient

    init(timeout: Duration) { client = OutgoingClient(timeout: timeout, answerLimit: 256 * 1024) }

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
        do {
            let headers = headers + [("Accept", "application/json")]
            let answer = try await client.post(url, headers: headers, body: body)
            return Answer(status: answer.status, body: answer.body)
        } catch let error as OutgoingError {
            switch error.code {
            case .stopped: throw SMSError(.unreachable, gateway: gateway, message: "the worker is stopping")
            case .unreachable: throw SMSError(.unreachable, gateway: gateway, message: "\(error)")
            case .answerLost: throw SMSError(.answerLost, gateway: gateway, message: "\(error)")
            }
        }
    }

    /// Closes the connections; later requests fail.
    func shutdown() async { await client.shutdown() }
}
