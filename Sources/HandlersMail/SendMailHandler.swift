public import CeleriacTasks
public import CeleryMessage
import Logging
import SMTP

/// Sends one mail: `send_email(to_email, subject, body, html=None, cc=None, bcc=None, reply_to=None,
/// attachments=None, template=None, data=None)`.
///
/// A mail refused for now is retried by the task's policy, one refused for good fails with `smtplib`'s exception. When
/// only some recipients are refused for now, the mail counts as sent and a follow-up task for just those is published
/// together with the result, so that nobody gets it twice and nobody is forgotten.
public struct SendMailHandler: TaskHandler {
    private static let recipient = "to_email"
    private let settings: MailSettings

    /// Reads the handler's options.
    public init(_ setup: HandlerSetup) throws { settings = try MailSettings(setup) }

    /// Sends the mail and tells what became of each recipient.
    public func run(_ arguments: TaskArguments, context: TaskContext) async throws -> JSONValue {
        let bound = try MailComposer.bind(arguments, function: "send_email", recipient: Self.recipient)
        let messageID = MailMessage.messageID(
            task: context.request.id,
            place: nil,
            domain: settings.composer.from.domain
        )
        let mail = try settings.composer.compose(bound, recipient: Self.recipient, messageID: messageID)
        do {
            let receipt = try await settings.transport.send(mail, name: TaskRequest.fileName(context.request.id))
            context.logger.info("mail sent", metadata: ["message_id": "\(mail.messageID)"])
            followUp(receipt, mail, arguments, context)
            return .object(MailOutcome.json(receipt, messageID: mail.messageID, transport: settings.transport.name))
        } catch let error as SMTPError {
            let failure = TaskFailure(smtp: error, sender: mail.envelope.sender)
            context.logger.warning("mail not sent", metadata: ["error": "\(error.code.rawValue)"])
            guard error.isTemporary else { throw failure }
            throw context.retry(doubling: settings.retryDelay, cause: failure)
        }
    }

    private func followUp(
        _ receipt: MailTransport.Receipt,
        _ mail: ComposedMail,
        _ arguments: TaskArguments,
        _ context: TaskContext
    ) {
        let deferred = receipt.deferred.map(JSONValue.string)
        guard !deferred.isEmpty else { return }
        var keyword = arguments.keyword
        keyword["envelope_to"] = .array(deferred)
        keyword["message_id"] = .string(mail.messageID)
        let countdown = (settings.retryDelay ?? .seconds(60)) / .seconds(1)
        context.enqueue(
            Signature(
                task: context.request.task,
                args: arguments.positional,
                kwargs: keyword,
                options: ["queue": .string(context.request.queue), "countdown": .double(countdown)]
            )
        )
    }

    /// Closes the connections to the mail server.
    public func shutdown() async { await settings.transport.shutdown() }
}
