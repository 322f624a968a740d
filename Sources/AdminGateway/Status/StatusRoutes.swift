import CeleryMessage
import HTTPTypes
import Hummingbird
import Inspection

/// `/tasks/{task_id}/status`: how far a task is, for front ends that poll, wait or follow.
struct StatusRoutes: Sendable {
    let inspector: TaskInspector
    let feed: any ResultFeed
    let configuration: GatewayConfiguration
    let memory: GatewayMemory
    /// Links to the files of results; `nil` where none can be downloaded.
    var downloads: Downloads?

    private static let parameters: Set<String> = ["wait", "strict", "plain", "locale"]

    func add(to routes: some RouterMethods<GatewayContext>) {
        for prefix: RouterPath in ["/api/tasks", "/tasks"] {
            routes.group(prefix).get("{task_id}/status", use: status).get("{task_id}/events", use: events)
        }
    }

    // MARK: Polling

    @Sendable private func status(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let id = try NameParameter.taskID.read(context)
        let query = try QueryReader(request, known: Self.parameters)
        let view = try view(query)
        let strict = try query.flag("strict")
        let condition = request.headers[.ifNoneMatch]
        var page = try await page(of: id, view, thoroughly: strict)
        if let wait = try query.seconds("wait", upTo: configuration.limits.wait), wait > .zero {
            page = try await later(than: page, id, view, condition, wait, thoroughly: strict)
        }
        if strict, page.status.isKnown == false { throw GatewayError.notFound("There is no task of that id.") }
        return response(page, condition)
    }

    private func view(_ query: QueryReader) throws -> View {
        var view = View(locale: configuration.locale, shape: try query.flag("plain") ? .plain : .full)
        if let text = query.text("locale") {
            guard let locale = StatusLocale(rawValue: text) else {
                throw GatewayError.invalid("locale", "Expected tr or en.")
            }
            view.locale = locale
        }
        return view
    }

    private func page(of id: String, _ view: View, thoroughly: Bool = false) async throws -> StatusPage {
        let status = try await inspector.status(of: id, thoroughly: thoroughly)
        guard view.shape == .full, let downloads else { return StatusPage(status, view) }
        return StatusPage(status, view, files: try await downloads.links(of: status))
    }

    private func response(_ page: StatusPage, _ condition: String?) -> Response {
        var headers: HTTPFields = [.eTag: page.tag.header, .cacheControl: "no-cache"]
        if !page.status.state.isReady { headers[.retryAfter] = String(configuration.pollingSeconds) }
        guard !page.tag.matches(condition) else { return Response(status: .notModified, headers: headers) }
        headers[.contentType] = "application/json; charset=utf-8"
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: page.body))
    }

    // MARK: Waiting

    /// The page once it differs from the one the client has (`If-None-Match`), or from the present one; after the time the
    /// present one.
    private func later(
        than first: StatusPage,
        _ id: String,
        _ view: View,
        _ condition: String?,
        _ wait: Duration,
        thoroughly: Bool
    ) async throws -> StatusPage {
        let isNews = { (page: StatusPage) in
            page.status.state.isReady || (condition.map { !page.tag.matches($0) } ?? (page.tag != first.tag))
        }
        if first.status.state.isReady || condition != nil && isNews(first) { return first }
        let most = configuration.limits.followers
        let waiting = ResultWait(feed: feed, followers: memory.followers, most: most)
        let place = try waiting.enter()
        defer { place.leave() }
        return try await waiting.value(id, within: wait, until: isNews) {
            try await page(of: id, view, thoroughly: thoroughly)
        }
    }

    // MARK: Following

    @Sendable private func events(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let id = try NameParameter.taskID.read(context)
        let view = try view(try QueryReader(request, known: ["plain", "locale"]))
        let seen = request.headers[.lastEventID]
        let first = try await page(of: id, view)
        // A browser that has the end and connects again is told by this to stop.
        if first.status.state.isReady, seen == first.tag.text { return Response(status: .noContent) }
        let place = try memory.followers.enter(most: configuration.limits.followers)
        let changes: ResultChanges
        do {
            changes = try await feed.changes(of: id)
        } catch {
            place.leave()
            throw error
        }
        let keepAlive = configuration.limits.keepAlive
        let (memory, user) = (memory, context.user)
        let stream = EventStream(
            changes: changes,
            keepAlive: keepAlive,
            seen: seen,
            isAllowed: { memory.admits(user) }
        ) { try await page(of: id, view) }
        return Response(
            status: .ok,
            headers: [
                .contentType: "text/event-stream", .cacheControl: "no-store", .xAccelBuffering: "no",
            ],
            body: ResponseBody { writer in
                defer { place.leave() }
                try await stream.write(to: &writer)
                try await writer.finish(nil)
            }
        )
    }
}

/// How a status is shown.
struct View: Sendable {
    var locale: StatusLocale
    var shape: StatusBody.Shape
}

/// A task's status as it is sent.
struct StatusPage: Sendable {
    let status: TaskStatus
    let body: ByteBuffer
    let tag: EntityTag

    init(_ status: TaskStatus, _ view: View, files: [Downloads.Link] = []) {
        func page(_ status: TaskStatus) -> ByteBuffer {
            WebJSON.buffer(StatusBody(status: status, locale: view.locale, shape: view.shape, files: files).json)
        }
        self.status = status
        body = page(status)
        // When a record was written is an estimate while the task runs: not worth waking those who wait.
        var undated = status
        undated.updatedAt = nil
        tag = EntityTag(page(undated))
    }
}
