import CeleryMessage
import Inspection

/// Everything about one task.
struct TaskPage {
    /// A task of the same workflow.
    struct Relative: Sendable, Hashable {
        var id: String
        var name: String?
        var parent: String?
        var group: String?
        var state: TaskRow.State?
    }

    /// The most relatives that are shown.
    static let mostRelatives = 200

    var id: String
    /// What the queue it is in, or was in, knows of it.
    var job: JobDetail?
    /// What its end left.
    var finished: FinishedTask?
    /// What is stored under its id; for tasks of which nothing else is known.
    var status: TaskStatus?
    var explanation: Explanation?
    /// Whether its message is kept among the dead letters.
    var isDeadLetter = false
    /// The tasks of its workflow, itself among them or not.
    var relatives: [Relative] = []
    /// The files its result names.
    var files: [Downloads.Link] = []

    /// Where it is.
    var state: TaskRow.State? {
        if let job, !job.summary.state.isFinished { return TaskRow.State(job.summary.state) }
        if let finished { return TaskRow.State(ended: finished.state) }
        if let job { return TaskRow.State(job.summary.state) }
        guard let status else { return nil }
        if status.state.isReady { return TaskRow.State(ended: status.state) }
        switch status.search?.whereabouts?.place {
        case .waiting?: return .waiting
        case .parked?: return .delayed
        case .held?: return .active
        case nil: return [.started, .progress].contains(status.state) ? .active : nil
        }
    }

    var queue: String? { job?.summary.queue ?? finished?.queue ?? status?.queue }
    var name: String? { job?.summary.task ?? finished?.name ?? status?.record?.extended?.name }
    /// Whether anything is known of it.
    var isKnown: Bool { job != nil || finished != nil || isDeadLetter || status?.isKnown == true }

    func page(_ frame: PageFrame) -> Page {
        let words = frame.words
        let state = state
        let isOver = state.map { ![.waiting, .active, .delayed].contains($0) } ?? false
        var content: [String: Any] = [
            "id": id, "here": "\(frame.home)/tasks/\(PercentEncoding.encoded(id))",
            "queue": queue ?? "", "state": state?.rawValue ?? "",
            "stateText": state.map { words["state.\($0.rawValue)"] } ?? words["state.unknown"],
            "canRetry": isDeadLetter || (job?.isRetryable ?? false), "canPromote": state == .delayed && queue != nil,
            "canTerminate": state == .active, "canRemove": queue != nil,
            "removeText": words[isOver ? "forget" : state == .active ? "revoke" : "remove"],
            "arguments": arguments, "result": maybe(result), "error": maybe(error), "traces": traces,
        ]
        content["progress"] = progress.map { TaskRow.progress($0, frame.humanizer) } ?? false as Any
        let reasons = (isOver ? [] : explanation?.reasons ?? [])
            .filter { state != .active || Self.troubles.contains($0.code) || isReserved }
        content["hasReasons"] = !reasons.isEmpty
        content["why"] = words[state == .active && !isReserved ? "trouble" : "why"]
        content["reasons"] = reasons.map { ["text": Self.text($0, words), "code": $0.code] }
        content["facts"] = facts(frame)
        content["timeline"] = timeline(frame)
        content["hasFiles"] = !files.isEmpty
        content["files"] = files.map { link in
            ["name": link.file.place.name, "href": link.url, "size": frame.humanizer.bytes(Int(link.file.size))]
        }
        let tree = tree(frame)
        content["hasTree"] = !tree.isEmpty
        content["tree"] = tree
        return Page(
            template: "task",
            section: .tasks,
            title: name.map(PageFrame.short) ?? id,
            subtitle: name == nil ? nil : id,
            crumb: (words["tasks"], "/tasks"),
            content: content
        )
    }

    /// What is worth saying of a task that runs.
    private static let troubles: Set<String> = ["stalled", "dead_worker"]

    /// Whether a worker has it and has not begun, as where its rate is limited.
    private var isReserved: Bool {
        job?.summary.progress == nil && explanation?.reasons.contains { $0.code == "reserved" } ?? false
    }

