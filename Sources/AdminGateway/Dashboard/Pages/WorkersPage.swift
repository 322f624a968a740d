import Inspection

/// The workers that answer.
struct WorkersPage {
    var workers: [WorkerFacts]

    func page(_ frame: PageFrame) -> Page {
        Page(
            template: "workers",
            section: .workers,
            title: frame.words["workers"],
            subtitle: workers.isEmpty ? nil : summary(frame),
            content: ["hasWorkers": !workers.isEmpty, "workers": workers.map { Self.row($0, frame) }]
        )
    }

    private func summary(_ frame: PageFrame) -> String {
        frame.words[
            "workersSummary",
            [
                "n": frame.humanizer.count(workers.count),
                "a": frame.humanizer.count(workers.reduce(0) { $0 + $1.active }),
                "s": frame.humanizer.count(workers.reduce(0) { $0 + ($1.concurrency ?? 0) }),
            ]
        ]
    }

    static func row(_ worker: WorkerFacts, _ frame: PageFrame) -> [String: Any] {
        let humanizer = frame.humanizer
        return [
            "name": worker.name, "key": PageFrame.key(worker.name), "href": frame.path(worker: worker.name),
            "kind": worker.isCeleriac ? "Celeriac" : "Celery", "queues": worker.queues.joined(separator: ", "),
            "active": String(worker.active), "slots": String(max(1, worker.concurrency ?? 1)),
            "reserved": humanizer.count(worker.reserved), "processed": humanizer.count(worker.processed),
            "memory": worker.memory.map { humanizer.bytes($0) } ?? "–",
            "uptime": worker.uptime.map { humanizer.duration($0) } ?? "–",
        ]
    }
}
