import CeleryMessage
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Inspection
import Logging
import NIOCore
import Synchronization
import Testing

@testable import AdminGateway

/// A dashboard over a deployment in memory in which something of everything is.
struct DashboardUnderTest {
    static let start = Instant(seconds: 1_790_000_000)

    let deployment = InMemoryDeployment()
    let administration: InMemoryAdministration
    let history = InMemoryHistory()
    let deadLetters = InMemoryDeadLetters()
    var configuration = GatewayConfiguration()

    init(queues: [String] = ["celery", "email", "pdf"]) {
        administration = InMemoryAdministration(queues: queues) { Self.start }
        configuration.locale = .english
        configuration.users = GatewayUser.Role.allCases.map {
            GatewayUser(name: "a-\($0.rawValue)", role: $0, token: GatewayUnderTest.token($0))
        }
    }

    /// Fills it.
    func fill() {
        let hostile = #"<script>alert("x")</script>"#
        for number in 0..<3 {
            var waiting = JobSummary(
                id: "waiting-\(number)",
                task: "shop.tasks.send_mail",
                queue: "email",
                state: .waiting
            )
            waiting.position = number + 1
            waiting.arguments = #"{"to": "user\#(number)@example.com", "subject": "\#(hostile)"}"#
            administration.put(JobDetail(waiting))
        }
        var active = JobSummary(id: "active-1", task: "shop.tasks.bulk_pdfs", queue: "pdf", state: .active)
        active.progress = JobProgress(current: 40, total: 160, status: "page 40 of 160")
        active.startedAt = Self.start - .seconds(75)
        active.worker = "celery@one"
        active.attempts = 1
        administration.put(JobDetail(active))
        var delayed = JobSummary(id: "delayed-1", task: "shop.tasks.remind", queue: "celery", state: .delayed)
        delayed.until = Self.start + .seconds(600)
        administration.put(JobDetail(delayed))
        for number in 0..<60 {
            let fails = number % 9 == 4
            var task = FinishedTask(
                id: "done-\(number)",
                name: fails ? "shop.tasks.charge" : "shop.tasks.send_mail",
                queue: number % 3 == 0 ? "pdf" : "email",
                state: fails ? .failure : .success,
                worker: "celery@one",
                finishedAt: Self.start - .seconds(number * 55 + 5)
            )
            task.startedAt = task.finishedAt - .milliseconds(230)
            task.receivedAt = task.finishedAt - .milliseconds(300)
            task.runtime = .milliseconds(230)
            task.keywords = #"{"order": \#(number), "note": "\#(hostile.replacing("\"", with: "\\\""))"}"#
            task.tenant = number.isMultiple(of: 2) ? "acme" : nil
            task.result = #"{"sent": true}"#
            if fails {
                task.result = nil
                task.attempts = 3
                task.failure = .init(type: "CardError", message: "declined \(hostile)", traceback: Self.trace)
                task.earlierAttempts = [
                    .init(startedAt: nil, finishedAt: task.finishedAt - .seconds(60), failure: task.failure)
                ]
                var letter = DeadLetter(task: task, reason: "failed", item: Array("{}".utf8), list: task.queue)
                letter.failures = 1
                deadLetters.keep(letter)
            }
            if number == 1 { task.rootID = "done-1" }
            if number == 2 || number == 3 {
                task.rootID = "done-1"
                task.parentID = "done-1"
                task.groupID = "group-1"
            }
            history.record(task)
        }
        var facts = WorkerFacts(name: "celery@one")
        facts.concurrency = 4
        facts.active = 1
        facts.processes = [101, 102, 103, 104]
        facts.queues = ["celery", "email", "pdf"]
        facts.ran = ["shop.tasks.send_mail": 1234, "shop.tasks.charge": 7]
        facts.uptime = 93_784
        facts.isCeleriac = true
        facts.memory = 23_400_000
        facts.pid = 100
        var detail = WorkerDetail(facts)
        var running = WorkerTask(id: "active-1", name: "shop.tasks.bulk_pdfs")
        running.queue = "pdf"
        running.startedAt = active.startedAt
        detail.active = [running]
        detail.registered = ["shop.tasks.charge", "shop.tasks.send_mail"]
        detail.stats = ["pid": 100, "pool": ["max-concurrency": 4]]
        administration.put(detail)
        var entry = ScheduledEntry(name: "nightly report", task: "shop.tasks.report", times: "0 2 * * *")
        entry.queue = "pdf"
        entry.last = Self.start - .seconds(40_000)
        entry.next = Self.start + .seconds(46_400)
        entry.sent = 31
        entry.purpose = "The report for accounting"
        entry.lastTaskID = "done-3"
        administration.set(
            ScheduleFacts(
                entries: [entry],
                beats: [.init(id: "b1", lastSign: Self.start - .seconds(2), isLeading: true)]
            )
        )
    }

