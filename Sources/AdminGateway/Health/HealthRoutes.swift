import CeleryMessage
import HTTPTypes
import Hummingbird
import Inspection
import Logging
import Synchronization

/// `/livez`, `/readyz` and `/startupz`, as Kubernetes and load balancers ask for them.
///
/// They need no token and tell nothing but yes or no.
struct HealthRoutes: Sendable {
    let reading: any TaskReading
    private let hasStarted = StartMark()

    init(reading: any TaskReading) { self.reading = reading }

    func add(to routes: some RouterMethods<GatewayContext>) {
        routes.get("/livez") { _, _ in Self.answer(.ok) }
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
private final class StartMark: Sendable {
    private let state = Mutex(false)

    var value: Bool {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}
