import Inspection

/// What workers can be told.
extension DashboardRoutes {
    func change(worker verb: String, _ sent: Sent) async throws -> Answer {
        let name = try sent.asked.part("worker")
        let (words, form) = (sent.words, sent.form)
        guard let order = try Self.order(verb, form) else { return .refused(words["failed.value"]) }
        if let question = Self.question(order, name, words), !sent.isConfirmed { return .ask(question) }
        let replies = try await orders.hear(order, [name], sent.context)
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
}
