import CeleryMessage
import HTTPTypes
import Hummingbird
import Inspection
import NIOCore

/// What each page shows, gathered.
extension DashboardRoutes {
    // MARK: Queues

    private static let lastFailures: HistoryQuery = {
        var query = HistoryQuery()
        query.states = [.failure]
        query.limit = 8
        return query
    }()

    func overview(_ asked: Asked) async throws -> Page {
        try await activity.look(at: history)
        async let queues = administration.queues.queues()
        async let workers = administration.workers.workers()
        async let failed = history.finished(Self.lastFailures).tasks
        var page = OverviewPage(
            queues: try await queues,
            activity: activity,
            workers: try await workers,
            failures: try await failed
        )
        page.search = asked.query["search"]?.lowercased()
        page.order = asked.query["order"].flatMap(OverviewPage.Order.init)
        page.offset = asked.offset
        return page.page(asked.frame)
    }

    func queue(_ asked: Asked) async throws -> Page {
        let name = try knownQueue(asked)
        try await activity.look(at: history)
        guard let counts = try await administration.queues.counts(of: [name]).first else {
            throw GatewayError.notFound("There is no queue of that name.")
        }
        let state = asked.query["state"].flatMap(JobState.init) ?? .waiting
        let range = asked.offset..<asked.offset + QueuePage.size
        let jobs = try await administration.queues.jobs(in: name, state: state, range: range)
        return QueuePage(counts: counts, state: state, jobs: jobs, offset: asked.offset, activity: activity)
            .page(asked.frame)
    }

    /// The queue of the path; none but the configured ones are asked for.
    func knownQueue(_ asked: Asked) throws -> String {
        let name = try asked.part("queue")
        guard administration.queues.queueNames.contains(name) else {
            throw GatewayError.notFound("There is no queue of that name.")
        }
        return name
    }

    // MARK: Tasks

    func tasks(_ asked: Asked) async throws -> Page {
        let filter = TasksPage.Filter(asked.query)
        var page = TasksPage(filter: filter, rows: [], queueNames: administration.queues.queueNames)
        if let state = filter.jobState, filter.tab != .latest || filter.offset == 0 {
            try await addJobs(state, to: &page)
        }
        if let query = filter.query(now: asked.frame.now) {
            let found = try await history.finished(query)
            page.rows += found.tasks.map { TaskRow($0) }
            page.total = found.total
        }
        return page.page(asked.frame)
    }

    /// Adds tasks that have not ended, of all queues that have some.
    private func addJobs(_ state: JobState, to page: inout TasksPage) async throws {
        let filter = page.filter
        let size = TasksPage.Filter.size
        let most = filter.isNarrow ? QueueAdministrationLimits.range : filter.offset + size
        let range = 0..<min(QueueAdministrationLimits.range, most)
        let counts = try await administration.queues.queues().filter { counts in
            guard filter.queue == nil || filter.queue == counts.name else { return false }
            switch state {
            case .waiting: return counts.waiting > 0
            case .active: return counts.active != 0
            default: return counts.delayed != 0
            }
        }
        var jobs: [JobSummary] = []
        var total: Int? = 0
        for queue in counts.prefix(100) {
            let part = try await administration.queues.jobs(in: queue.name, state: state, range: range)
            jobs += part.jobs
            total = total.flatMap { sum in part.total.map { sum + $0 } }
        }
        let isWhole = total.map { $0 <= jobs.count } ?? false
        if filter.isNarrow {
            jobs = jobs.filter(filter.matches)
            total = jobs.count
            page.isPartial = !isWhole && filter.tab != .latest
        }
        page.total = total
        page.rows = jobs.dropFirst(filter.offset).prefix(size).map { TaskRow($0) }
    }

    func task(_ asked: Asked) async throws -> Page {
        let id = try asked.part("task_id")
        guard NameParameter.isFit(id) else { throw Refusal(status: .notFound, name: "task") }
        var page = TaskPage(id: id)
        page.finished = try await history.finished(taskID: id)
        page.status = try await status(of: id)
        let known = administration.queues.queueNames
        let queue = asked.query["queue"] ?? page.status?.queue ?? page.finished?.queue
        if let queue, known.contains(queue) { page.job = try await administration.queues.job(id, in: queue) }
        page.isDeadLetter = try await deadLetters.letter(id: id) != nil
        guard page.isKnown else { throw Refusal(status: .notFound, name: "task") }
        if page.finished == nil { page.explanation = try await administration.explaining.explain(id) }
        page.relatives = try await relatives(of: page)
        // A page's links carry no token.
        if let downloads, downloads.configuration.access == .everyone, let status = page.status {
            page.files = try await downloads.links(of: status)
        }
        return page.page(asked.frame)
    }

