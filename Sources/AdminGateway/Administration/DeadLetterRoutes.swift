import CeleryMessage
import HTTPTypes
import Hummingbird
import Inspection

/// What failed for good: kinds, lists, one; send back, delete, export.
struct DeadLetterRoutes: Sendable {
    let letters: any DeadLetters
    let changes: AuditedChanges
    let body: BodyReader

    /// The most letters of one request that names them.
    private static let mostIDs = 1000
    /// More letters than are ever kept.
    private static let everything = 1_000_000
    /// What letters are chosen by, in an address and in a body alike.
    private static let filters: Set<String> = [
        "fingerprint", "queue", "task", "tenant", "failed_after", "failed_before", "search",
    ]

    func add(
        viewer: RouterGroup<GatewayContext>,
        operator: RouterGroup<GatewayContext>,
        admin: RouterGroup<GatewayContext>
    ) {
        let path: RouterPath = "/api/v1/admin/dead-letters"
        viewer.group(path)
            .get(use: list)
            .get("groups", use: groups)
            .get("{task_id}", use: detail)
        `operator`.group(path)
            .get("export", use: export)
            .post("redrive", use: redrive)
        admin.group(path).post("delete", use: delete)
    }

    // MARK: Looking

    @Sendable private func groups(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryReader(request, known: [])
        return .success(.array(try await letters.groups().map { .object($0.json) }))
    }

    @Sendable private func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let reader = try QueryReader(request, known: Self.filters.union(["start", "end"]))
        let start = try reader.integer("start", in: 0...Int(Int32.max)) ?? 0
        let end = try reader.integer("end", in: 0...Int(Int32.max)) ?? start + 49
        let range = JobRoutes.range(start, end)
        var query = try Self.query(reader)
        query.offset = range.lowerBound
        query.limit = range.count
        let page = try await letters.letters(query)
        return .success(.array(page.letters.map { .object($0.summary) }), ["total": .int(Int64(page.total))])
    }

    @Sendable private func detail(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let id = try NameParameter.taskID.read(context)
        _ = try QueryReader(request, known: [])
        guard let letter = try await letters.letter(id: id) else {
            throw GatewayError.notFound("No dead letter of that id is kept.")
        }
        return .success(.object(letter.detail))
    }

    @Sendable private func export(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var query = try Self.query(try QueryReader(request, known: Self.filters))
        query.limit = Self.everything
        // Asked before the answer begins: without Redis it is an error and no empty file.
        _ = try await letters.groups()
        return DeadLetterExport.response(query, from: letters, named: "dead-letters")
    }

    private static func query(_ reader: QueryReader) throws -> DeadLetterQuery {
        var query = DeadLetterQuery()
        query.fingerprint = reader.text("fingerprint")
        query.queue = reader.text("queue")
        query.task = reader.text("task")
        query.tenant = reader.text("tenant")
        query.text = reader.text("search")
        query.failedAfter = try reader.integer("failed_after", in: 0...Instant.lastMillisecond).map(
            Instant.init(milliseconds:)
        )
        query.failedBefore = try reader.integer("failed_before", in: 0...Instant.lastMillisecond).map(
            Instant.init(milliseconds:)
        )
        return query
    }

    // MARK: Changing

    @Sendable private func redrive(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let members = try MemberReader(
            try await body.object(request),
            known: ["ids", "filter", "limit", "per_second"]
        )
        let pace = try members["per_second"].map { value in
            guard let number = value.number, number > 0, number <= 100_000 else {
                throw members.invalid("per_second", "Expected a number above 0, 100000 at most.")
            }
            return number
        }
        let choice = try Self.choice(members)
        return Self.counted(try await changes.redrive(choice, perSecond: pace, context))
    }

    @Sendable private func delete(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let members = try MemberReader(try await body.object(request), known: ["ids", "filter", "limit"])
        return Self.counted(try await changes.delete(try Self.choice(members), context))
    }

    private static func counted(_ count: Int) -> Response { .success(["count": .int(Int64(count))]) }

    /// The letters of these ids, or those that match: one of the two has to be said, so that nothing left out means all.
    private static func choice(_ members: MemberReader) throws -> DeadLetterChoice {
        let limit = try members.integer("limit", in: 1...everything)
        guard members["filter"] == nil else {
            guard members["ids"] == nil else { throw members.invalid("ids", "Expected either ids or filter.") }
            var query = try query(try MemberReader(try members.object("filter"), known: filters, prefix: "filter."))
            query.limit = limit ?? everything
            return .matching(query)
        }
        guard members["ids"] != nil else { throw members.invalid("ids", "Expected either ids or filter.") }
        guard limit == nil else { throw members.invalid("limit", "It goes with a filter only.") }
        return .ids(try members.names("ids", 1...mostIDs, of: "ids of tasks"))
    }

    private static func query(_ members: MemberReader) throws -> DeadLetterQuery {
        var query = DeadLetterQuery()
        query.fingerprint = try members.text("fingerprint")
        query.queue = try members.text("queue")
        query.task = try members.text("task")
        query.tenant = try members.text("tenant")
        query.text = try members.text("search")
        query.failedAfter = try members.integer("failed_after", in: 0...Instant.lastMillisecond).map(
            Instant.init(milliseconds:)
        )
        query.failedBefore = try members.integer("failed_before", in: 0...Instant.lastMillisecond).map(
            Instant.init(milliseconds:)
        )
        return query
    }
}

extension Instant {
    /// The end of the year 9999: later moments have no date.
    fileprivate static var lastMillisecond: Int { 253_402_300_799_999 }

    fileprivate init(milliseconds: Int) { self.init(microseconds: Int64(milliseconds) * 1000) }
}
