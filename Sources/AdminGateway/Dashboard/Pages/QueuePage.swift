import Inspection

/// One queue: how it stands, its tasks by state, and what can be done to it.
struct QueuePage {
    /// How many tasks one page has.
    static let size = 50
    /// The ages between which one chooses when finished tasks are to be forgotten, in seconds.
    static let graces = [0, 3600, 86_400, 604_800]

    var counts: QueueCounts
    var state: JobState
    var jobs: JobPage
    var offset = 0
    var activity: Activity

    func page(_ frame: PageFrame) -> Page {
        let words = frame.words
        let minutes = activity.minutes(of: counts.name)
        var content: [String: Any] = [
            "isPaused": counts.isPaused, "here": frame.path(queue: counts.name), "tiles": tiles(frame, minutes),
            "chart": OverviewPage.chart(minutes, frame), "tabs": tabs(frame),
            "graceOptions": Self.graces.map { seconds in
                [
                    "value": String(seconds),
                    "label": seconds == 0
                        ? words["anyAge"] : words["olderThanAge", ["t": frame.humanizer.age(Double(seconds))]],
                ]
            },
        ]
        let empty = (words["noTasks.\(state.rawValue)"], words["noTasksHelp"])
        content.merge(
            TasksPage.table(jobs.jobs.map(TaskRow.init), empty: empty, frame, state.rawValue)
        ) { $1 }
        content["pager"] = frame.pager(offset: offset, shown: jobs.jobs.count, total: jobs.total, size: Self.size) {
            address(frame, state, offset: $0)
        }
        return Page(
            template: "queue",
            section: .overview,
            title: counts.name,
            subtitle: counts.isPaused ? words["paused"] : nil,
            crumb: (words["queues"], ""),
            content: content
        )
    }

    private func address(_ frame: PageFrame, _ state: JobState, offset: Int = 0) -> String {
        PageFrame.address(
            frame.path(queue: counts.name),
            ["state": state == .waiting ? nil : state.rawValue, "offset": offset == 0 ? nil : String(offset)]
        )
    }

    private func tabs(_ frame: PageFrame) -> [[String: Any]] {
        JobState.allCases.map { each in
            let count: Int? =
                switch each {
                case .waiting: counts.waiting
                case .active: counts.active
                case .delayed: counts.delayed
                case .completed: counts.completed
                case .failed: counts.failed
                }
            return [
                "label": frame.words["state.\(each.rawValue)"], "href": address(frame, each),
                "isCurrent": each == state, "count": frame.humanizer.count(count),
            ]
        }
    }

    private func tiles(_ frame: PageFrame, _ minutes: [Activity.Ends]) -> [[String: Any]] {
        let (words, humanizer) = (frame.words, frame.humanizer)
        let failed = minutes.reduce(0) { $0 + $1.failed }
        let ended = minutes.reduce(failed) { $0 + $1.completed }
        func tile(_ label: String, _ value: String, _ note: String, bad: Bool = false) -> [String: Any] {
            ["label": words[label], "value": value, "note": note, "kind": bad ? "bad" : ""]
        }
        return [
            tile(
                "waiting",
                humanizer.count(counts.waiting),
                counts.oldestWaiting.map { words["oldestNote", ["t": humanizer.age($0)]] }
                    ?? words[counts.waiting > 0 ? "inTheQueue" : "nothingWaits"]
            ),
            tile(
                "active",
                humanizer.count(counts.active),
                counts.consumers.map { words["consumersNote", ["n": humanizer.count($0)]] } ?? "",
                bad: counts.consumers == 0 && counts.waiting > 0
            ),
            tile("delayed", humanizer.count(counts.delayed), words["untilDue"]),
            tile("throughput", humanizer.number(activity.perMinute(minutes)), words["perMinute"]),
            tile(
                "failureShare",
                ended > 0 ? humanizer.share(Double(failed) / Double(ended)) : "–",
                words["lastHour"],
                bad: failed > 0
            ),
            tile(
                "completed",
                humanizer.count(counts.completedEver),
                words["failedNote", ["n": humanizer.count(counts.failedEver)]]
            ),
        ]
    }
}
