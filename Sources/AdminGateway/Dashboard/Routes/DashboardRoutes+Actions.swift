import CeleryMessage
import HTTPTypes
import Hummingbird
import Inspection

/// What can be done on the pages: forms, the questions before those that hurt, and a note about what came of them.
extension DashboardRoutes {
    /// What came of a form.
    enum Answer {
        /// Somebody has to be asked first.
        case ask(Question)
        /// It was done: a note, shown on the next page.
        case done(String)
        /// It was not.
        case refused(String)
    }

    /// A form that was sent by somebody who may send it.
    struct Sent: Sendable {
        var form: Form
        var asked: Asked

        var words: Words { asked.frame.words }
        /// With the user in it, for the audit list.
        var context: GatewayContext { asked.context }
        /// Whether the question was answered.
        var isConfirmed: Bool { form["confirmed"] == "yes" }

        /// A number of things as the pages write it.
        func count(_ number: Int) -> String { asked.frame.humanizer.count(number) }
    }

    func addActions(to routes: some RouterMethods<GatewayContext>) {
        routes.post("/queues/{queue}/{verb}") { request, context in
            try await act(request, context, .admin, from: "queues", "queue", change(queue:_:))
        }
        routes.post("/tasks/bulk") { request, context in
            try await act(request, context, .operator, from: "tasks", nil, changePicked)
        }
        routes.post("/tasks/{task_id}/{verb}") { request, context in
            try await act(request, context, .operator, from: "tasks", "task_id", change(task:_:))
        }
        routes.post("/workers/{worker}/{verb}") { request, context in
            try await act(request, context, .admin, from: "workers", "worker", change(worker:_:))
        }
        routes.post("/schedule/{entry}/{verb}") { request, context in
            let role: GatewayUser.Role = context.parameters.get("verb") == "run" ? .operator : .admin
            return try await act(request, context, role, from: "schedule", nil) { verb, sent in
                try await change(entry: verb, sent)
            }
        }
        routes.post("/dead-letters/bulk") { request, context in
            try await act(request, context, .operator, from: "dead-letters", nil, changePickedLetters)
        }
        routes.post("/dead-letters/{fingerprint}/{verb}") { request, context in
            let role: GatewayUser.Role = context.parameters.get("verb") == "delete" ? .admin : .operator
            return try await act(request, context, role, from: "dead-letters", "fingerprint", change(letters:_:))
        }
    }

    // MARK: The common part

    /// Checks who sent a form and whether their own page made it, does what it says, and leads back to the page.
    private func act(
        _ request: Request,
        _ context: GatewayContext,
        _ role: GatewayUser.Role,
        from list: String,
        _ part: String?,
        _ change: (String, Sent) async throws -> Answer
    ) async throws -> Response {
        let visitor: Visitor
        do {
            visitor = try self.visitor(request, context)
        } catch let error as GatewayError {
            return gate(request, context, error)
        }
        var context = context
        context.user = visitor.user
        let frame = frame(request, visitor)
        do {
            let form = try await body.form(request)
            if case .session(let session, _) = visitor.proof {
                guard sessions.seal.accepts(form["csrf"] ?? "", of: session) else {
                    throw Refusal(status: .forbidden, name: "form")
                }
            }
            guard visitor.has(role) else { throw Refusal(status: .forbidden, name: "forbidden", role: role) }
            let sent = Sent(form: form, asked: Asked(frame: frame, query: Form([]), context: context))
            let name = try part.map { try sent.asked.part($0) }
            var back = "\(home)/\(list)" + (name.map { "/\(PercentEncoding.encoded($0))" } ?? "")
            if let next = form["next"] { back = local(next) }
            if list == "tasks", let queue = form["queue"] { back += "?queue=\(PercentEncoding.encoded(queue))" }
            let verb = context.parameters.get("verb") ?? form["do"] ?? ""
            return answer(try await change(verb, sent), sent, request, back)
        } catch {
            return problem(error, frame, context)
        }
    }

    private func answer(_ answer: Answer, _ sent: Sent, _ request: Request, _ back: String) -> Response {
        switch answer {
        case .ask(let question):
            let action = request.head.path ?? home
            let page = question.page(sent.asked.frame, form: sent.form, action: action, back: back)
            return Self.html(sent.asked.frame.html(page))
        case .done(let note): return lead(to: back, note: "+" + note)
        case .refused(let note): return lead(to: back, note: "!" + note)
        }
    }

