import HTTPTypes
import HummingbirdTesting
import Inspection
import Testing

@testable import AdminGateway

@Suite struct `Metrics` {
    private func gateway() -> GatewayUnderTest {
        var gateway = GatewayUnderTest()
        gateway.addUsers()
        gateway.configuration.metricsAccess = .everyone
        var counts = DeploymentCounts()
        counts.queues = [
            .init(name: "pdf", waiting: 12, held: 2), .init(name: "odd \"name\"\n\\", waiting: 0, held: nil),
        ]
        (counts.held, counts.parked, counts.rejected, counts.workers, counts.memory) = (3, 4, 5, 6, 1_048_576)
        gateway.deployment.set(counts)
        return gateway
    }

    @Test func `count what there is in the deployment`() async throws {
        try await gateway().run { client async throws in
            let answer = try await client.get("/metrics")
            #expect(answer.headers[.contentType] == "text/plain; version=0.0.4; charset=utf-8")
            let lines = Set(answer.text.components("\n"))
            for line in [
                "# TYPE queue_jobs_waiting gauge", "queue_jobs_waiting{queue=\"pdf\"} 12",
                "queue_jobs_active{queue=\"pdf\"} 2", "celery_queue_length{queue_name=\"pdf\"} 12",
                "queue_jobs_waiting{queue=\"odd \\\"name\\\"\\n\\\\\"} 0", "celeriac_held_messages 3",
                "celeriac_parked_messages 4", "celeriac_rejected_messages 5", "celeriac_workers 6",
                "celeriac_redis_memory_bytes 1048576", "celeriac_redis_up 1", "celeriac_gateway_followers 0",
            ] {
                #expect(lines.contains(line), "\(line)")
            }
            // What could not be counted is left out, not zero.
            #expect(lines.count { $0.hasPrefix("queue_jobs_active{") } == 1)
        }
    }

    @Test func `count the gateway's own requests by route, never by address`() async throws {
        try await gateway().run { client async throws in
            for id in ["a", "b", "c"] { _ = try await client.get("/api/tasks/\(id)/status") }
            _ = try await client.get("/api/tasks/%20/status")
            _ = try await client.get("/nowhere/secret")
            let text = try await client.get("/metrics").text
            let route = #"route="/api/tasks/{task_id}/status""#
            let total = "celeriac_gateway_requests_total"
            #expect(text.contains(total + "{\(route),method=\"GET\",status=\"200\"} 3\n"))
            #expect(text.contains(total + "{\(route),method=\"GET\",status=\"400\"} 1\n"))
            #expect(text.contains(total + "{route=\"none\",method=\"GET\",status=\"404\"} 1\n"))
            #expect(text.contains("celeriac_gateway_request_seconds_bucket{\(route),le=\"+Inf\"} 4\n"))
            #expect(text.contains("celeriac_gateway_request_seconds_count{\(route)} 4\n"))
            #expect(!text.contains("secret"))
        }
    }

    @Test func `are there without Redis`() async throws {
        let gateway = gateway()
        gateway.deployment.isReachable = false
        try await gateway.run { client async throws in
            let answer = try await client.get("/metrics")
            #expect(answer.status == .ok)
            #expect(answer.text.contains("celeriac_redis_up 0\n"))
            #expect(!answer.text.contains("queue_jobs_waiting"))
        }
    }

    @Test func `need a token unless configured otherwise`() async throws {
        var gateway = gateway()
        gateway.configuration.metricsAccess = .token
        try await gateway.run { client async throws in
            #expect(try await client.get("/metrics").status == .unauthorized)
            #expect(try await client.get("/metrics", .bearer(.viewer)).status == .ok)
        }
    }
}