    private static let trace = """
        Traceback (most recent call last):
          File "/app/shop/tasks.py", line 42, in charge
            gateway.charge(card)
        CardError: declined
        """

    func router() -> Router<GatewayContext> {
        Gateway(
            configuration: configuration,
            inspector: TaskInspector(reading: deployment, now: { Self.start }),
            reading: deployment,
            feed: deployment,
            enqueuer: TaskEnqueuer(catalog: TaskCatalog(), sending: deployment, origin: "gen1@test"),
            administration: Administration(administration, deadLetters: deadLetters),
            dashboard: Dashboard(
                administration: Administration(administration, deadLetters: deadLetters),
                history: history,
                now: { Self.start }
            )
        ).router()
    }

    func run(_ body: @Sendable (any TestClientProtocol) async throws -> Void) async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        try await Application(router: router(), logger: logger).test(.router, body)
    }
}

/// A browser that keeps cookies and sends the forms of the page it is on.
final class Browser: Sendable {
    private struct State {
        var cookies: [String: String] = [:]
        var page = ""
    }

    private let client: any TestClientProtocol
    private let state = Mutex(State())

    init(_ client: any TestClientProtocol) { self.client = client }

    /// The page it is on.
    var page: String { state.withLock { $0.page } }

    /// What the forms of the page carry.
    var formToken: String {
        page.split(separator: #"name="csrf" value=""#).dropFirst().first.map { String($0.prefix { $0 != "\"" }) } ?? ""
    }

    subscript(cookie name: String) -> String? {
        get { state.withLock { $0.cookies[name] } }
        set { state.withLock { $0.cookies[name] = newValue } }
    }

    @discardableResult
    func get(_ uri: String, _ headers: HTTPFields = [:]) async throws -> TestResponse {
        try await ask(uri, .get, headers, nil)
    }

    /// Sends a form, and follows where it leads.
    @discardableResult
    func post(_ uri: String, _ fields: KeyValuePairs<String, String>, _ headers: HTTPFields = [:]) async throws
        -> TestResponse
    {
        let text = fields.map { "\($0)=\(PercentEncoding.encoded($1))" }.joined(separator: "&")
        return try await post(uri, encoded: text, headers)
    }

    /// Sends a form as it goes over the wire, and follows where it leads.
    @discardableResult
    func post(_ uri: String, encoded text: String, _ headers: HTTPFields = [:]) async throws -> TestResponse {
        var headers = headers
        headers[.contentType] = "application/x-www-form-urlencoded"
        let answer = try await ask(uri, .post, headers, ByteBuffer(string: text))
        if answer.status == .seeOther, let next = answer.headers[.location] { return try await get(next) }
        return answer
    }

    func logIn(_ role: GatewayUser.Role) async throws {
        try await post("/admin/jobs/login", ["token": GatewayUnderTest.token(role)])
        #expect(self[cookie: "celeriac_session"] != nil)
    }

    private func ask(
        _ uri: String,
        _ method: HTTPRequest.Method,
        _ headers: HTTPFields,
        _ body: ByteBuffer?
    ) async throws -> TestResponse {
        var headers = headers
        let cookies = state.withLock { $0.cookies }
        if !cookies.isEmpty { headers[.cookie] = cookies.map { "\($0)=\($1)" }.joined(separator: "; ") }
        let answer = try await client.execute(uri: uri, method: method, headers: headers, body: body)
        state.withLock { state in
            for cookie in answer.headers[values: .setCookie] {
                let pair = cookie.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1).map(String.init)
                state.cookies[pair[0]] = pair.count > 1 ? pair[1] : nil
            }
            state.page = answer.text
        }
        return answer
    }
}
