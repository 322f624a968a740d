import HTTPTypes
import Inspection

/// What can be done to tasks, one or those picked in a list: retry, promote, remove; and to one that runs: terminate.
extension DashboardRoutes {
    func change(task verb: String, _ sent: Sent) async throws -> Answer {
        let id = try sent.asked.part("task_id")
        guard NameParameter.isFit(id) else { throw Refusal(status: .notFound, name: "task") }
        if verb == "terminate" { return try await terminate(id, sent) }
        guard let queue = sent.form["queue"] else { return .refused(sent.words["failed.value"]) }
        return try await change([(id, queue)], verb, sent)
    }

    /// Tasks that were picked in a list: each as its id, a space and its queue.
    func changePicked(_ verb: String, _ sent: Sent) async throws -> Answer {
        let picked = sent.form.all("id").prefix(1000).compactMap { text -> (String, String)? in
            let parts = text.split(separator: " ", maxSplits: 1).map(String.init)
            return parts.count == 2 && NameParameter.isFit(parts[0]) ? (parts[0], parts[1]) : nil
        }
        guard !picked.isEmpty else { return .refused(sent.words["failed.nothing"]) }
        return try await change(picked, verb, sent)
    }

    private func change(_ tasks: [(id: String, queue: String)], _ verb: String, _ sent: Sent) async throws -> Answer {
        let words = sent.words
        guard let change = JobChange(rawValue: verb) else {
            throw GatewayError.notFound("There is nothing at this address.")
        }
        let known = Set(administration.queues.queueNames)
        guard tasks.allSatisfy({ known.contains($0.queue) }) else { return .refused(words["failed.value"]) }
        guard sent.isConfirmed else {
            return .ask(Question(verb, ["n": sent.count(tasks.count)], isDangerous: change == .remove, words))
        }
        var outcomes: [JobChange.Outcome] = []
        for (id, queue) in tasks { outcomes.append(try await changes.make(change, id, in: queue, sent.context)) }
        let good = outcomes.count(where: \.isChange)
        if good == tasks.count { return .done(words["done.\(verb)", ["n": sent.count(good)]]) }
        if tasks.count > 1, good > 0 {
            return .done(words["done.some", ["n": sent.count(good), "m": sent.count(tasks.count)]])
        }
        switch outcomes[0] {
        case .notFailed: return .refused(words["failed.notFailed"])
        case .gone: return .refused(words["failed.gone"])
        default: return .refused(words["failed.nothing"])
        }
    }

    private func terminate(_ id: String, _ sent: Sent) async throws -> Answer {
        let words = sent.words
        guard sent.isConfirmed else { return .ask(Question("terminate", [:], words)) }
        let order = WorkerOrder.revoke(ids: [id], terminate: true, signal: "SIGTERM")
        let replies = try await orders.hear(order, [], sent.context)
        return replies.contains(where: \.isOK) ? .done(words["done.terminate"]) : .refused(words["failed.silent"])
    }
}
