import CeleryMessage
import FoundationEssentials
import HTTPTypes
import HummingbirdTesting
import Inspection
import Testing

@testable import AdminGateway

@Suite struct `The pages of the dashboard` {
    static let paths = [
        "/admin/jobs", "/admin/queues", "/", "/admin/jobs?search=pd&order=failed", "/admin/jobs/tasks",
        "/admin/jobs/tasks?state=active", "/admin/jobs/tasks?state=waiting&search=user1",
        "/admin/jobs/tasks?state=failed",
        "/admin/jobs/tasks?state=delayed", "/admin/jobs/tasks?within=1h&tenant=acme", "/admin/jobs/tasks/done-4",
        "/admin/jobs/tasks/done-1", "/admin/jobs/tasks/active-1?queue=pdf", "/admin/jobs/queues/email",
        "/admin/jobs/queues/pdf?state=active", "/admin/jobs/queues/email?state=completed", "/admin/jobs/workers",
        "/admin/jobs/workers/celery@one", "/admin/jobs/schedule", "/admin/jobs/dead-letters", "/admin/jobs/audit",
    ]

    private func filled() -> DashboardUnderTest {
        let dashboard = DashboardUnderTest()
        dashboard.fill()
        return dashboard
    }

    @Test(arguments: paths)
    func `are whole, in both languages, and escape what they show`(path: String) async throws {
        try await filled().run { client async throws in
            let browser = Browser(client)
            try await browser.logIn(.admin)
            for language in ["en", "tr"] {
                browser[cookie: "celeriac_language"] = language
                let answer = try await browser.get(path)
                #expect(answer.status == .ok)
                #expect(answer.headers[.contentType] == "text/html; charset=utf-8")
                #expect(answer.text.contains(#"<html lang="\#(language)""#))
                #expect(answer.text.hasSuffix("</html>\n"))
                #expect(!answer.text.contains("<script>alert"))
                #expect(!answer.text.contains("{{"))
                #expect(!answer.text.contains(" style="))
                #expect(!answer.text.contains("Optional("))
                #expect(answer.headers[.contentSecurityPolicy]?.contains("script-src 'self'") == true)
                #expect(answer.headers[.contentSecurityPolicy]?.contains("unsafe") == false)
                if let folder = ProcessInfo.processInfo.environment["DASHBOARD_PAGES"] {
                    let name = path.replacing("/", with: "_").replacing("?", with: "-").replacing("&", with: "-")
                    try Data(answer.text.utf8).write(to: URL(filePath: "\(folder)/\(language)\(name).html"))
                }
            }
        }
    }
}
