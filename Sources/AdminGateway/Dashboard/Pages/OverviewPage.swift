import CeleryMessage
import Inspection

/// Everything at a glance: what waits, runs and fails, queue by queue.
struct OverviewPage {
    /// What queues are ordered by.
    enum Order: String, CaseIterable {
        case name, waiting, active, delayed, completed, failed
    }

    /// How many queues one page has.
    static let size = 100

    var queues: [QueueCounts]
    var activity: Activity
    /// How many of the broker's messages are parked, held.
    var workers: [WorkerFacts]?
    var failures: [FinishedTask]
    var search: String?
    var order: Order?
    var offset = 0

    func page(_ frame: PageFrame) -> Page {
        let words = frame.words
        let wanted = ordered(queues.filter { search.map($0.name.lowercased().contains) ?? true })
        let shown = wanted.dropFirst(offset).prefix(Self.size)
        let minutes = activity.minutes(of: nil)
        var content: [String: Any] = [
            "tiles": tiles(frame, minutes), "chart": Self.chart(minutes, frame),
            "queueCount": frame.humanizer.count(wanted.count), "search": search ?? "",
            "hasQueues": !shown.isEmpty, "queues": shown.map { row($0, frame) }, "columns": columns(frame),
            "hasFailures": !failures.isEmpty, "failures": failures.map { failure($0, frame) },
            "hasWorkers": !(workers ?? []).isEmpty,
            "workers": (workers ?? []).prefix(8).map { WorkersPage.row($0, frame) },
        ]
        content["pager"] = frame.pager(offset: offset, shown: shown.count, total: wanted.count, size: Self.size) {
            PageFrame.address(
                frame.home,
                ["search": search, "order": order?.rawValue, "offset": $0 == 0 ? nil : String($0)]
            )
        }
        return Page(
            template: "overview",
            section: .overview,
            title: words["overview"],
            content: content
        )
    }

    /// The fullest first, unless somebody asks for another order.
    private func ordered(_ queues: [QueueCounts]) -> [QueueCounts] {
        switch order {
        case nil: queues.sorted { ($0.total, $1.name) > ($1.total, $0.name) }
        case .name: queues.sorted { $0.name < $1.name }
        case .waiting: queues.sorted { ($0.waiting, $1.name) > ($1.waiting, $0.name) }
        case .active: queues.sorted { ($0.active ?? 0, $1.name) > ($1.active ?? 0, $0.name) }
        case .delayed: queues.sorted { ($0.delayed ?? 0, $1.name) > ($1.delayed ?? 0, $0.name) }
        case .completed: queues.sorted { ($0.completedEver, $1.name) > ($1.completedEver, $0.name) }
        case .failed: queues.sorted { ($0.failedEver, $1.name) > ($1.failedEver, $0.name) }
        }
    }

    // MARK: Parts

    private func tiles(_ frame: PageFrame, _ minutes: [Activity.Ends]) -> [[String: Any]] {
        let (words, humanizer) = (frame.words, frame.humanizer)
        let waiting = queues.reduce(0) { $0 + $1.waiting }
        let oldest = queues.compactMap(\.oldestWaiting).max()
        let paused = queues.count(where: \.isPaused)
        let active = queues.reduce(0) { $0 + ($1.active ?? 0) }
        let slots = workers.map { $0.reduce(0) { $0 + ($1.concurrency ?? 0) } }
        let failed = minutes.reduce(0) { $0 + $1.failed }
        let ended = minutes.reduce(failed) { $0 + $1.completed }
        func tile(_ label: String, _ value: String, _ note: String, _ href: String, bad: Bool = false) -> [String: Any]
        {
            ["label": words[label], "value": value, "note": note, "href": frame.home + href, "kind": bad ? "bad" : ""]
        }
        return [
            tile(
                "waiting",
                humanizer.count(waiting),
                oldest.map { words["oldestNote", ["t": humanizer.age($0)]] }
                    ?? words[waiting > 0 ? "inTheirQueues" : "nothingWaits"],
                "/tasks?state=waiting"
            ),
            tile(
                "active",
                humanizer.count(active),
                slots.map { words["slotsNote", ["n": humanizer.count($0)]] } ?? "",
                "/tasks?state=active"
            ),
            tile(
                "delayed",
                humanizer.count(queues.reduce(0) { $0 + ($1.delayed ?? 0) }),
                paused > 0 ? words["pausedNote", ["n": humanizer.count(paused)]] : words["untilDue"],
                "/tasks?state=delayed"
            ),
            tile(
                "throughput",
                humanizer.number(activity.perMinute(minutes)),
                words["perMinute"],
                "/tasks?state=completed"
            ),
            tile(
                "failed",
                humanizer.count(failed),
                ended > 0
                    ? words["lastHourShare", ["p": humanizer.share(Double(failed) / Double(ended))]]
                    : words["lastHour"],
                "/tasks?state=failed",
                bad: failed > 0
            ),
            tile(
                "workers",
                workers.map { humanizer.count($0.count) } ?? "–",
                words["workersNote"],
                "/workers",
                bad: workers?.isEmpty ?? false
            ),
        ]
    }

