import CeleryMessage
import HTTPTypes
import Hummingbird
import Inspection
import Logging
import NIOCore

/// The dashboard: pages for people, made here and readable without script.
struct DashboardRoutes: Sendable {
    /// Where the dashboard lives, behind the base path.
    static let path = "/admin/jobs"

    let configuration: GatewayConfiguration
    let administration: Administration
    let history: any HistoryReading
    let inspector: TaskInspector
    let feed: any ResultFeed
    let activity: Activity
    let door: Doorkeeper
    let sessions: Sessions
    let memory: GatewayMemory
    let downloads: Downloads?
    let now: @Sendable () -> Instant

    var home: String { configuration.basePath + Self.path }
    var deadLetters: any DeadLetters { administration.deadLetters }
    var changes: AuditedChanges { AuditedChanges(administration: administration) }
    var orders: WorkerOrders {
        WorkerOrders(workers: administration.workers, auditor: Auditor(trail: administration.audit))
    }
    var body: BodyReader {
        BodyReader(largest: configuration.limits.bodyBytes, longest: configuration.limits.idleTime)
    }

    /// Adds all routes.
    func add(to routes: RouterGroup<GatewayContext>) {
        for alias in ["/", "/admin/queues"] { routes.get(RouterPath(alias)) { try await show($0, $1, overview) } }
        let pages = routes.group(RouterPath(Self.path))
        Assets.add(to: pages)
        addSessions(to: pages)
        pages.get("") { try await show($0, $1, overview) }
        pages.get("/tasks") { try await show($0, $1, tasks) }
        pages.get("/tasks/{task_id}") { try await show($0, $1, task) }
        pages.get("/queues/{queue}") { try await show($0, $1, queue) }
        pages.get("/workers") { try await show($0, $1, workers) }
        pages.get("/workers/{worker}") { try await show($0, $1, worker) }
        pages.get("/schedule") { try await show($0, $1, schedule) }
        pages.get("/dead-letters") { try await show($0, $1, deadLetterGroups) }
        pages.get("/dead-letters/{fingerprint}") { try await show($0, $1, deadLetterGroup) }
        pages.get("/dead-letters/{fingerprint}/export") { try await export($0, $1) }
        pages.get("/audit") { try await show($0, $1, audit) }
        pages.get("/live") { try await live($0, $1) }
        addActions(to: pages)
    }

    // MARK: Answering

    /// What a page is made of: its frame, the fields of its address, and its request.
    struct Asked: Sendable {
        var frame: PageFrame
        var query: Form
        var context: GatewayContext

        /// A part of the path, percent signs resolved.
        func part(_ name: String) throws -> String {
            guard let text = context.part(name), !text.isEmpty else {
                throw GatewayError.notFound("There is nothing at this address.")
            }
            return text
        }

        /// How many entries of a list to pass over.
        var offset: Int { min(1_000_000, max(0, query["offset"].flatMap { Int($0) } ?? 0)) }
    }

    /// Shows a page to somebody who may see it, and the login to everybody else.
    private func show(
        _ request: Request,
        _ context: GatewayContext,
        _ make: @Sendable (Asked) async throws -> Page
    ) async throws -> Response {
        let visitor: Visitor
        do {
            visitor = try self.visitor(request, context)
        } catch let error as GatewayError {
            return gate(request, context, error)
        }
        var asked = Asked(
            frame: frame(request, visitor),
            query: Form(encoded: request.uri.query ?? ""),
            context: context
        )
        var response: Response
        do {
            asked.frame.dead = try await deadLetters.groups().reduce(0) { $0 + $1.count }
            response = Self.html(asked.frame.html(try await make(asked)))
        } catch {
            response = problem(error, asked.frame, context)
        }
        if asked.frame.notice != nil { response.forget(Self.noticeCookie, at: cookiePath) }
        if let chosen = asked.query["lang"], StatusLocale(rawValue: chosen) != nil {
            response.remember(Self.languageCookie, chosen, at: cookiePath, isSecure: configuration.isEncrypted)
        }
        return response
    }

    /// A frame for a request, with the note that waits to be shown.
    func frame(_ request: Request, _ visitor: Visitor) -> PageFrame {
        var frame = PageFrame(visitor: visitor, now: now(), home: home, here: request.head.path ?? home)
        if let sealed = request.cookies[Self.noticeCookie]?.value, let text = sessions.seal.open(sealed) {
            frame.notice = PageFrame.Notice(text: String(text.dropFirst()), isBad: text.hasPrefix("!"))
        }
        return frame
    }

    /// What went wrong, as a page.
    func problem(_ error: any Error, _ frame: PageFrame, _ context: GatewayContext) -> Response {
        let status: HTTPResponse.Status
        let name: String
        var role = ""
        switch error {
        case let error as Refusal:
            (status, name) = (error.status, error.name)
            role = error.role.map { frame.words["role.\($0.rawValue)"] } ?? ""
        case let error as GatewayError where error.status == .notFound: (status, name) = (.notFound, "notFound")
        case let error as GatewayError: (status, name) = (error.status, "other")
        case let error as InspectionError:
            context.logger.warning("a page of the dashboard: \(error)")
            (status, name) = (.serviceUnavailable, "unavailable")
        default:
            context.logger.error("a page of the dashboard: \(error)")
            (status, name) = (.internalServerError, "other")
        }
        let page = Page(
            template: "problem",
            title: frame.words["problem.\(name)"],
            refreshes: status == .serviceUnavailable,
            content: [
                "problem": frame.words["problem.\(name)"],
                "help": frame.words["problem.\(name).help", ["role": role]],
            ]
        )
        return Self.html(frame.html(page), status: status)
    }

    /// A page that says that there is nothing at an address, to whomever asks.
    func missing(_ request: Request, _ context: GatewayContext) -> Response {
        // Nothing here is for users only: who is none is told the same.
        let visitor = (try? self.visitor(request, context)) ?? guest(request, context)
        return problem(Refusal(status: .notFound, name: "notFound"), frame(request, visitor), context)
    }

    /// A page that is refused for a reason that a person understands.
    struct Refusal: Error {
        var status: HTTPResponse.Status
        /// Behind `problem.` among the words.
        var name: String
        var role: GatewayUser.Role?
    }

    static func html(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status,
            headers: [
                .contentType: "text/html; charset=utf-8", .cacheControl: "no-store",
                .contentSecurityPolicy: """
                default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                form-action 'self'; frame-ancestors 'none'; base-uri 'none'
                """,
            ],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text))
        )
    }
}
