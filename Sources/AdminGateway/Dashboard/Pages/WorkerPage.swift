import CeleryMessage
import Inspection

/// One worker: what it does, and what it can be told.
struct WorkerPage {
    var detail: WorkerDetail

    func page(_ frame: PageFrame) -> Page {
        let (words, humanizer, facts) = (frame.words, frame.humanizer, detail.facts)
        let here = frame.path(worker: facts.name)
        let ran = facts.ran.sorted { ($0.value, $1.key) > ($1.value, $0.key) }
        func tile(_ label: String, _ value: String, _ note: String = "") -> [String: Any] {
            ["label": words[label], "value": value, "note": note, "kind": ""]
        }
        return Page(
            template: "worker",
            section: .workers,
            title: facts.name,
            subtitle: facts.isCeleriac ? "Celeriac" : "Celery",
            crumb: (words["workers"], "/workers"),
            content: [
                "here": here,
                "tiles": [
                    tile(
                        "utilisation",
                        "\(facts.active) / \(facts.concurrency.map(String.init) ?? "–")",
                        words["processesNote", ["n": humanizer.count(facts.processes.count)]]
                    ),
                    tile(
                        "reserved",
                        humanizer.count(facts.reserved),
                        facts.prefetch.map { words["prefetchNote", ["n": humanizer.count($0)]] } ?? ""
                    ),
                    tile("processed", humanizer.count(facts.processed)),
                    tile("memory", facts.memory.map { humanizer.bytes($0) } ?? "–", words["peakNote"]),
                    tile(
                        "uptime",
                        facts.uptime.map { humanizer.duration($0) } ?? "–",
                        facts.pid.map { "pid \($0)" } ?? ""
                    ),
                ],
                "hasRunning": !detail.active.isEmpty,
                "running": detail.active.map { task in
                    [
                        "id": task.id, "task": task.name, "shortTask": PageFrame.short(task.name),
                        "href": frame.path(task: task.id, queue: task.queue), "queue": task.queue ?? "",
                        "when": task.startedAt.map { humanizer.time($0) } ?? false as Any,
                    ]
                },
                "consumed": facts.queues.map { ["name": $0, "href": frame.path(queue: $0)] },
                "hasRan": !ran.isEmpty,
                "ran": ran.prefix(50).map { name, count in
                    ["task": name, "shortTask": PageFrame.short(name), "count": humanizer.count(count)]
                },
                "registered": detail.registered.sorted(), "stats": Indented.text(.object(detail.stats)),
            ]
        )
    }
}
