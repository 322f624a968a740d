import CeleryMessage
import Schedules
import Settings
import WorkerCommandLine

/// What a beat prints before it starts, in the shape people search for, and what it would do.
struct BeatBanner {
    let schedule: ScheduleFile
    let configuration: CeleriacConfiguration
    /// The node that answers `ping`, if it does.
    let nodeName: String?
    /// Where log lines go, and from which level on.
    let log: String
    let maxInterval: Duration

    /// How many entries are listed; a larger schedule is for `plan`.
    static let listed = 50

    var text: String {
        var lines = [
            "celeriac-beat v\(Program.version) (celeriac) is starting.",
            "__    -    ... __   -        _",
            "LocalTime -> \(CeleryLogHandler.time().prefix(19))",
            "Configuration ->",
            "    . broker -> \(broker)",
            "    . scheduler -> celeriac (\(schedule.mode == .redis ? "shared, in Redis" : "local"))",
            "    . db -> \(schedule.file) (\(schedule.name))",
            "    . logfile -> \(log)",
            "    . maxinterval -> \(Self.minutes(maxInterval))",
        ]
        if let nodeName { lines.append("    . remote control -> \(nodeName)") }
        lines.append("Schedule ->")
        let shown = schedule.entries.prefix(Self.listed)
        let widths = (
            name: shown.map(\.name.count).max() ?? 0, times: shown.map { "\($0.schedule)".count }.max() ?? 0
        )
        for entry in shown {
            let off = entry.isEnabled ? "" : "  (off)"
            lines.append(
                "    . \(Self.padded(entry.name, widths.name))  \(Self.padded("\(entry.schedule)", widths.times))  "
                    + "\(entry.zone.name)  \(entry.task)\(off)"
            )
        }
        if schedule.entries.count > shown.count {
            lines.append("    . and \(schedule.entries.count - shown.count) more; `plan` lists all")
        }
        if shown.isEmpty { lines.append("    . no entries") }
        return lines.joined(separator: "\n") + "\n"
    }

    /// What would be sent first of each entry, were it started now.
    func preview(at now: Instant) -> String {
        var lines = ["APP_ENV=test: nothing is sent."]
        for entry in schedule.entries where entry.isEnabled {
            guard let slot = entry.nextSlot(after: now, anchor: now) else {
                lines.append("Would not send \(entry.name) (\(entry.task)) any more")
                continue
            }
            let time = ISO8601.string(slot, offset: entry.zone.offset(at: slot))
            lines.append("Would send due task \(entry.name) (\(entry.task)) at \(time)")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private var broker: String {
        guard schedule.mode == .redis else { return "none: handlers run in this process" }
        return configuration.broker.consumeURL.bannerText
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    /// As Celery prints it: `5.00 minutes (300s)`.
    private static func minutes(_ duration: Duration) -> String {
        let seconds = Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
        let (value, unit) = seconds >= 60 ? (seconds / 60, "minutes") : (seconds, "seconds")
        let hundredths = Int((value * 100).rounded())
        let part = hundredths % 100
        let plain = seconds == seconds.rounded() ? String(Int(seconds)) : String(seconds)
        return "\(hundredths / 100).\(part < 10 ? "0" : "")\(part) \(unit) (\(plain)s)"
    }
}