    /// The last hour as a picture.
    static func chart(_ minutes: [Activity.Ends], _ frame: PageFrame) -> [String: Any] {
        let plot = Plot(
            values: minutes.map { Double($0.completed) },
            bad: minutes.map { Double($0.failed) },
            width: 720,
            height: 132
        )
        let words = frame.words
        let peak = frame.humanizer.count(Int(plot.peak))
        return [
            "width": "720", "height": "132", "line": plot.line, "area": plot.area, "bars": plot.bars,
            "from": words["hourAgo"], "to": words["now"], "peak": words["peak", ["n": peak]],
            "label": words[
                "chartLabel",
                ["c": total(minutes, \.completed, frame), "f": total(minutes, \.failed, frame)]
            ],
        ]
    }

    private static func total(
        _ minutes: [Activity.Ends],
        _ part: KeyPath<Activity.Ends, Int>,
        _ frame: PageFrame
    ) -> String {
        frame.humanizer.count(minutes.reduce(0) { $0 + $1[keyPath: part] })
    }

    private func columns(_ frame: PageFrame) -> [[String: Any]] {
        let names: [(String, Order?)] = [
            ("queue", .name), ("waiting", .waiting), ("active", .active), ("delayed", .delayed),
            ("completed", .completed), ("failed", .failed), ("rate", nil), ("failureShare", nil), ("oldest", nil),
            ("lastHour", nil),
        ]
        return names.map { name, itsOrder in
            let isChosen = itsOrder != nil && itsOrder == order
            return [
                "label": frame.words[name], "kind": name == "queue" || name == "lastHour" ? "" : "n",
                "href": itsOrder.map {
                    PageFrame.address(frame.home, ["search": search, "order": isChosen ? nil : $0.rawValue])
                } ?? false as Any,
                "sort": isChosen ? (itsOrder == .name ? "ascending" : "descending") as Any : false,
                "arrow": isChosen ? (itsOrder == .name ? " ↑" : " ↓") : "",
            ]
        }
    }

    private func row(_ queue: QueueCounts, _ frame: PageFrame) -> [String: Any] {
        let humanizer = frame.humanizer
        let minutes = activity.minutes(of: queue.name)
        let completed = minutes.reduce(0) { $0 + $1.completed }
        let failed = minutes.reduce(0) { $0 + $1.failed }
        let share = completed + failed > 0 ? Double(failed) / Double(completed + failed) : nil
        let plot = Plot(values: minutes.map { Double($0.completed) }, bad: minutes.map { Double($0.failed) })
        return [
            "name": queue.name, "key": PageFrame.key(queue.name), "href": frame.path(queue: queue.name),
            "isPaused": queue.isPaused, "hasNoConsumer": queue.consumers == 0 && queue.waiting > 0,
            "waiting": humanizer.count(queue.waiting), "active": humanizer.count(queue.active),
            "delayed": humanizer.count(queue.delayed), "completed": humanizer.count(queue.completedEver),
            "failed": humanizer.count(queue.failedEver), "failedKind": queue.failedEver > 0 ? "num-bad" : "zero",
            "rate": humanizer.number(activity.perMinute(minutes)),
            "share": share.map { humanizer.share($0) } ?? "–", "shareKind": (share ?? 0) > 0 ? "num-bad" : "zero",
            "oldest": queue.oldestWaiting.map { humanizer.age($0) } ?? "–",
            "spark": [
                "width": "116", "height": "26", "line": plot.line, "area": plot.area, "bars": plot.bars,
                "label": frame.words[
                    "chartLabel",
                    ["c": humanizer.count(completed), "f": humanizer.count(failed)]
                ],
            ],
        ]
    }

    private func failure(_ task: FinishedTask, _ frame: PageFrame) -> [String: Any] {
        [
            "task": PageFrame.short(task.name), "href": frame.path(task: task.id, queue: task.queue),
            "queue": task.queue, "error": TaskRow.error(task) ?? task.state.rawValue,
            "when": frame.humanizer.time(task.finishedAt),
        ]
    }
}
