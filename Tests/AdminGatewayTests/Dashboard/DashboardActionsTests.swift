import CeleryMessage
import HTTPTypes
import HummingbirdTesting
import Inspection
import NIOCore
import Testing

@testable import AdminGateway

@Suite struct `The dashboard's door` {
    @Test(arguments: DashboardRoutesList.gets)
    func `shows the login to everybody without a token`(path: String) async throws {
        try await DashboardUnderTest().run { client async throws in
            let answer = try await client.get(path)
            #expect(answer.status == .unauthorized)
            #expect(answer.headers[.wwwAuthenticate]?.hasPrefix("Bearer") == true)
        }
    }

    @Test func `gives its files to everybody`() async throws {
        try await DashboardUnderTest().run { client async throws in
            for name in ["dashboard.css", "dashboard.js", "icon.svg"] {
                let answer = try await client.get("/admin/jobs/assets/\(name)")
                #expect(answer.status == .ok)
                let tag = try #require(answer.headers[.eTag])
                let again = try await client.get("/admin/jobs/assets/\(name)", [.ifNoneMatch: tag])
                #expect(again.status == .notModified)
            }
        }
    }

    @Test func `opens with a token, keeps it in no cookie, and leads where somebody wanted to go`() async throws {
        try await DashboardUnderTest().run { client async throws in
            let answer = try await client.execute(
                uri: "/admin/jobs/login",
                method: .post,
                headers: [.contentType: "application/x-www-form-urlencoded"],
                body: ByteBuffer(string: "token=\(GatewayUnderTest.token(.viewer))&next=%2Fadmin%2Fjobs%2Fworkers")
            )
            #expect(answer.status == .seeOther)
            #expect(answer.headers[.location] == "/admin/jobs/workers")
            let cookie = try #require(answer.headers[.setCookie])
            #expect(cookie.contains("HttpOnly"))
            #expect(cookie.contains("SameSite=Strict"))
            #expect(!cookie.contains("Secure"))
            #expect(!cookie.contains(GatewayUnderTest.token(.viewer)))
        }
    }

    @Test func `gives a cookie that goes over TLS only, where there is TLS`() async throws {
        var dashboard = DashboardUnderTest()
        dashboard.configuration.isEncrypted = true
        try await dashboard.run { client async throws in
            let answer = try await client.execute(
                uri: "/admin/jobs/login",
                method: .post,
                headers: [.contentType: "application/x-www-form-urlencoded"],
                body: ByteBuffer(string: "token=\(GatewayUnderTest.token(.viewer))")
            )
            #expect(answer.headers[.setCookie]?.contains("; Secure") == true)
        }
    }

    @Test(arguments: [
        "https://evil.example/", "//evil.example", "/admin/jobsevil", "/admin/jobs\\..", "/api/tasks", "",
        "/admin/jobs/ x",
    ])
    func `leads nowhere else`(next: String) async throws {
        try await DashboardUnderTest().run { client async throws in
            let answer = try await client.execute(
                uri: "/admin/jobs/login",
                method: .post,
                headers: [.contentType: "application/x-www-form-urlencoded"],
                body: ByteBuffer(
                    string: "token=\(GatewayUnderTest.token(.viewer))&next=\(PercentEncoding.encoded(next))"
                )
            )
            #expect(answer.headers[.location] == "/admin/jobs")
        }
    }

    @Test func `stays shut to guesses, and after too many to everybody at that address`() async throws {
        var dashboard = DashboardUnderTest()
        dashboard.configuration.limits.failedTokensPerMinute = 3
        try await dashboard.run { client async throws in
            let browser = Browser(client)
            for _ in 0..<3 {
                let answer = try await browser.post("/admin/jobs/login", ["token": "a-guess-of-a-token"])
                #expect(answer.status == .unauthorized)
                #expect(answer.text.contains("This token is not known."))
            }
            let shut = try await browser.post("/admin/jobs/login", ["token": GatewayUnderTest.token(.admin)])
            #expect(shut.status == .tooManyRequests)
            #expect(browser[cookie: "celeriac_session"] == nil)
        }
    }

