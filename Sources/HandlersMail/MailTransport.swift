import CeleriacTasks
import CeleryMessage
import SMTP

/// Where mails go: to a server or to a folder.
enum MailTransport: Sendable {
    case smtp(SMTPClient)
    case outbox(MailOutbox)

    /// The word in results.
    var name: String {
        switch self {
        case .smtp: "smtp"
        case .outbox: "outbox"
        }
    }

    /// What became of a mail that was taken for at least one recipient.
    struct Receipt: Sendable {
        var recipients: [RecipientOutcome]
        /// The server's answer or the file's path.
        var reply: SMTPReply?
        var file: String?

        /// Whom the server may take it for later.
        var deferred: [String] { recipients.filter(\.isTemporary).map(\.address) }

        /// This receipt after a later attempt for some of the recipients.
        func updated(with later: [RecipientOutcome]) -> Receipt {
            var receipt = self
            for outcome in later {
                guard let place = recipients.firstIndex(where: { $0.address == outcome.address }) else { continue }
                receipt.recipients[place] = outcome
            }
            return receipt
        }
    }

    /// Hands one mail over.
    ///
    /// Throws ``SMTPError`` when the server takes it for nobody, `OSError` when the outbox cannot be written.
    func send(_ mail: ComposedMail, name: String) async throws -> Receipt {
        switch self {
        case .smtp(let client):
            let delivery = try await client.send(mail.envelope, content: mail.content)
            return Receipt(recipients: delivery.recipients, reply: delivery.reply)
        case .outbox(let outbox):
            let file = try store(mail, in: outbox, name: name)
            let stored = SMTPReply(code: 250, lines: ["stored"])
            return Receipt(
                recipients: mail.envelope.recipients.map { RecipientOutcome(address: $0, reply: stored) },
                file: file
            )
        }
    }

    private func store(_ mail: ComposedMail, in outbox: MailOutbox, name: String) throws(TaskFailure) -> String {
        do {
            return try outbox.store(mail.content, envelope: mail.envelope, name: name)
        } catch {
            let message = "the outbox \(outbox.folder) cannot be written: \(error)"
            throw TaskFailure(module: "builtins", type: "OSError", arguments: [.string(message)])
        }
    }

    func shutdown() async {
        if case .smtp(let client) = self { await client.shutdown() }
    }
}

/// A mail ready to travel.
struct ComposedMail: Sendable {
    var envelope: SMTPEnvelope
    var messageID: String
    var content: [UInt8]
}
