import Inspection

/// What can be done to queues: pause, resume, clean, drain.
extension DashboardRoutes {
    func change(queue verb: String, _ sent: Sent) async throws -> Answer {
        let queue = try knownQueue(sent.asked)
        let words = sent.words
        switch verb {
        case "pause", "resume":
            let pauses = verb == "pause"
            guard !pauses || sent.isConfirmed else {
                return .ask(Question("pause", ["name": queue], isDangerous: false, words))
            }
            let changed =
                try await pauses ? changes.pause(queue, sent.context) : changes.resume(queue, sent.context)
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
        let count = try await changes.clean(queue, grace: .seconds(grace), states: [state], sent.context)
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
        let count = try await changes.drain(queue, delayed: sent.form["delayed"] == "yes", sent.context)
        return .done(words["done.drain", ["n": sent.count(count)]])
    }
}
