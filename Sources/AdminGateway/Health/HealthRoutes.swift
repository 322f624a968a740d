import CeleryMessage
import HTTPTypes
import Hummingbird
import Inspection
import Logging
import NIOCore
import Synchronization

/// `/livez`, `/readyz` and `/startupz`, as Kubernetes and load balancers ask for them, and Flower's `/healthcheck`.
///
/// They need no token and tell nothing but yes or no.
struct HealthRoutes: Sendable {
    let reading: any TaskReading
    let hasStarted: StartMark

    func add(to routes: some RouterMethods<GatewayContext>) {
        routes.get("/livez") { _, _ in Self.answer(.ok) }
        routes.get("/healthcheck") { _, _ in Self.flower }
        routes.get("/readyz") { _, context in await ready(context) }
        routes.get("/startupz") { _, context in hasStarted.value ? Self.answer(.ok) : await ready(context) }
    }

    private func ready(_ context: GatewayContext) async -> Response {
        do {
            try await reading.ping()
            hasStarted.value = true
            return Self.answer(.ok)
        } catch {
            context.logger.debug("not ready: \(error)")
            return Self.answer(.serviceUnavailable)
        }
    }

    /// What Flower says for as long as it runs.
    private static var flower: Response {
        Response(
            status: .ok,
            headers: [.contentType: "text/plain; charset=utf-8", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: "OK"))
        )
    }

    private static func answer(_ status: HTTPResponse.Status) -> Response {
        var response = Response.json(
            ["status": status == .ok ? "ok" : "unavailable"],
            status: status
        )
        response.headers[.cacheControl] = "no-store"
        return response
    }
}

/// Whether Redis has answered once.
final class StartMark: Sendable {
    private let state = Mutex(false)

    var value: Bool {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}
