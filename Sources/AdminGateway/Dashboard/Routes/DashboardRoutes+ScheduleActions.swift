/// What can be done to entries of the schedule: run now, pause, resume.
extension DashboardRoutes {
    func change(entry verb: String, _ sent: Sent) async throws -> Answer {
        let entry = try sent.asked.part("entry")
        let words = sent.words
        if verb == "run" {
            guard sent.isConfirmed else {
                return .ask(Question("run", ["name": entry], yes: "runNow", isDangerous: false, words))
            }
            let id = try await changes.run(entry: entry, sent.context)
            return id == nil ? .refused(words["failed.nothing"]) : .done(words["done.run"])
        }
        let changed: Bool?
        switch verb {
        case "pause": changed = try await changes.pause(entry: entry, sent.context)
        case "resume": changed = try await changes.resume(entry: entry, sent.context)
        default: throw GatewayError.notFound("There is nothing at this address.")
        }
        guard changed == true else { return .refused(words["failed.nothing"]) }
        return .done(words[verb == "pause" ? "done.entryPause" : "done.entryResume"])
    }
}