    @Test func `refuses a login that another site's page sends`() async throws {
        try await DashboardUnderTest().run { client async throws in
            let answer = try await client.execute(
                uri: "/admin/jobs/login",
                method: .post,
                headers: [.contentType: "application/x-www-form-urlencoded", .secFetchSite: "cross-site"],
                body: ByteBuffer(string: "token=\(GatewayUnderTest.token(.admin))")
            )
            #expect(answer.status == .forbidden)
            #expect(answer.headers[.setCookie] == nil)
        }
    }

    @Test func `forgets a session that was left, wherever its cookie is`() async throws {
        try await DashboardUnderTest().run { client async throws in
            let browser = Browser(client)
            try await browser.logIn(.viewer)
            let stolen = browser[cookie: "celeriac_session"]
            #expect(try await browser.get("/admin/jobs").status == .ok)
            try await browser.post("/admin/jobs/logout", ["csrf": browser.formToken])
            #expect(browser[cookie: "celeriac_session"] == nil)
            browser[cookie: "celeriac_session"] = stolen
            #expect(try await browser.get("/admin/jobs").status == .unauthorized)
        }
    }

    @Test func `lets programs in that send the token in a header`() async throws {
        try await DashboardUnderTest().run { client async throws in
            #expect(try await client.get("/admin/jobs", .bearer(.viewer)).status == .ok)
        }
    }

    @Test func `explains how to name users where there are none`() async throws {
        var dashboard = DashboardUnderTest()
        dashboard.configuration.users = []
        try await dashboard.run { client async throws in
            let answer = try await client.get("/admin/jobs")
            #expect(answer.status == .unauthorized)
            #expect(answer.text.contains("role: admin"))
            #expect(!answer.text.contains(#"type="password""#))
        }
    }
}

/// The addresses of the dashboard.
enum DashboardRoutesList {
    static let gets = [
        "/", "/admin/queues", "/admin/jobs", "/admin/jobs/tasks", "/admin/jobs/tasks/t1", "/admin/jobs/queues/email",
        "/admin/jobs/workers", "/admin/jobs/workers/celery@one", "/admin/jobs/schedule", "/admin/jobs/dead-letters",
        "/admin/jobs/dead-letters/0123456789abcdef", "/admin/jobs/dead-letters/0123456789abcdef/export",
        "/admin/jobs/audit", "/admin/jobs/live?id=t1",
    ]
    /// Forms, and the least role that may send them.
    static let posts: [(String, GatewayUser.Role)] = [
        ("/admin/jobs/queues/email/pause", .admin), ("/admin/jobs/queues/email/resume", .admin),
        ("/admin/jobs/queues/email/clean", .admin), ("/admin/jobs/queues/email/drain", .admin),
        ("/admin/jobs/tasks/done-4/retry", .operator), ("/admin/jobs/tasks/done-4/remove", .operator),
        ("/admin/jobs/tasks/active-1/terminate", .operator), ("/admin/jobs/tasks/bulk", .operator),
        ("/admin/jobs/workers/celery@one/shutdown", .admin), ("/admin/jobs/workers/celery@one/grow", .admin),
        ("/admin/jobs/schedule/nightly%20report/run", .operator),
        ("/admin/jobs/schedule/nightly%20report/pause", .admin),
        ("/admin/jobs/dead-letters/0123456789abcdef/redrive", .operator),
        ("/admin/jobs/dead-letters/0123456789abcdef/delete", .admin), ("/admin/jobs/dead-letters/bulk", .operator),
    ]
}

@Suite struct `A form of the dashboard` {
    private func filled() -> DashboardUnderTest {
        let dashboard = DashboardUnderTest()
        dashboard.fill()
        return dashboard
    }

