import Alerts
import CeleryMessage
import OutgoingHTTP

/// Sends alerts over HTTP, and tells answers that end an alert from those that keep it.
///
/// Addresses come from the configuration, never from a task.
package final class HookClient: Sendable {
    private let client: OutgoingClient

    /// A client that has not connected yet.
    package init(timeout: Duration = .seconds(10)) {
        client = OutgoingClient(timeout: timeout, answerLimit: 64 * 1024)
    }

    /// Sends a body; answers the status in words.
    func post(
        _ url: String,
        headers: [(String, String)],
        body: [UInt8]
    ) async throws(AlertHookError) -> String {
        let answer: OutgoingClient.Answer
        do {
            answer = try await client.post(url, headers: headers, body: body)
        } catch {
            let isStopping = (error as? OutgoingError)?.code == .stopped
            throw AlertHookError(isStopping ? "the gateway is stopping" : "\(error)")
        }
        try Self.check(answer)
        return "\(answer.status)"
    }

    private static func check(_ answer: OutgoingClient.Answer) throws(AlertHookError) {
        let status = answer.status
        guard !(200..<300).contains(status) else { return }
        // Of these an operator can do something about: the alert is kept until then.
        let isTemporary = status >= 500 || [401, 402, 403, 404, 408, 410, 425, 429].contains(status) || status < 400
        let text = short(answer.body)
        throw AlertHookError(
            "it answered \(status)\(text.isEmpty ? "" : ": \(text)")",
            isFinal: !isTemporary,
            retryAfter: answer.retryAfter.map { .seconds(min(max($0, 0), 3600)) }
        )
    }

    /// What it said, fit for a line of the log.
    private static func short(_ bytes: [UInt8]) -> String {
        let text = String(decoding: bytes, as: UTF8.self).unicodeScalars.lazy.map {
            $0.value < 0x20 || (0x7F...0x9F).contains($0.value) ? " " : $0
        }
        return String(String.UnicodeScalarView(text.prefix(200)))
    }

    /// Closes the connections; later alerts fail.
    func shutdown() async { await client.shutdown() }
}
