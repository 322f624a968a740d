import HTTPTypes
import Inspection

/// What can be done to dead letters, those of one kind or those picked in a list: redrive, delete.
extension DashboardRoutes {
    func change(letters verb: String, _ sent: Sent) async throws -> Answer {
        let fingerprint = try sent.asked.part("fingerprint")
        guard let group = try await deadLetters.groups().first(where: { $0.fingerprint == fingerprint }) else {
            return .refused(sent.words["failed.nothing"])
        }
        var query = DeadLetterQuery()
        query.fingerprint = fingerprint
        query.limit = 100_000
        return try await change(.matching(query), count: group.count, verb, sent)
    }

    func changePickedLetters(_ verb: String, _ sent: Sent) async throws -> Answer {
        let ids = Array(sent.form.all("id").prefix(1000))
        guard !ids.isEmpty else { return .refused(sent.words["failed.nothing"]) }
        guard verb != "delete" || sent.asked.frame.visitor.has(.admin) else {
            throw Refusal(status: .forbidden, name: "forbidden", role: .admin)
        }
        return try await change(.ids(ids), count: ids.count, verb, sent)
    }

    private func change(
        _ choice: DeadLetterChoice,
        count: Int,
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
        let changed: Int
        if verb == "delete" {
            changed = try await changes.delete(choice, sent.context)
        } else {
            let pace = sent.form["pace"].flatMap { Double($0) }.flatMap { $0 > 0 && $0.isFinite ? $0 : nil }
            changed = try await changes.redrive(choice, perSecond: pace, sent.context)
        }
        return changed > 0
            ? .done(words["done.\(verb)", ["n": sent.count(changed)]]) : .refused(words["failed.nothing"])
    }
}