    @Test(arguments: DashboardRoutesList.posts.map(\.0))
    func `does nothing without its token, or with another session's`(path: String) async throws {
        let dashboard = filled()
        try await dashboard.run { client async throws in
            let other = Browser(client)
            try await other.logIn(.admin)
            try await other.get("/admin/jobs")
            let browser = Browser(client)
            try await browser.logIn(.admin)
            for token in ["", "0", other.formToken] {
                let answer = try await browser.post(path, ["csrf": token, "confirmed": "yes", "typed": "email"])
                #expect(answer.status == .forbidden)
                #expect(answer.text.contains("The form is too old"))
            }
        }
        #expect(try await dashboard.administration.entries(0..<10).total == 0)
    }

    @Test(arguments: DashboardRoutesList.posts)
    func `needs its role`(path: String, role: GatewayUser.Role) async throws {
        let dashboard = filled()
        try await dashboard.run { client async throws in
            for less in GatewayUser.Role.allCases where less < role {
                let browser = Browser(client)
                try await browser.logIn(less)
                let answer = try await browser.post(path, ["csrf": browser.formToken, "confirmed": "yes"])
                #expect(answer.status == .forbidden)
                #expect(answer.text.contains("This needs the role \(role.rawValue)."))
            }
        }
        #expect(try await dashboard.administration.entries(0..<10).total == 0)
    }

    @Test(arguments: DashboardRoutesList.posts.map(\.0))
    func `leads to the login without a session`(path: String) async throws {
        try await filled().run { client async throws in
            let answer = try await Browser(client).post(path, ["confirmed": "yes"])
            #expect(answer.status == .unauthorized)
        }
    }

    @Test func `asks before a pause, does it, says so once, and is audited`() async throws {
        let dashboard = filled()
        try await dashboard.run { client async throws in
            let browser = Browser(client)
            try await browser.logIn(.admin)
            try await browser.get("/admin/jobs/queues/email")
            let question = try await browser.post("/admin/jobs/queues/email/pause", ["csrf": browser.formToken])
            #expect(question.text.contains("Pause email?"))
            #expect(try await !dashboard.administration.counts(of: ["email"])[0].isPaused)
            let done = try await browser.post(
                "/admin/jobs/queues/email/pause",
                ["csrf": browser.formToken, "confirmed": "yes"]
            )
            #expect(done.text.contains("The queue is paused."))
            #expect(try await dashboard.administration.counts(of: ["email"])[0].isPaused)
            #expect(try await !browser.get("/admin/jobs/queues/email").text.contains("The queue is paused."))
            try await browser.post("/admin/jobs/queues/email/resume", ["csrf": browser.formToken])
            #expect(try await !dashboard.administration.counts(of: ["email"])[0].isPaused)
        }
        let audit = try await dashboard.administration.entries(0..<10).entries
        #expect(audit.map(\.action) == ["queue.resume", "queue.pause"])
        #expect(audit.allSatisfy { $0.who == "a-admin" && $0.target == "email" })
    }

    @Test func `drains only where the queue's name was typed`() async throws {
        let dashboard = filled()
        try await dashboard.run { client async throws in
            let browser = Browser(client)
            try await browser.logIn(.admin)
            try await browser.get("/admin/jobs/queues/email")
            let token = browser.formToken
            let question = try await browser.post("/admin/jobs/queues/email/drain", ["csrf": token])
            #expect(question.text.contains("3 waiting tasks are thrown away"))
            #expect(question.text.contains(#"data-typed="email""#))
            let wrong = try await browser.post(
                "/admin/jobs/queues/email/drain",
                ["csrf": token, "confirmed": "yes", "typed": "Email"]
            )
            #expect(wrong.text.contains("The name was not typed as it is."))
            #expect(try await dashboard.administration.counts(of: ["email"])[0].waiting == 3)
            let done = try await browser.post(
                "/admin/jobs/queues/email/drain",
                ["csrf": token, "confirmed": "yes", "typed": "email"]
            )
            #expect(done.text.contains("3 tasks were thrown away."))
            #expect(try await dashboard.administration.counts(of: ["email"])[0].waiting == 0)
        }
    }

