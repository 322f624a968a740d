import Alerts
import Exposition
import HTTPTypes
import Hummingbird
import Inspection
import Logging
import NIOCore

/// `/metrics`: what Prometheus reads of the deployment and of this gateway.
struct MetricsRoutes: Sendable {
    let deployment: DeploymentMetrics
    let memory: GatewayMemory
    /// What became of alerts; `nil` where nobody is told.
    let alerts: AlertCounter?

    func add(to routes: some RouterMethods<GatewayContext>) {
        routes.get("/metrics") { _, context in await metrics(context) }
    }

    /// Without Redis there still are metrics: that it is away is one of them.
    private func metrics(_ context: GatewayContext) async -> Response {
        var out = MetricsText()
        do {
            out.append(try await deployment.text())
            out.gauge("celeriac_redis_up", "Whether Redis answers.", 1)
        } catch {
            context.logger.warning("no counts for the metrics: \(error)")
            out.gauge("celeriac_redis_up", "Whether Redis answers.", 0)
        }
        out.gauge("celeriac_gateway_followers", "Clients that wait for or follow a task.", memory.followers.count)
        memory.downloads.write(to: &out)
        alerts?.write(to: &out)
        memory.requests.write(to: &out)
        return Response(
            status: .ok,
            headers: [.contentType: MetricsText.contentType, .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: out.text))
        )
    }
}