    private func lead(to back: String, note: String) -> Response {
        var response = Response.redirect(to: back)
        response.remember(
            Self.noticeCookie,
            sessions.seal.seal(String(note.prefix(400))),
            at: cookiePath,
            isSecure: configuration.isEncrypted,
            seconds: 60,
            isSecret: true
        )
        return response
    }

    // MARK: Queues

    private func change(queue verb: String, _ sent: Sent) async throws -> Answer {
        let queue = try knownQueue(sent.asked)
        let words = sent.words
        switch verb {
        case "pause", "resume":
            let pauses = verb == "pause"
            guard !pauses || sent.isConfirmed else {
                return .ask(Question("pause", ["name": queue], isDangerous: false, words))
            }
            let queues = administration.queues
            let changed = try await auditor.change(
                "queue.\(verb)",
                queue,
                sent.context,
                outcome: { .init(name: $0 ? (pauses ? "paused" : "resumed") : "unchanged") }
            ) { pauses ? try await queues.pause(queue) : try await queues.resume(queue) }
            return changed ? .done(words["done.\(verb)"]) : .refused(words["failed.nothing"])
        case "clean": return try await clean(queue, sent)
        case "drain": return try await drain(queue, sent)
        default: throw GatewayError.notFound("There is nothing at this address.")
        }
    }

    private func clean(_ queue: String, _ sent: Sent) async throws -> Answer {
        let words = sent.words
        guard let state = sent.form["state"].flatMap(JobState.init), state.isFinished,
            let grace = sent.form["grace"].flatMap({ Int($0) }), QueuePage.graces.contains(grace)
        else { return .refused(words["failed.value"]) }
        guard sent.isConfirmed else {
            let age = sent.asked.frame.humanizer.age(Double(grace))
            var question = Question("clean", ["name": queue], words)
            question.explanation =
                words[
                    "ask.clean.help",
                    [
                        "state": words["state.\(state.rawValue)"],
                        "age": grace == 0 ? words["anyAge"] : words["olderThanAge", ["t": age]],
                    ]
                ]
            return .ask(question)
        }
        let queues = administration.queues
        let count = try await auditor.change(
            "queue.clean",
            queue,
            sent.context,
            outcome: { .init(name: "cleaned", detail: ["count": .int(Int64($0)), "state": .string(state.rawValue)]) }
        ) { try await queues.clean(queue, grace: .seconds(grace), states: [state]) }
        return .done(words["done.clean", ["n": sent.count(count)]])
    }

    private func drain(_ queue: String, _ sent: Sent) async throws -> Answer {
        let words = sent.words
        guard sent.isConfirmed else {
            let waiting = try await administration.queues.counts(of: [queue]).first?.waiting ?? 0
            var question = Question("drain", ["name": queue], words)
            question.explanation = words["ask.drain.help", ["n": sent.count(waiting)]]
            question.typed = queue
            question.choice = ("delayed", words["ask.drain.delayed"])
            return .ask(question)
        }
        guard sent.form["typed"] == queue else { return .refused(words["failed.typed"]) }
        let (queues, delayed) = (administration.queues, sent.form["delayed"] == "yes")
        let count = try await auditor.change(
            "queue.drain",
            queue,
            sent.context,
            outcome: { .init(name: "drained", detail: ["count": .int(Int64($0)), "delayed": .bool(delayed)]) }
        ) { try await queues.drain(queue, delayed: delayed) }
        return .done(words["done.drain", ["n": sent.count(count)]])
    }

    // MARK: Tasks

    private func change(task verb: String, _ sent: Sent) async throws -> Answer {
        let id = try sent.asked.part("task_id")
        guard NameParameter.isFit(id) else { throw Refusal(status: .notFound, name: "task") }
        if verb == "terminate" { return try await terminate(id, sent) }
        guard let queue = sent.form["queue"] else { return .refused(sent.words["failed.value"]) }
        return try await change([(id, queue)], verb, sent)
    }

    /// Tasks that were picked in a list: each as its id, a space and its queue.
    private func changePicked(_ verb: String, _ sent: Sent) async throws -> Answer {
        let picked = sent.form.all("id").prefix(1000).compactMap { text -> (String, String)? in
            let parts = text.split(separator: " ", maxSplits: 1).map(String.init)
            return parts.count == 2 && NameParameter.isFit(parts[0]) ? (parts[0], parts[1]) : nil
        }
        guard !picked.isEmpty else { return .refused(sent.words["failed.nothing"]) }
        return try await change(picked, verb, sent)
    }

