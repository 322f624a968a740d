import CeleryMessage
import Inspection

/// Tasks of all queues, with filters.
struct TasksPage {
    /// What is asked for.
    struct Filter: Sendable, Hashable {
        /// The tabs.
        enum Tab: String, Sendable, CaseIterable {
            case latest, active, waiting, delayed, completed, failed, revoked
        }

        var tab = Tab.latest
        var search: String?
        var queue: String?
        var task: String?
        var tenant: String?
        var within: Within?
        var offset = 0

        /// How many tasks one page has.
        static let size = 50

        init() {}

        /// Reads what an address asks for; what makes no sense there asks for nothing.
        init(_ form: Form) {
            tab = form["state"].flatMap(Tab.init) ?? .latest
            search = form["search"]
            queue = form["queue"]
            task = form["task"]
            tenant = form["tenant"]
            within = form["within"].flatMap(Within.init)
            offset = min(1_000_000, max(0, form["offset"].flatMap { Int($0) } ?? 0))
        }

        /// Whether anything but the tab is chosen.
        var isNarrow: Bool { search != nil || queue != nil || task != nil || tenant != nil || within != nil }

        /// The history's question; `nil` for tasks that have not ended.
        func query(now: Instant) -> HistoryQuery? {
            var query = HistoryQuery()
            switch tab {
            case .latest: break
            case .completed: query.states = FinishedTask.completedStates
            case .failed: query.states = [.failure, .rejected]
            case .revoked: query.states = [.revoked]
            case .active, .waiting, .delayed: return nil
            }
            query.queue = queue
            query.namePart = task
            query.tenant = tenant
            query.text = search
            query.finishedAfter = within.map { now - .seconds($0.seconds) }
            query.offset = offset
            query.limit = Self.size
            return query
        }

        /// The state of jobs that are on their way.
        var jobState: JobState? {
            switch tab {
            case .active, .latest: .active
            case .waiting: .waiting
            case .delayed: .delayed
            case .completed, .failed, .revoked: nil
            }
        }

        /// Whether a job that has not ended is asked for.
        func matches(_ job: JobSummary) -> Bool {
            if let task, !HistoryQuery.holds(task, in: job.task ?? "") { return false }
            if let tenant, job.tenant != tenant { return false }
            guard let search else { return true }
            return job.id == search || job.arguments.contains(search)
        }

        func address(_ home: String, tab: Tab? = nil, offset: Int = 0) -> String {
            let tab = tab ?? self.tab
            return PageFrame.address(
                home + "/tasks",
                [
                    "state": tab == .latest ? nil : tab.rawValue, "search": search, "queue": queue, "task": task,
                    "tenant": tenant, "within": within?.rawValue, "offset": offset == 0 ? nil : String(offset),
                ]
            )
        }
    }

    /// Spans of time that end now.
    enum Within: String, Sendable, CaseIterable {
        case fifteenMinutes = "15m"
        case hour = "1h"
        case day = "24h"
        case week = "7d"

        var seconds: Int {
            switch self {
            case .fifteenMinutes: 900
            case .hour: 3600
            case .day: 86_400
            case .week: 604_800
            }
        }
    }

    var filter: Filter
    var rows: [TaskRow]
    /// How many there are in all; `nil` where that cannot be told.
    var total: Int?
    var queueNames: [String]
    /// Whether only the first of the waiting tasks were looked through.
    var isPartial = false

    func page(_ frame: PageFrame) -> Page {
        let words = frame.words
        var content: [String: Any] = [
            "tabs": Filter.Tab.allCases.map { tab in
                [
                    "label": words[tab == .latest ? "latest" : "state.\(tab.rawValue)"],
                    "href": filter.address(frame.home, tab: tab), "isCurrent": tab == filter.tab, "count": false,
                ]
            },
            "state": filter.tab == .latest ? "" : filter.tab.rawValue,
            "search": filter.search ?? "", "task": filter.task ?? "", "tenant": filter.tenant ?? "",
            "queueOptions": queueNames.map { ["value": $0, "isChosen": $0 == filter.queue] },
            "withinOptions": [["value": "", "label": words["anyTime"], "isChosen": filter.within == nil]]
                + Within.allCases.map {
                    ["value": $0.rawValue, "label": words["within.\($0.rawValue)"], "isChosen": $0 == filter.within]
                },
            "isFiltered": filter.isNarrow, "clearHref": Filter.clear(filter.tab, frame.home),
            "warning": isPartial ? words["partialSearch"] as Any : false,
        ]
        content.merge(Self.table(rows, empty: empty(words), frame, filter.tab.rawValue)) { $1 }
        content["pager"] = frame.pager(
            offset: filter.offset,
            shown: min(rows.count, Filter.size),
            total: total,
            size: Filter.size
        ) { filter.address(frame.home, offset: $0) }
        return Page(template: "tasks", section: .tasks, title: words["tasks"], content: content)
    }

    private func empty(_ words: Words) -> (title: String, help: String) {
        if filter.isNarrow { return (words["noMatch"], words["noMatchHelp"]) }
        return (words["noTasks.\(filter.tab.rawValue)"], words["noTasksHelp"])
    }

    /// The table of tasks and what can be done with those that are picked.
    static func table(
        _ rows: [TaskRow],
        empty: (title: String, help: String),
        _ frame: PageFrame,
        _ state: String
    ) -> [String: Any] {
        [
            "hasTasks": !rows.isEmpty, "tasks": rows.map { $0.context(frame) }, "emptyTitle": empty.title,
            "emptyHelp": empty.help,
            "picks": frame.visitor.has(.operator) && !rows.isEmpty && state != "latest"
                ? ["canRetry": state == "failed", "canPromote": state == "delayed"] as Any : false,
        ]
    }
}

extension TasksPage.Filter {
    fileprivate static func clear(_ tab: Tab, _ home: String) -> String {
        var filter = Self()
        filter.tab = tab
        return filter.address(home)
    }
}