    @Test func `removes picked tasks`() async throws {
        let dashboard = filled()
        try await dashboard.run { client async throws in
            let browser = Browser(client)
            try await browser.logIn(.operator)
            try await browser.get("/admin/jobs/tasks?state=waiting")
            let token = browser.formToken
            let question = try await browser.post(
                "/admin/jobs/tasks/bulk",
                ["csrf": token, "do": "remove", "id": "waiting-0 email", "id": "waiting-2 email"]
            )
            #expect(question.text.contains("Remove 2 tasks?"))
            let done = try await browser.post(
                "/admin/jobs/tasks/bulk",
                [
                    "csrf": token, "do": "remove", "id": "waiting-0 email", "id": "waiting-2 email",
                    "confirmed": "yes", "next": "/admin/jobs/tasks?state=waiting",
                ]
            )
            #expect(done.text.contains("2 tasks were removed."))
        }
        let left = try await dashboard.administration.jobs(in: "email", state: .waiting, range: 0..<10)
        #expect(left.jobs.map(\.id) == ["waiting-1"])
    }

    @Test(arguments: [("shutdown", WorkerOrder.shutDown), ("grow", .growPool(1)), ("restart", .restartPool)])
    func `tells a worker what to do`(verb: String, order: WorkerOrder) async throws {
        let dashboard = filled()
        try await dashboard.run { client async throws in
            let browser = Browser(client)
            try await browser.logIn(.admin)
            try await browser.get("/admin/jobs/workers/celery@one")
            let answer = try await browser.post(
                "/admin/jobs/workers/celery@one/\(verb)",
                ["csrf": browser.formToken, "confirmed": "yes"]
            )
            #expect(answer.status == .ok)
        }
        #expect(dashboard.administration.orders.map(\.order) == [order])
    }

    @Test func `redrives and deletes dead letters`() async throws {
        let dashboard = filled()
        let fingerprint = try await dashboard.deadLetters.groups()[0].fingerprint
        try await dashboard.run { client async throws in
            let browser = Browser(client)
            try await browser.logIn(.admin)
            let page = try await browser.get("/admin/jobs/dead-letters/\(fingerprint)")
            #expect(page.text.contains("done-4"))
            let token = browser.formToken
            let one = try await browser.post(
                "/admin/jobs/dead-letters/bulk",
                ["csrf": token, "do": "redrive", "id": "done-4", "confirmed": "yes"]
            )
            #expect(one.text.contains("1 letter was sent back to its queue."))
            let export = try await client.get("/admin/jobs/dead-letters/\(fingerprint)/export", .bearer(.operator))
            #expect(export.text.split(separator: "\n").count == 6)
            try await browser.post(
                "/admin/jobs/dead-letters/\(fingerprint)/delete",
                ["csrf": token, "confirmed": "yes"]
            )
        }
        #expect(try await dashboard.deadLetters.groups().isEmpty)
    }

    /// What a change is in the audit list, but for what differs from time to time.
    private func changes(_ dashboard: DashboardUnderTest) async throws -> [String] {
        try await dashboard.administration.entries(0..<100).entries.reversed().map { entry in
            var detail = entry.detail
            if detail["task_id"] != nil { detail["task_id"] = "some" }
            return "\(entry.who) \(entry.action) \(entry.target) \(entry.outcome) \(JSONValue.object(detail))"
        }
    }

