import Inspection

/// What beat sends when.
struct SchedulePage {
    var schedule: ScheduleFacts

    func page(_ frame: PageFrame) -> Page {
        let words = frame.words
        let beat = schedule.beats.max { $0.lastSign < $1.lastSign }
        return Page(
            template: "schedule",
            section: .schedule,
            title: words["schedule"],
            subtitle: beat.map {
                words[
                    "beatSigns",
                    ["n": frame.humanizer.count(schedule.beats.count), "t": frame.humanizer.distance($0.lastSign)]
                ]
            },
            content: [
                "hasEntries": !schedule.entries.isEmpty,
                "warning": beat == nil && !schedule.entries.isEmpty ? words["noBeat"] as Any : false,
                "entries": schedule.entries.map { row($0, frame) },
            ]
        )
    }

    private func row(_ entry: ScheduledEntry, _ frame: PageFrame) -> [String: Any] {
        let humanizer = frame.humanizer
        let state = entry.isPaused ? "paused" : entry.isEnabled ? "online" : "waiting"
        var last: Any = false
        if let moment = entry.last {
            var time = humanizer.time(moment)
            time["href"] = maybe(entry.lastTaskID.map { frame.path(task: $0, queue: entry.queue) })
            last = time
        }
        return [
            "name": entry.name, "key": PageFrame.key(entry.name), "encoded": PercentEncoding.encoded(entry.name),
            "task": entry.task, "shortTask": PageFrame.short(entry.task), "purpose": maybe(entry.purpose),
            "queue": entry.queue ?? "–",
            "times": Self.times(entry.times),
            "state": state,
            "stateText": frame.words[entry.isPaused ? "paused" : entry.isEnabled ? "enabled" : "disabled"],
            "isPaused": entry.isPaused, "last": last,
            "following": entry.isPaused ? false : entry.next.map { humanizer.time($0) } ?? false as Any,
            "sent": humanizer.count(entry.sent), "missed": humanizer.count(entry.missed),
            "missedKind": entry.missed > 0 ? "num-bad" : "zero",
        ]
    }

    /// A schedule's times without the frame that Celery puts around them.
    static func times(_ text: String) -> String {
        guard text.hasPrefix("<"), text.hasSuffix(">"), let colon = text.firstRange(of: ": ") else { return text }
        let times = text[colon.upperBound...].dropLast()
        return String(times.hasSuffix(" (m/h/dM/MY/d)") ? times.dropLast(14) : times)
    }
}