    /// The sentence in the reader's language, where there is one.
    private static func text(_ reason: Explanation.Reason, _ words: Words) -> String {
        guard words.locale != .english, let text = words.texts["why.\(reason.code)"] else { return reason.text }
        return Words.filled(text) { blank in
            switch reason.facts[String(blank)] {
            case .string(let text)?: text
            case .int(let number)?: String(number)
            default: "–"
            }
        }
    }

    // MARK: Values

    private var arguments: String {
        if let args = job?.args, let kwargs = job?.kwargs {
            if args.isEmpty { return Indented.text(.object(kwargs)) }
            if kwargs.isEmpty { return Indented.text(.array(args)) }
            return Indented.text(["args": .array(args), "kwargs": .object(kwargs)])
        }
        if let finished {
            let parts = [(finished.arguments, "[]"), (finished.keywords, "{}")].filter { $0.0 != $0.1 }
            return parts.isEmpty ? "{}" : parts.map { Indented.text($0.0) }.joined(separator: "\n")
        }
        return job?.summary.arguments ?? "–"
    }

    private var result: String? {
        if let result = finished?.result { return Indented.text(result) }
        guard state == .completed || state == .ignored else { return nil }
        if let result = job?.result { return Indented.text(result) }
        return nil
    }

    private var error: String? {
        if let finished { return TaskRow.error(finished) }
        return state == .completed ? nil : job?.summary.failedReason
    }

    private var traces: [String] {
        if let traces = job?.stacktrace, !traces.isEmpty { return traces }
        let all = [finished?.failure] + (finished?.earlierAttempts ?? []).reversed().map(\.failure)
        return all.compactMap { $0?.traceback }
    }

    private var progress: JobProgress? {
        guard state == .active, !isReserved else { return nil }
        return job?.summary.progress ?? JobProgress(current: 0, total: 100)
    }

    // MARK: Facts

    private func facts(_ frame: PageFrame) -> [[String: Any]] {
        let (words, humanizer) = (frame.words, frame.humanizer)
        var facts: [[String: Any]] = []
        func add(_ label: String, _ value: String?, href: String? = nil) {
            guard let value, !value.isEmpty else { return }
            facts.append(["label": words[label], "value": value, "href": maybe(href), "when": false])
        }
        func add(_ label: String, _ moment: Instant?) {
            guard let moment else { return }
            facts.append(["label": words[label], "value": "", "href": false, "when": humanizer.time(moment)])
        }
        add("task", name)
        add("queue", queue, href: queue.map(frame.path(queue:)))
        add("tenant", finished?.tenant ?? job?.summary.tenant)
        let attempts = finished?.attempts ?? job?.summary.attempts ?? status?.attempt ?? 0
        add("attempts", attempts > 0 ? humanizer.count(attempts) : nil)
        add("priority", job?.summary.priority.map(String.init))
        let worker = finished?.worker ?? job?.summary.worker ?? status?.worker
        add("worker", worker, href: worker.map(frame.path(worker:)))
        add(
            "runtime",
            (finished?.runtime.map { $0 / .seconds(1) } ?? job?.summary.runtime).map { humanizer.duration($0) }
        )
        add("position", job?.summary.position.map { "#" + humanizer.count($0) })
        add("due", job?.summary.until ?? job?.eta)
        add("expires", job?.expires)
        add("origin", job?.origin)
        add("messageSize", job?.messageBytes.map { humanizer.bytes($0) })
        // A task that was retried was sent by itself.
        let parent = finished?.parentID ?? job?.parent
        if let parent, parent != id { add("parent", parent, href: frame.path(task: parent)) }
        let root = finished?.rootID ?? job?.root
        if let root, root != id { add("root", root, href: frame.path(task: root)) }
        add("group", finished?.groupID ?? job?.group)
        return facts
    }

    // MARK: Timeline