    @Test func `is in the audit list as if it had been made over the API`() async throws {
        let (pages, api) = (filled(), filled())
        let entry = "nightly%20report"
        let id = try #require(try await pages.deadLetters.letters(DeadLetterQuery()).letters.first).id
        let fingerprint = try await pages.deadLetters.groups()[0].fingerprint
        let forms = [
            ("queues/email/pause", ""), ("queues/email/pause", ""), ("queues/email/resume", ""),
            ("queues/email/clean", "state=completed&grace=0"), ("queues/email/drain", "typed=email&delayed=yes"),
            ("tasks/none/retry", "queue=email"), ("tasks/none/promote", "queue=email"),
            ("tasks/none/remove", "queue=email"), ("tasks/none/terminate", ""),
            ("schedule/\(entry)/run", ""), ("schedule/none/run", ""), ("schedule/\(entry)/pause", ""),
            ("schedule/\(entry)/pause", ""), ("schedule/\(entry)/resume", ""), ("schedule/none/resume", ""),
            ("workers/celery@one/grow", ""), ("workers/celery@one/restart", ""), ("workers/nobody/grow", ""),
            ("workers/celery@one/cancel-consumer", "queue=email"),
            ("workers/celery@one/rate-limit", "task=proj.send&rate=1/s"), ("workers/celery@one/shutdown", ""),
            ("dead-letters/bulk", "do=redrive&id=\(id)&id=none"), ("dead-letters/\(fingerprint)/redrive", ""),
            ("dead-letters/bulk", "do=delete&id=\(id)"),
        ]
        try await pages.run { client async throws in
            let browser = Browser(client)
            try await browser.logIn(.admin)
            try await browser.get("/admin/jobs/queues/email")
            let token = browser.formToken
            for (path, fields) in forms {
                let form = "csrf=\(PercentEncoding.encoded(token))&confirmed=yes&\(fields)"
                let answer = try await browser.post("/admin/jobs/\(path)", encoded: form)
                #expect(answer.status == .ok || answer.status == .notFound, "\(path): \(answer.text)")
            }
        }
        try await api.run { client async throws in
            let jobs = "jobs/email"
            for (path, body) in [
                (jobs + "/pause", ""), (jobs + "/pause", ""), (jobs + "/resume", ""),
                (jobs + "/clean", #"{"state": "completed"}"#), (jobs + "/drain", ""),
                (jobs + "/none/retry", ""), (jobs + "/none/promote", ""), (jobs + "/remove", #"{"ids": ["none"]}"#),
                ("revoke", #"{"ids": ["none"], "terminate": true}"#),
                ("schedule/\(entry)/run", ""), ("schedule/none/run", ""), ("schedule/\(entry)/pause", ""),
                ("schedule/\(entry)/pause", ""), ("schedule/\(entry)/resume", ""), ("schedule/none/resume", ""),
                ("workers/celery@one/pool/grow", ""), ("workers/celery@one/pool/restart", ""),
                ("workers/nobody/pool/grow", ""), ("workers/celery@one/queues/cancel", #"{"queue": "email"}"#),
                ("limits/rate", #"{"task": "proj.send", "rate": "1/s", "workers": ["celery@one"]}"#),
                ("workers/celery@one/shutdown", ""),
                ("dead-letters/redrive", #"{"ids": ["\#(id)", "none"]}"#),
                ("dead-letters/redrive", #"{"filter": {"fingerprint": "\#(fingerprint)"}}"#),
                ("dead-letters/delete", #"{"ids": ["\#(id)"]}"#),
            ] { _ = try await client.change("/api/v1/admin/\(path)", .admin, body) }
        }
        let changed = try await changes(pages)
        #expect(changed.count == forms.count)
        #expect(changed == (try await changes(api)))
    }

    @Test func `is refused where it is none`() async throws {
        try await filled().run { client async throws in
            let browser = Browser(client)
            try await browser.logIn(.admin)
            let cookie = try #require(browser[cookie: "celeriac_session"])
            let answer = try await client.execute(
                uri: "/admin/jobs/queues/email/pause",
                method: .post,
                headers: [.cookie: "celeriac_session=\(cookie)", .contentType: "application/json"],
                body: ByteBuffer(string: "{}")
            )
            #expect(answer.status == .unsupportedMediaType)
        }
    }
}