    private func change(_ tasks: [(id: String, queue: String)], _ verb: String, _ sent: Sent) async throws -> Answer {
        let words = sent.words
        guard ["retry", "promote", "remove"].contains(verb) else {
            throw GatewayError.notFound("There is nothing at this address.")
        }
        let known = Set(administration.queues.queueNames)
        guard tasks.allSatisfy({ known.contains($0.queue) }) else { return .refused(words["failed.value"]) }
        guard sent.isConfirmed else {
            return .ask(Question(verb, ["n": sent.count(tasks.count)], isDangerous: verb == "remove", words))
        }
        var outcomes: [String] = []
        for (id, queue) in tasks { outcomes.append(try await change(id, queue, verb, sent)) }
        let good = outcomes.count { ["retried", "promoted", "removed", "cancelled", "forgotten"].contains($0) }
        if good == tasks.count { return .done(words["done.\(verb)", ["n": sent.count(good)]]) }
        if tasks.count > 1, good > 0 {
            return .done(words["done.some", ["n": sent.count(good), "m": sent.count(tasks.count)]])
        }
        return .refused(
            words[
                outcomes[0] == "notFailed"
                    ? "failed.notFailed" : outcomes[0] == "gone" ? "failed.gone" : "failed.nothing"
            ]
        )
    }

    private func change(_ id: String, _ queue: String, _ verb: String, _ sent: Sent) async throws -> String {
        let queues = administration.queues
        return try await auditor.change(
            "job.\(verb)",
            id,
            sent.context,
            outcome: { .init(name: $0, detail: ["queue": .string(queue)]) }
        ) {
            switch verb {
            case "retry": try await queues.retry(id, in: queue).rawValue
            case "promote": try await queues.promote(id, in: queue) ? "promoted" : "notDelayed"
            default: try await queues.remove(id, in: queue).rawValue
            }
        }
    }

    private func terminate(_ id: String, _ sent: Sent) async throws -> Answer {
        let words = sent.words
        guard sent.isConfirmed else { return .ask(Question("terminate", [:], words)) }
        let workers = administration.workers
        let replies = try await auditor.change(
            "task.terminate",
            id,
            sent.context,
            outcome: { .init(name: "told", detail: ["workers": .int(Int64($0.count))]) }
        ) { try await workers.tell(.revoke(ids: [id], terminate: true, signal: "SIGTERM"), to: []) }
        return replies.contains(where: \.isOK) ? .done(words["done.terminate"]) : .refused(words["failed.silent"])
    }

    // MARK: Workers

    private func change(worker verb: String, _ sent: Sent) async throws -> Answer {
        let name = try sent.asked.part("worker")
        let (words, form) = (sent.words, sent.form)
        guard let order = try Self.order(verb, form) else { return .refused(words["failed.value"]) }
        if let question = Self.question(order, name, words), !sent.isConfirmed { return .ask(question) }
        let workers = administration.workers
        let replies = try await auditor.change(
            order.action,
            order.target ?? name,
            sent.context,
            // One that ends does not answer, and of one that is silent nobody knows.
            outcome: { $0.isEmpty ? .init(name: "told") : WorkerOrder.outcome($0) }
        ) { try await workers.tell(order, to: [name]) }
        // A worker that shuts down does not answer.
        if order == .shutDown { return .done(words["done.shutdown"]) }
        guard let reply = replies.first else { return .refused(words["failed.silent"]) }
        return reply.error.map { .refused(words["failed.worker", ["e": $0]]) } ?? .done(words["done.worker"])
    }

    private static func order(_ verb: String, _ form: Form) throws -> WorkerOrder? {
        switch verb {
        case "grow": return .growPool(1)
        case "shrink": return .shrinkPool(1)
        case "restart": return .restartPool
        case "shutdown": return .shutDown
        case "add-consumer", "cancel-consumer":
            guard let queue = form["queue"], queue.utf8.count <= 255 else { return nil }
            return verb == "add-consumer" ? .addConsumer(queue: queue) : .cancelConsumer(queue: queue)
        case "rate-limit":
            guard let task = form["task"], let rate = form["rate"], rate.utf8.count <= 20 else { return nil }
            return .rateLimit(task: task, rate: rate)
        case "time-limit":
            guard let task = form["task"], let hard = seconds(form["hard"]) else { return nil }
            return .timeLimit(task: task, hard: hard, soft: seconds(form["soft"]))
        default: throw GatewayError.notFound("There is nothing at this address.")
        }
    }

    private static func seconds(_ text: String?) -> Double? {
        text.flatMap { Double($0) }.flatMap { (0.001...31_536_000).contains($0) ? $0 : nil }
    }

