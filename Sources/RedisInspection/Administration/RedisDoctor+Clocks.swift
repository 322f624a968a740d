import Inspection

extension RedisDoctor {
    /// What is said of the clocks of workers: of each that is off, of those that were silent, and of the rest together.
    ///
    /// - Parameters:
    ///   - readings: those that were heard.
    ///   - names: those that are there.
    static func findings(
        on readings: [ClockReading],
        of names: [String],
        patience: Duration,
        visibilityTimeout: Double
    ) -> [Finding] {
        var findings = readings.compactMap { finding(on: $0, visibilityTimeout) }
        let heard = Set(readings.map(\.node))
        let silent = Set(names).subtracting(heard).sorted()
        if !silent.isEmpty {
            findings.append(
                Finding(
                    check: "clocks.silent",
                    level: .warning,
                    text: "No heartbeat came within \(seconds(patience)) s from \(list(silent)): "
                        + "\(silent.count == 1 ? "its clock was" : "their clocks were") not compared."
                )
            )
        }
        let good = readings.count { abs($0.ahead) <= tolerance }
        if good > 0 {
            findings.append(
                Finding(
                    check: "clocks",
                    level: .ok,
                    text: good == 1
                        ? "The clock of one worker agrees with Redis'."
                        : "The clocks of \(good) workers agree with Redis'."
                )
            )
        }
        return findings
    }

    /// Seconds by which clocks may differ.
    private static let tolerance = 2.0
    /// Seconds from which tasks are dropped or run twice; Celery's own receivers complain of 16 and more.
    private static let bad = 15.0
    /// So many names are listed, at most.
    private static let mostNames = 10

    private static func finding(on reading: ClockReading, _ visibilityTimeout: Double) -> Finding? {
        let seconds = abs(reading.ahead)
        guard seconds > tolerance else { return nil }
        let process = reading.process == 0 ? "" : " (process \(reading.process))"
        return Finding(
            check: "clocks",
            level: seconds >= min(bad, visibilityTimeout / 2) ? .error : .warning,
            text: "The clock of \(reading.node)\(process) is \(tenths(seconds)) s "
                + (reading.ahead > 0
                    ? "ahead of Redis': it starts tasks with an ETA too early, takes them for expired too early, and takes back "
                        + "too early what others hold."
                    : "behind Redis': it starts tasks with an ETA too late, and takes expired ones for good.")
        )
    }

    /// With one digit behind the point.
    private static func tenths(_ seconds: Double) -> String {
        let tenths = Int64(min(seconds, 1e12) * 10 + 0.5)
        return tenths >= 1000 ? String(tenths / 10) : "\(tenths / 10).\(tenths % 10)"
    }

    /// Without a point where it is a whole number, as the option is written.
    private static func seconds(_ patience: Duration) -> String {
        let milliseconds = (patience / .milliseconds(1)).rounded()
        let text = String(milliseconds / 1000)
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    private static func list(_ names: [String]) -> String {
        let shown = names.prefix(mostNames).joined(separator: ", ")
        return names.count > mostNames ? "\(shown) and \(names.count - mostNames) more" : shown
    }
}
