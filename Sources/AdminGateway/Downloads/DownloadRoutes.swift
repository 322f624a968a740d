import CeleryMessage
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Inspection

/// `/api/tasks/{task_id}/files/{name}`: the files of tasks' results, for whoever has a signed link.
struct DownloadRoutes: Sendable {
    let downloads: Downloads
    let inspector: TaskInspector
    let auditor: Auditor
    let limits: GatewayLimits
    private let metrics: DownloadMetrics
    private let body: BodyReader

    private static let longestLifetime: Duration = .seconds(31 * 86_400)

    init(
        downloads: Downloads,
        inspector: TaskInspector,
        auditor: Auditor,
        limits: GatewayLimits,
        metrics: DownloadMetrics
    ) {
        self.downloads = downloads
        self.inspector = inspector
        self.auditor = auditor
        self.limits = limits
        self.metrics = metrics
        body = BodyReader(largest: limits.bodyBytes, longest: limits.idleTime)
    }

    /// Adds the route that sends a file.
    func addFiles(to routes: some RouterMethods<GatewayContext>) {
        routes.get("/api/tasks/{task_id}/files/{name}", use: file)
    }

    /// Adds the route that makes a link.
    func addLinks(to routes: some RouterMethods<GatewayContext>) {
        routes.post("/api/tasks/{task_id}/files/{name}/link", use: link)
    }

    // MARK: Files

    @Sendable private func file(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let id = try NameParameter.taskID.read(context)
        let name = try Self.name(context)
        let query = try QueryReader(request, known: ["expires", "signature"])
        let file = try await open(name, id, query)
        var headers: HTTPFields = [
            .eTag: file.tag, .cacheControl: "private, no-cache", .acceptRanges: "bytes",
            // Whatever is in the file, a browser runs nothing of it.
            .contentSecurityPolicy: "default-src 'none'; sandbox; frame-ancestors 'none'",
        ]
        guard !Self.matches(request.headers[.ifNoneMatch], file.tag) else {
            return Response(status: .notModified, headers: headers)
        }
        headers[.contentType] = AttachmentHeaders.type(name)
        headers[.contentDisposition] = AttachmentHeaders.disposition(String(name.split(separator: "/").last ?? ""))
        let condition = request.headers[.ifRange]
        let isSame = condition == nil || condition == file.tag
        switch ByteRange(isSame ? request.headers[.range] : nil, size: file.size) {
        case .whole: return try send(file, 0..<file.size, .ok, headers, context)
        case .part(let range):
            headers[.contentRange] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(file.size)"
            return try send(file, range, .partialContent, headers, context)
        case .unsatisfiable:
            metrics.count(.range)
            var error = GatewayError(.rangeNotSatisfiable, "range", "The file has no such bytes.", field: "Range")
            error.headers[.contentRange] = "bytes */\(file.size)"
            throw error
        }
    }

    private static func name(_ context: GatewayContext) throws -> String {
        guard let name = context.part("name"), OpenedFile.isFit(name) else {
            throw GatewayError.invalid("name", "Expected a file's name.")
        }
        return name
    }

    private func open(_ name: String, _ id: String, _ query: QueryReader) async throws -> OpenedFile {
        guard let signature = query.text("signature"), let expires = query.text("expires").flatMap({ Int64($0) }) else {
            metrics.count(.signature)
            throw GatewayError(.forbidden, "forbidden", "A file needs its signed link.")
        }
        let folder: String
        do throws(Downloads.Refusal) {
            folder = try downloads.folder(taskID: id, name: name, expires: expires, signature: signature)
        } catch {
            switch error {
            case .wrong:
                metrics.count(.signature)
                throw GatewayError(.forbidden, "forbidden", "The link is not one of this gateway's.")
            case .expired:
                metrics.count(.expired)
                throw GatewayError(.gone, "expired", "The link's time is over; ask for a new one.")
            }
        }
        guard let file = try await OpenedFile.opened(name, below: folder) else {
            metrics.count(.missing)
            throw GatewayError.notFound("The file is not there any more.")
        }
        return file
    }

    private func send(
        _ file: OpenedFile,
        _ range: Range<Int64>,
        _ status: HTTPResponse.Status,
        _ headers: HTTPFields,
        _ context: GatewayContext
    ) throws -> Response {
        // Held by the body: given back when it has been sent, or is dropped as after HEAD.
        let place = try place()
        let metrics = metrics
        let stream = FileStream(
            file: file,
            range: range,
            channel: context.channel,
            patience: limits.idleTime,
            onTaken: { metrics.count(bytes: $0) }
        )
        return Response(
            status: status,
            headers: headers,
            body: ResponseBody(contentLength: range.count) { writer in
                defer { withExtendedLifetime(place) {} }
                do {
                    try await stream.write(to: &writer)
                } catch {
                    metrics.count(.broken)
                    throw error
                }
                metrics.count(.complete)
            }
        )
    }

    private func place() throws -> Places.Place {
        do {
            return try metrics.places.enter(most: downloads.configuration.simultaneous)
        } catch {
            metrics.count(.full)
            throw error
        }
    }

    private static func matches(_ condition: String?, _ tag: String) -> Bool {
        guard let condition else { return false }
        return condition.split(separator: ",").contains { part in
            let own = part.filter { $0 != " " }
            return own == "*" || own == tag || own == "W/" + tag
        }
    }

    // MARK: Links

    @Sendable private func link(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let id = try NameParameter.taskID.read(context)
        let name = try Self.name(context)
        let members = try MemberReader(try await body.optionalObject(request), known: ["lifetime"])
        let lifetime = try members.delay("lifetime")
        if let lifetime, !(.seconds(1)...Self.longestLifetime ~= lifetime) {
            throw members.invalid("lifetime", "Expected seconds from 1 to \(Self.longestLifetime.components.seconds).")
        }
        let link = try await auditor.change(
            "file.link",
            id,
            context,
            outcome: { (link: Downloads.Link) in .init(name: "made", detail: ["file": .string(link.file.place.name)]) }
        ) {
            let status = try await inspector.status(of: id)
            guard let link = try await downloads.link(to: name, of: status, for: lifetime) else {
                throw GatewayError.notFound("The task's result names no file of that name that is there.")
            }
            return link
        }
        metrics.countLink()
        var data = link.json
        data["expires_at"] = .string(ISO8601.string(Instant(microseconds: link.expires * 1_000_000)))
        return .success(.object(data))
    }
}
