import CeleryMessage
import Exposition
import HTTPTypes
import HummingbirdTesting
import Inspection
import Synchronization
import Testing

@testable import AdminGateway

@Suite struct `Metrics` {
    private func gateway() -> GatewayUnderTest {
        var gateway = GatewayUnderTest(queues: ["pdf", "odd \"name\"\n\\"])
        gateway.addUsers()
        gateway.configuration.metricsAccess = .everyone
        var counts = DeploymentCounts()
        (counts.held, counts.parked, counts.dead, counts.workers, counts.memory) = (3, 4, 5, 6, 1_048_576)
        gateway.deployment.set(counts)
        for (id, state) in [("w1", JobState.waiting), ("w2", .waiting), ("a1", .active), ("f1", .failed)] {
            let summary = JobSummary(id: id, task: "proj.pdf", queue: "pdf", state: state)
            gateway.administration.put(JobDetail(summary))
        }
        for (id, state, seconds) in [("c1", TaskState.success, 0.2), ("f1", .failure, 7), ("c2", .success, 0.004)] {
            var task = FinishedTask(
                id: id,
                name: "proj.pdf",
                queue: "pdf",
                state: state,
                worker: "w1@host",
                finishedAt: .now()
            )
            task.runtime = .milliseconds(Int(seconds * 1000))
            gateway.history.record(task)
        }
        return gateway
    }

    private static func lines(_ gateway: GatewayUnderTest) async throws -> Set<String> {
        let found = Mutex<Set<String>>([])
        try await gateway.run { client async throws in
            let answer = try await client.get("/metrics")
            #expect(answer.headers[.contentType] == "text/plain; version=0.0.4; charset=utf-8")
            let lines = Set(answer.text.components("\n"))
            found.withLock { $0 = lines }
        }
        return found.withLock { $0 }
    }

    @Test(arguments: [
        "# TYPE queue_jobs_waiting gauge", "queue_jobs_waiting{queue=\"pdf\"} 2", "queue_jobs_failed{queue=\"pdf\"} 1",
        "queue_jobs_active{queue=\"pdf\"} 1", "celery_queue_length{queue_name=\"pdf\"} 2",
        "queue_jobs_waiting{queue=\"odd \\\"name\\\"\\n\\\\\"} 0", "celeriac_held_messages 3",
        "celeriac_parked_messages 4", "celeriac_dead_letters 5", "celeriac_workers 6",
        "celeriac_redis_memory_bytes 1048576", "celeriac_redis_up 1", "celeriac_gateway_followers 0",
        "# TYPE queue_jobs_processed_total counter",
        "queue_jobs_processed_total{queue=\"pdf\",status=\"completed\"} 2",
        "queue_jobs_processed_total{queue=\"pdf\",status=\"failed\"} 1",
        "queue_job_duration_seconds_bucket{queue=\"pdf\",job_type=\"proj.pdf\",le=\"0.005\"} 1",
        "queue_job_duration_seconds_bucket{queue=\"pdf\",job_type=\"proj.pdf\",le=\"+Inf\"} 3",
        "queue_job_duration_seconds_sum{queue=\"pdf\",job_type=\"proj.pdf\"} 7.204",
        "queue_job_duration_seconds_count{queue=\"pdf\",job_type=\"proj.pdf\"} 3",
    ])
    func `count what there is in the deployment, and what has ended`(_ line: String) async throws {
        #expect(try await Self.lines(gateway()).contains(line))
    }

    @Test func `tell of workers by the names of those that asked for them`() async throws {
        var gateway = gateway()
        var facts = WorkerFacts(name: "w1@host")
        (facts.queues, facts.processes, facts.active) = (["pdf"], [11, 12], 2)
        let none = try await Self.lines(gateway)
        #expect(!none.contains { $0.hasPrefix("celery_active") })
        gateway.administration.put(WorkerDetail(facts))
        let usual = try await Self.lines(gateway)
        for line in [
            "celery_active_worker_count 1", "celery_active_process_count 2",
            "celery_active_consumer_count{queue_name=\"pdf\"} 1",
        ] {
            #expect(usual.contains(line), "\(line)")
        }
        #expect(!usual.contains { $0.hasPrefix("flower_") })
        gateway.configuration.metricsFamilies = [.flower]
        let flower = try await Self.lines(gateway)
        #expect(flower.contains("flower_worker_online{worker=\"w1@host\"} 1"))
        #expect(flower.contains("flower_worker_number_of_currently_executing_tasks{worker=\"w1@host\"} 2"))
        #expect(!flower.contains { $0.hasPrefix("queue_jobs") || $0.hasPrefix("celery_") })
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
        gateway.administration.isReachable = false
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
