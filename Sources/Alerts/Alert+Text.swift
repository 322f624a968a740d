import CeleryMessage

/// The words of an alert.
package struct AlertText: Sendable, Hashable {
    /// One line that says what happened.
    package var title: String
    /// Names and values, in order.
    package var facts: [(name: String, value: String)]
    /// The message, or the kinds of a summary.
    package var body: String
    /// Where the letters can be seen.
    package var link: String?

    /// Puts an alert into words.
    ///
    /// - Parameter home: the dashboard's address, without a slash at its end.
    package init(_ alert: Alert, home: String?) {
        let letter = alert.letter
        let name = letter.task.isEmpty ? "A message that cannot be read" : letter.task
        switch alert.subject {
        case .new:
            title =
                alert.count == 1
                ? "\(name) failed for good: \(letter.exception)"
                : "\(name) failed for good \(alert.count) times: \(letter.exception)"
            link = home.map { "\($0)/dead-letters/\(letter.fingerprint)" }
        case .more:
            title = "\(alert.count) more of \(name): \(letter.exception)"
            link = home.map { "\($0)/dead-letters/\(letter.fingerprint)" }
        case .summary(let kinds):
            title = "\(alert.count) tasks failed for good, in \(kinds) \(kinds == 1 ? "way" : "ways")"
            link = home.map { "\($0)/dead-letters" }
        case .test:
            title = "A test of Celeriac's alerts"
            link = home.map { "\($0)/dead-letters" }
        }
        if case .summary = alert.subject {
            facts = []
            body = alert.lines.map { line in
                "\(line.count) × \(line.letter.task): \(line.letter.exception): \(Self.short(line.letter.message))"
            }.joined(separator: "\n")
        } else {
            facts = [("Queue", letter.queue), ("Worker", letter.worker), ("Task id", letter.id)]
            if let tenant = letter.tenant { facts.insert(("Tenant", tenant), at: 1) }
            if letter.attempts > 1 { facts.append(("Attempts", "\(letter.attempts)")) }
            body = letter.message
        }
        if alert.count > 1 {
            facts.append(("First", ISO8601.string(alert.firstSeen)))
            facts.append(("Last", ISO8601.string(alert.lastSeen)))
        }
        title = Self.plain(title)
        facts = facts.filter { !$0.value.isEmpty }.map { ($0.name, Self.plain($0.value)) }
    }

    /// On one line, without control characters, 200 characters at most: names are whatever somebody sent.
    private static func plain(_ text: String) -> String {
        let scalars = text.unicodeScalars.lazy.map { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) ? " " : $0 }
        return String(String.UnicodeScalarView(scalars.prefix(200)))
    }

    private static func short(_ text: String) -> String { plain(String(text.prefix(120))) }

    package static func == (left: AlertText, right: AlertText) -> Bool {
        left.title == right.title && left.body == right.body && left.link == right.link
            && left.facts.elementsEqual(right.facts) { $0 == $1 }
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(title)
        hasher.combine(body)
    }
}
