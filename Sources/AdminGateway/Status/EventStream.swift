import CeleryMessage
import Hummingbird
import Inspection
import NIOCore
import ServiceLifecycle

/// A task's states as server-sent events, up to its end.
///
/// Each is an event `status` with the body of the status route as data and its tag as id. The last one is followed by an
/// event `end`, after which the client should close: a browser would connect again.
struct EventStream: Sendable {
    let changes: ResultChanges
    let keepAlive: Duration
    /// The id of the last event the client has got.
    let seen: String?
    /// Whether who follows still may.
    let isAllowed: @Sendable () -> Bool
    let page: @Sendable () async throws -> StatusPage

    @concurrent func write(to writer: inout any ResponseBodyWriter) async throws {
        let changes = changes
        // The end of the server ends the stream between two events; the client connects again, to another gateway perhaps.
        let watch = Task {
            // Ended by the server's shutdown, or below.
            try? await gracefulShutdown()
            changes.finish()
        }
        defer {
            watch.cancel()
            changes.finish()
        }
        // Browsers wait three seconds before they connect again; half of them would come at once after a restart.
        try await writer.write(ByteBuffer(string: "retry: 2000\n\n"))
        var sent = seen
        var lastWrite = ContinuousClock.now
        if try await send(&sent, to: &writer) { return }
        for await _ in changes {
            guard isAllowed() else { return }
            let before = sent
            if try await send(&sent, to: &writer) { return }
            if sent != before {
                lastWrite = .now
            } else if ContinuousClock.now - lastWrite >= keepAlive {
                // A comment: proves to proxies, and to us, that the connection lives.
                try await writer.write(ByteBuffer(string: ": alive\n\n"))
                lastWrite = .now
            }
        }
    }

    /// Sends the present page unless it was sent before; answers whether the task has ended.
    @concurrent private func send(_ sent: inout String?, to writer: inout any ResponseBodyWriter) async throws -> Bool {
        let page: StatusPage
        do {
            page = try await self.page()
        } catch is InspectionError {
            // Redis is away: what is missed now is looked at when it is back.
            return false
        }
        let isEnd = page.status.state.isReady
        if page.tag.text != sent {
            var buffer = ByteBuffer(string: "event: status\nid: \(page.tag.text)\ndata: ")
            buffer.writeImmutableBuffer(page.body)
            buffer.writeString("\n\n")
            if isEnd { buffer.writeString("event: end\ndata: {}\n\n") }
            try await writer.write(buffer)
            sent = page.tag.text
        }
        return isEnd
    }
}
