import Inspection

/// What failed for good, by the way in which it failed.
struct DeadLettersPage {
    /// A group and a letter of it to show for the others.
    struct Group {
        var group: DeadLetterGroup
        var newest: DeadLetter?
    }

    var groups: [Group]

    func page(_ frame: PageFrame) -> Page {
        let total = groups.reduce(0) { $0 + $1.group.count }
        return Page(
            template: "deadletters",
            section: .dead,
            title: frame.words["dead"],
            subtitle: total == 0
                ? nil
                : frame.words[
                    "deadSummary",
                    ["n": frame.humanizer.count(total), "g": frame.humanizer.count(groups.count)]
                ],
            content: ["hasGroups": !groups.isEmpty, "groups": groups.map { row($0, frame) }]
        )
    }

    private func row(_ each: Group, _ frame: PageFrame) -> [String: Any] {
        let (group, humanizer) = (each.group, frame.humanizer)
        let task = group.kind.task.isEmpty ? frame.words["unreadable"] : group.kind.task
        return [
            "key": group.fingerprint, "href": "\(frame.home)/dead-letters/\(group.fingerprint)", "task": task,
            "shortTask": PageFrame.short(task), "queues": each.newest?.task.queue ?? "",
            "exception": group.kind.exception, "message": each.newest?.task.failure?.message ?? "",
            "frame": group.kind.topFrame ?? "", "count": humanizer.count(group.count),
            "first": humanizer.time(group.firstSeen), "last": humanizer.time(group.lastSeen),
        ]
    }
}

/// Dead letters of one kind.
struct DeadGroupPage {
    /// How many letters one page has.
    static let size = 50

    var fingerprint: String
    /// `nil` where the last letter of the kind has gone.
    var group: DeadLetterGroup?
    var letters: DeadLetterPage
    var offset = 0

    func page(_ frame: PageFrame) -> Page {
        let (words, humanizer) = (frame.words, frame.humanizer)
        let path = "\(frame.home)/dead-letters/\(fingerprint)"
        let kind = group?.kind
        return Page(
            template: "deadgroup",
            section: .dead,
            title: kind.map { $0.task.isEmpty ? words["unreadable"] : PageFrame.short($0.task) } ?? fingerprint,
            subtitle: kind.map { [$0.exception, $0.topFrame].compactMap { $0 }.joined(separator: " · ") },
            crumb: (words["dead"], "/dead-letters"),
            content: [
                "here": path, "herePath": path, "facts": facts(frame), "total": humanizer.count(letters.total),
                "hasLetters": !letters.letters.isEmpty,
                "letters": letters.letters.map { letter in
                    [
                        "id": letter.id, "key": PageFrame.key(letter.id),
                        "href": frame.path(task: letter.id, queue: letter.task.queue), "queue": letter.task.queue,
                        "tenant": maybe(letter.task.tenant), "arguments": TaskRow.arguments(letter.task),
                        "message": letter.task.failure?.message ?? letter.reason,
                        "attempts": humanizer.count(letter.task.attempts),
                        "when": humanizer.time(letter.task.finishedAt),
                    ]
                },
                "pager": frame.pager(
                    offset: offset,
                    shown: letters.letters.count,
                    total: letters.total,
                    size: Self.size
                ) { PageFrame.address(path, ["offset": $0 == 0 ? nil : String($0)]) },
            ]
        )
    }

    private func facts(_ frame: PageFrame) -> [[String: Any]] {
        guard let group else { return [] }
        func fact(_ label: String, _ value: String) -> [String: Any] {
            ["label": frame.words[label], "value": value, "when": false]
        }
        return [
            fact("task", group.kind.task), fact("error", group.kind.exception),
            fact("frame", group.kind.topFrame ?? "–"), fact("count", frame.humanizer.count(group.count)),
            [
                "label": frame.words["firstSeen"], "value": "", "when": frame.humanizer.time(group.firstSeen),
            ],
            ["label": frame.words["lastSeen"], "value": "", "when": frame.humanizer.time(group.lastSeen)],
        ]
    }
}
