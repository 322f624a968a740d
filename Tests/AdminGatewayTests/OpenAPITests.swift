import CeleryMessage
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Testing

@testable import AdminGateway

@Suite struct `The OpenAPI document` {
    private func gateway() -> GatewayUnderTest {
        var gateway = GatewayUnderTest()
        gateway.addUsers()
        var start = StartRoute(path: "/api/reports/start", task: "backend.tasks.pdf_tasks.generate")
        start.arguments = ["year"]
        gateway.configuration.starts = [start]
        gateway.configuration.limits.wait = .seconds(25)
        gateway.configuration.downloads = DownloadConfiguration(folders: ["/results"], baseFolder: "/")
        return gateway
    }

    @Test func `names exactly the routes there are`() async throws {
        let gateway = gateway()
        try await gateway.run { client async throws in
            let paths = try #require(try await client.get("/openapi.json").json["paths"]?.object)
            let documented = Set(
                paths.flatMap { path, operations in
                    (operations.object?.keys ?? []).filter { $0 != "servers" }.map { "\($0.uppercased()) \(path)" }
                }
            )
            let served = gateway.router().routes.filter { $0.method != .head }.map {
                "\($0.method.rawValue) \($0.path)"
            }
            #expect(documented == Set(served))
        }
    }

    @Test func `says what this gateway is configured for`() async throws {
        var gateway = gateway()
        gateway.configuration.statusAccess = .token
        gateway.configuration.basePath = "/jobs"
        try await gateway.run { client async throws in
            let document = try await client.get("/jobs/openapi.json").json
            #expect(document["openapi"] == "3.1.0")
            #expect(document["servers"]?.array?.first?["url"] == "/jobs")
            let status = document["paths"]?["/api/tasks/{task_id}/status"]?["get"]
            #expect(status?["security"] == [["token": []]])
            #expect(status?["responses"]?["401"] != nil)
            let wait = status?["parameters"]?.array?.first { $0["name"] == "wait" }
            #expect(wait?["schema"]?["maximum"] == 25)
            let start = document["paths"]?["/api/reports/start"]?["post"]
            #expect(start?["security"] == [["token": []]])
            let task = document["components"]?["schemas"]?["Task"]?["properties"]
            #expect(task?["task"]?["enum"]?.array?.contains("backend.tasks.email_tasks.send") == true)
            #expect(task?["queue"]?["enum"]?.array?.contains("email") == true)
        }
    }

    @Test func `is not sent twice`() async throws {
        try await gateway().run { client async throws in
            let tag = try #require(try await client.get("/openapi.json").headers[.eTag])
            #expect(try await client.get("/openapi.json", [.ifNoneMatch: tag]).status == .notModified)
        }
    }

    @Test(arguments: [
        ("/api/tasks", HTTPRequest.Method.put, "GET, HEAD, POST"), ("/livez", .post, "GET, HEAD"),
        ("/api/tasks/x/status", .delete, "GET, HEAD"), ("/api/v1/admin/jobs/pdf", .put, "POST"),
        ("/api/v1/admin/jobs/stats", .options, "GET, HEAD"), ("/api/v1/admin/jobs/pdf/clean", .options, "POST"),
        ("/api/v1/admin/jobs/pdf/some-id", .options, "DELETE, GET, HEAD"),
    ])
    func `and the address tell which methods there are`(
        path: String,
        method: HTTPRequest.Method,
        allowed: String
    ) async throws {
        try await gateway().run { client async throws in
            let answer = try await client.execute(uri: path, method: method)
            #expect(answer.status == .methodNotAllowed)
            #expect(answer.headers[.allow] == allowed)
            #expect(try answer.json["code"] == "method_not_allowed")
        }
    }
}