    /// The stored status; `nil` where nothing can be read, which is no reason not to show the rest.
    private func status(of id: String) async throws -> TaskStatus? {
        do {
            return try await inspector.status(of: id)
        } catch let error as InspectionError where error.code != .unavailable {
            return nil
        }
    }

    /// The tasks of the same workflow that have ended.
    private func relatives(of page: TaskPage) async throws -> [TaskPage.Relative] {
        var query = HistoryQuery()
        query.rootID = page.finished?.rootID ?? page.job?.root ?? page.id
        query.limit = TaskPage.mostRelatives
        return try await history.finished(query).tasks.map { task in
            TaskPage.Relative(
                id: task.id,
                name: task.name,
                parent: task.parentID,
                group: task.groupID,
                state: TaskRow.State(ended: task.state)
            )
        }
    }

    // MARK: Workers, schedule

    func workers(_ asked: Asked) async throws -> Page {
        WorkersPage(workers: try await administration.workers.workers()).page(asked.frame)
    }

    func worker(_ asked: Asked) async throws -> Page {
        guard let detail = try await administration.workers.worker(try asked.part("worker")) else {
            throw Refusal(status: .notFound, name: "worker")
        }
        return WorkerPage(detail: detail).page(asked.frame)
    }

    func schedule(_ asked: Asked) async throws -> Page {
        SchedulePage(schedule: try await administration.schedule.schedule()).page(asked.frame)
    }

    // MARK: Dead letters, audit

    func deadLetterGroups(_ asked: Asked) async throws -> Page {
        var groups: [DeadLettersPage.Group] = []
        for (place, group) in try await deadLetters.groups().prefix(200).enumerated() {
            var query = DeadLetterQuery()
            query.fingerprint = group.fingerprint
            query.limit = 1
            // What is further down is found by its task and exception.
            let newest = place < 50 ? try await deadLetters.letters(query).letters.first : nil
            groups.append(.init(group: group, newest: newest))
        }
        return DeadLettersPage(groups: groups).page(asked.frame)
    }

    func deadLetterGroup(_ asked: Asked) async throws -> Page {
        let fingerprint = try asked.part("fingerprint")
        var query = DeadLetterQuery()
        query.fingerprint = fingerprint
        query.offset = asked.offset
        query.limit = DeadGroupPage.size
        let group = try await deadLetters.groups().first { $0.fingerprint == fingerprint }
        guard group != nil || fingerprint.allSatisfy(\.isHexDigit) else {
            throw GatewayError.notFound("There is no such kind of dead letters.")
        }
        return DeadGroupPage(
            fingerprint: fingerprint,
            group: group,
            letters: try await deadLetters.letters(query),
            offset: asked.offset
        ).page(asked.frame)
    }

    func audit(_ asked: Asked) async throws -> Page {
        let range = asked.offset..<asked.offset + AuditListPage.size
        return AuditListPage(changes: try await administration.audit.entries(range), offset: asked.offset)
            .page(asked.frame)
    }

    /// Dead letters of a kind as JSON lines, message included; for operators, as messages hold what lists mask.
    func export(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let visitor = try visitor(request, context)
        guard visitor.has(.operator) else {
            return problem(
                Refusal(status: .forbidden, name: "forbidden", role: .operator),
                frame(request, visitor),
                context
            )
        }
        guard let fingerprint = context.parameters.get("fingerprint"), fingerprint.allSatisfy(\.isHexDigit) else {
            throw GatewayError.notFound("There is no such kind of dead letters.")
        }
        var query = DeadLetterQuery()
        query.fingerprint = fingerprint
        query.limit = .max
        return DeadLetterExport.response(query, from: deadLetters, named: "dead-letters-\(fingerprint)")
    }
}