    /// The question before an order that takes something away.
    private static func question(_ order: WorkerOrder, _ name: String, _ words: Words) -> Question? {
        func ask(_ key: String, _ yes: String) -> Question {
            Question(key, ["name": name], yes: yes, isDangerous: key == "shutdown", words)
        }
        switch order {
        case .shutDown: return ask("shutdown", "shutdown")
        case .shrinkPool: return ask("shrink", "shrink")
        case .restartPool: return ask("restart", "restartPool")
        case .cancelConsumer(let queue):
            var question = ask("cancelConsumer", "cancelConsumer")
            question.question = words["ask.cancelConsumer", ["name": name, "queue": queue]]
            return question
        default: return nil
        }
    }

    // MARK: Schedule

    private func change(entry verb: String, _ sent: Sent) async throws -> Answer {
        let entry = try sent.asked.part("entry")
        let (words, schedule) = (sent.words, administration.schedule)
        if verb == "run" {
            guard sent.isConfirmed else {
                return .ask(Question("run", ["name": entry], yes: "runNow", isDangerous: false, words))
            }
            let id = try await auditor.change(
                "schedule.run",
                entry,
                sent.context,
                outcome: { (id: String?) in
                    .init(name: id == nil ? "not_found" : "sent", detail: id.map { ["task_id": .string($0)] } ?? [:])
                }
            ) { try await schedule.runNow(entry) }
            return id == nil ? .refused(words["failed.nothing"]) : .done(words["done.run"])
        }
        guard ["pause", "resume"].contains(verb) else {
            throw GatewayError.notFound("There is nothing at this address.")
        }
        let pauses = verb == "pause"
        let changed = try await auditor.change(
            "schedule.\(verb)",
            entry,
            sent.context,
            outcome: { (changed: Bool?) in
                .init(name: changed == nil ? "not_found" : changed == true ? verb + "d" : "unchanged")
            }
        ) { pauses ? try await schedule.pause(entry) : try await schedule.resume(entry) }
        guard changed == true else { return .refused(words["failed.nothing"]) }
        return .done(words[pauses ? "done.entryPause" : "done.entryResume"])
    }

    // MARK: Dead letters

    private func change(letters verb: String, _ sent: Sent) async throws -> Answer {
        let fingerprint = try sent.asked.part("fingerprint")
        guard let group = try await deadLetters.groups().first(where: { $0.fingerprint == fingerprint }) else {
            return .refused(sent.words["failed.nothing"])
        }
        var query = DeadLetterQuery()
        query.fingerprint = fingerprint
        query.limit = 100_000
        return try await change(.matching(query), count: group.count, target: fingerprint, verb, sent)
    }

    private func changePickedLetters(_ verb: String, _ sent: Sent) async throws -> Answer {
        let ids = Array(sent.form.all("id").prefix(1000))
        guard !ids.isEmpty else { return .refused(sent.words["failed.nothing"]) }
        guard verb != "delete" || sent.asked.frame.visitor.has(.admin) else {
            throw Refusal(status: .forbidden, name: "forbidden", role: .admin)
        }
        let target = ids.count == 1 ? ids[0] : "\(ids.count)"
        return try await change(.ids(ids), count: ids.count, target: target, verb, sent)
    }

    private func change(
        _ choice: DeadLetterChoice,
        count: Int,
        target: String,
        _ verb: String,
        _ sent: Sent
    ) async throws -> Answer {
        let words = sent.words
        guard verb == "redrive" || verb == "delete" else {
            throw GatewayError.notFound("There is nothing at this address.")
        }
        guard sent.isConfirmed else {
            var question = Question(verb, ["n": sent.count(count)], isDangerous: verb == "delete", words)
            if verb == "redrive" { question.number = ("pace", words["ask.redrive.pace"], "0") }
            return .ask(question)
        }
        let letters = deadLetters
        let pace = sent.form["pace"].flatMap { Double($0) }.flatMap { $0 > 0 && $0.isFinite ? $0 : nil }
        let changed = try await auditor.change(
            "dead.\(verb)",
            target,
            sent.context,
            outcome: { .init(name: verb == "delete" ? "deleted" : "redriven", detail: ["count": .int(Int64($0))]) }
        ) {
            verb == "delete" ? try await letters.delete(choice) : try await letters.redrive(choice, perSecond: pace)
        }
        return changed > 0
            ? .done(words["done.\(verb)", ["n": sent.count(changed)]]) : .refused(words["failed.nothing"])
    }
}