    private func timeline(_ frame: PageFrame) -> [[String: Any]] {
        let (words, humanizer) = (frame.words, frame.humanizer)
        var steps: [[String: Any]] = []
        func add(_ label: String, _ moment: Instant?, _ note: String? = nil, kind: String = "") {
            steps.append([
                "label": label, "when": moment.map { humanizer.time($0) } ?? false as Any, "note": maybe(note),
                "kind": kind,
            ])
        }
        let start = finished?.startedAt ?? job?.summary.startedAt
        let earlier =
            finished.map { JobAttempt.earlier($0.earlierAttempts, of: $0.attempts - 1) }
            ?? (job?.attempts ?? []).filter { $0.outcome == .retry }
        for attempt in earlier {
            let label = words["attemptFailed", ["n": humanizer.count(attempt.number)]]
            let runtime = attempt.runtime.map { humanizer.duration($0 / .seconds(1)) }
            let parts = [attempt.failure.map { "\($0.type): \($0.message)" }, attempt.worker, runtime]
            add(label, attempt.finishedAt, parts.compactMap(\.self).joined(separator: " · "), kind: "delayed")
        }
        if let received = finished?.receivedAt ?? job?.receivedAt { add(words["received"], received) }
        if let start { add(words["started"], start, finished?.worker ?? job?.summary.worker, kind: "active") }
        switch state {
        case .waiting?: add(words["state.waiting"], nil, job?.summary.position.map { "#" + humanizer.count($0) })
        case .delayed?: add(words["due"], job?.summary.until, kind: "delayed")
        case .active?: if start == nil { add(words["state.active"], nil, job?.summary.worker, kind: "active") }
        case let ended?:
            let isGood = ended == .completed || ended == .ignored
            add(
                words["state.\(ended.rawValue)"],
                finished?.finishedAt ?? job?.summary.finishedAt ?? status?.updatedAt,
                error,
                kind: isGood ? "completed" : "failed"
            )
        case nil: add(words["state.unknown"], nil)
        }
        return steps
    }

    // MARK: Workflow

    /// The workflow from its first task on; empty for a task that stands alone.
    private func tree(_ frame: PageFrame) -> [[String: Any]] {
        var all: [String: Relative] = [:]
        for relative in relatives { all[relative.id] = relative }
        let parent = finished?.parentID ?? job?.parent
        var this = all[id] ?? Relative(id: id)
        this.name = name ?? this.name
        this.parent = parent ?? this.parent
        this.state = state ?? this.state
        all[id] = this
        for child in job?.children ?? [] where all[child] == nil { all[child] = Relative(id: child, parent: id) }
        for ancestor in [parent, finished?.rootID ?? job?.root].compactMap({ $0 }) where all[ancestor] == nil {
            all[ancestor] = Relative(id: ancestor)
        }
        guard all.count > 1 else { return [] }
        var branches: [String: [Relative]] = [:]
        var roots: [Relative] = []
        for relative in all.values.sorted(by: { $0.id < $1.id }) {
            if let parent = relative.parent, parent != relative.id, all[parent] != nil {
                branches[parent, default: []].append(relative)
            } else {
                roots.append(relative)
            }
        }
        var seen: Set<String> = []
        var trees = roots.map { branch($0, branches, &seen, frame) }
        // Tasks that claim to be each other's parents hang below no root.
        for relative in all.values.sorted(by: { $0.id < $1.id }) where !seen.contains(relative.id) {
            trees.append(branch(relative, branches, &seen, frame))
        }
        return trees
    }

    /// A task and what it sent; messages may claim to be each other's parents, so none is shown twice.
    private func branch(
        _ relative: Relative,
        _ branches: [String: [Relative]],
        _ seen: inout Set<String>,
        _ frame: PageFrame
    ) -> [String: Any] {
        seen.insert(relative.id)
        var below: [[String: Any]] = []
        if seen.count <= Self.mostRelatives {
            for child in branches[relative.id] ?? [] where !seen.contains(child.id) {
                below.append(branch(child, branches, &seen, frame))
            }
        }
        return [
            "id": relative.id, "name": relative.name.map(PageFrame.short) ?? relative.id,
            "href": frame.path(task: relative.id), "isHere": relative.id == id,
            "relation": relative.group == nil ? "" : frame.words["partOfGroup"],
            "state": relative.state?.rawValue ?? false as Any,
            "stateText": relative.state.map { frame.words["state.\($0.rawValue)"] } ?? "",
            "hasBranches": !below.isEmpty, "branches": below,
        ]
    }
}
