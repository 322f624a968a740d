import Exposition
import HTTPTypes
import Hummingbird
import Inspection
import Logging
import NIOCore

/// `/metrics`: what Prometheus reads of the deployment and of this gateway.
struct MetricsRoutes: Sendable {
    let deployment: any DeploymentReading
    let requests: RequestMetrics
    let followers: FollowerCount

    func add(to routes: some RouterMethods<GatewayContext>) {
        routes.get("/metrics") { _, context in await metrics(context) }
    }

    /// Without Redis there still are metrics: that it is away is one of them.
    private func metrics(_ context: GatewayContext) async -> Response {
        var out = MetricsText()
        do {
            write(try await deployment.counts(), to: &out)
            out.gauge("celeriac_redis_up", "Whether Redis answers.", 1)
        } catch {
            context.logger.warning("no counts for the metrics: \(error)")
            out.gauge("celeriac_redis_up", "Whether Redis answers.", 0)
        }
        out.gauge("celeriac_gateway_followers", "Clients that wait for or follow a task.", followers.count)
        requests.write(to: &out)
        return Response(
            status: .ok,
            headers: [.contentType: MetricsText.contentType, .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: out.text))
        )
    }

    private func write(_ counts: DeploymentCounts, to out: inout MetricsText) {
        out.family("queue_jobs_waiting", .gauge, "Messages that wait in a queue.")
        for queue in counts.queues { out.sample("queue_jobs_waiting", [("queue", queue.name)], Double(queue.waiting)) }
        out.family("queue_jobs_active", .gauge, "Messages of a queue that workers hold.")
        for queue in counts.queues {
            guard let held = queue.held else { continue }
            out.sample("queue_jobs_active", [("queue", queue.name)], Double(held))
        }
        out.family("celery_queue_length", .gauge, "Messages that wait in a queue.")
        for queue in counts.queues {
            out.sample("celery_queue_length", [("queue_name", queue.name)], Double(queue.waiting))
        }
        out.gauge("celeriac_held_messages", "Messages that workers hold, of whatever queue.", counts.held)
        out.gauge("celeriac_parked_messages", "Messages that are parked until their time comes.", counts.parked)
        out.gauge("celeriac_rejected_messages", "Messages kept aside because they could not be run.", counts.rejected)
        out.gauge("celeriac_workers", "Celeriac workers that gave a sign of life lately.", counts.workers)
        if let memory = counts.memory {
            out.gauge("celeriac_redis_memory_bytes", "Memory that the broker's server uses.", memory)
        }
    }
}
