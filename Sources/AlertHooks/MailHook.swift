package import Alerts
import CeleryMessage
package import SMTP

/// Tells people by mail.
package struct MailHook: AlertHook {
    package let name = "mail"
    package let wants = AlertHookWants.groups
    private let client: SMTPClient
    private let from: MailAddress
    private let to: [MailAddress]
    private let home: String?

    /// Mails to some people by one server.
    ///
    /// - Parameter home: the dashboard's address, for links.
    package init(server: SMTPConfiguration, from: MailAddress, to: [MailAddress], home: String?) {
        client = SMTPClient(configuration: server)
        self.from = from
        self.to = to
        self.home = home
    }

    package func tell(_ alert: Alert) async throws(AlertHookError) -> String {
        let message = message(alert)
        do {
            let delivery = try await client.send(
                SMTPEnvelope(sender: from.address, recipients: message.recipients),
                content: try MIMEWriter.bytes(of: message)
            )
            return delivery.reply.description
        } catch let error as SMTPError {
            // A refused sender or recipient is for an operator to mend; only the mail itself may be at fault for good.
            throw AlertHookError("\(error)", isFinal: !error.isTemporary && !error.isForOperators)
        } catch let error as MailFormatError {
            throw AlertHookError("the mail \(error)", isFinal: true)
        } catch {
            throw AlertHookError("\(error)")
        }
    }

    private func message(_ alert: Alert) -> MailMessage {
        let text = AlertText(alert, home: home)
        let identifier = "alert.\(alert.letter.fingerprint).\(alert.lastSeen.microseconds).\(alert.count)"
        var message = MailMessage(from: from, to: to, subject: text.title, messageID: "\(identifier)@\(from.domain)")
        var lines = [text.title, "", text.body, ""]
        lines += text.facts.map { "\($0.name): \($0.value)" }
        if let link = text.link { lines += ["", link] }
        message.text = lines.joined(separator: "\n") + "\n"
        return message
    }

    package func shutdown() async { await client.shutdown() }
}

extension SMTPError {
    fileprivate var isForOperators: Bool { code != .dataRefused && code != .messageTooLarge }
}
