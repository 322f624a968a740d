public import CeleriacTasks
public import CeleryMessage
import SMTP

/// Sends many mails: `send_bulk_emails(emails)`, a list of what `send_email` takes, with `to` for the recipient.
///
/// One bad mail fails only itself. Mails the server refuses for now are tried again at the end, a few times with
/// growing pauses. Only when the server cannot be used at all, and nothing was sent yet, the whole task is retried.
public struct SendBulkMailHandler: TaskHandler {
    private static let parameters = Parameters("send_bulk_emails", ["emails"])
    private static let recipient = "to"
    private let settings: MailSettings

    /// Reads the handler's options.
    public init(_ setup: HandlerSetup) throws { settings = try MailSettings(setup) }

    /// Sends the mails in order and tells what became of each; reports progress after every mail.
    public func run(_ arguments: TaskArguments, context: TaskContext) async throws -> JSONValue {
        let emails = try Self.parameters.bind(arguments).array("emails")
        var run = Run(emails: emails, settings: settings, context: context)
        try await run.sendAll()
        return run.result()
    }

    /// Closes the connections to the mail server.
    public func shutdown() async { await settings.transport.shutdown() }

    /// One run over one list.
    private struct Run {
        private enum Step {
            case done(JSONObject)
            case later(TaskFailure, concernsServer: Bool)
        }

        let emails: [JSONValue]
        let settings: MailSettings
        let context: TaskContext
        private var outcomes: [JSONObject?]
        /// Mails some recipients have already, while others were refused for now.
        private var partial: [Int: MailTransport.Receipt] = [:]
        private var sent = 0
        private var finished = 0

        init(emails: [JSONValue], settings: MailSettings, context: TaskContext) {
            self.emails = emails
            self.settings = settings
            self.context = context
            outcomes = Array(repeating: nil, count: emails.count)
        }

        mutating func sendAll() async throws {
            context.progress(current: 0, total: emails.count, status: "sending \(emails.count) mails")
            var open = Array(emails.indices)
            var pause = settings.itemRetryDelay
            for attempt in 0...settings.itemRetries where !open.isEmpty {
                if attempt > 0 {
                    try await Task.sleep(for: pause)
                    pause *= 2
                }
                open = try await pass(over: open, isLast: attempt == settings.itemRetries)
            }
        }

        /// Tries each of `places` once and returns those to try again.
        private mutating func pass(over places: [Int], isLast: Bool) async throws -> [Int] {
            var later: [Int] = []
            let start = ContinuousClock.now
            for (turn, place) in places.enumerated() {
                try await ContinuousClock().sleep(until: start + settings.stagger * turn)
                try context.checkCancellation()
                switch try await send(place) {
                case .done(let outcome): finish(place, outcome)
                case .later(let failure, let concernsServer):
                    if concernsServer, sent == 0, partial.isEmpty {
                        throw context.retry(doubling: settings.retryDelay, cause: failure)
                    }
                    // No use in asking a server that is gone once for each mail.
                    let open = concernsServer ? places[turn...] : [place]
                    if isLast { for place in open { finishOpen(place, failure) } } else { later += open }
                    if concernsServer { return later }
                }
            }
            return later
        }

        private mutating func send(_ place: Int) async throws -> Step {
            var mail: ComposedMail
            do {
                mail = try compose(place)
            } catch let failure as TaskFailure {
                return .done(MailOutcome.json(failure, isTemporary: false))
            }
            if let earlier = partial[place] { mail.envelope.recipients = earlier.deferred }
            let name = TaskRequest.fileName(context.request.id, place: place)
            do {
                return taken(try await settings.transport.send(mail, name: name), mail, place)
            } catch let failure as TaskFailure {
                return .done(MailOutcome.json(failure, isTemporary: false))
            } catch let error as SMTPError {
                let failure = TaskFailure(smtp: error, sender: mail.envelope.sender)
                if let earlier = partial[place], error.code == .recipientsRefused {
                    return taken(earlier.updated(with: error.recipients), mail, place)
                }
                if error.isTemporary { return .later(failure, concernsServer: error.concernsServer) }
                // Wrong password, no TLS: no mail of this list can be sent, and none of another run either.
                if error.concernsServer, sent == 0, partial.isEmpty { throw failure }
                if let earlier = partial[place] { return .done(json(earlier, mail.messageID)) }
                return .done(MailOutcome.json(failure, isTemporary: false))
            }
        }

        /// A mail some recipients have: done, unless others may get it later.
        private mutating func taken(_ receipt: MailTransport.Receipt, _ mail: ComposedMail, _ place: Int) -> Step {
            let merged = partial[place]?.updated(with: receipt.recipients) ?? receipt
            guard !merged.deferred.isEmpty else { return .done(json(merged, mail.messageID)) }
            partial[place] = merged
            let error = SMTPError(.recipientsRefused, "refused for now", recipients: merged.recipients)
            return .later(TaskFailure(smtp: error, sender: mail.envelope.sender), concernsServer: false)
        }

        private func json(_ receipt: MailTransport.Receipt, _ messageID: String) -> JSONObject {
            MailOutcome.json(receipt, messageID: messageID, transport: settings.transport.name)
        }

        /// Ends a mail that is not tried again although it might have worked later.
        private mutating func finishOpen(_ place: Int, _ failure: TaskFailure) {
            if let receipt = partial[place] {
                finish(place, json(receipt, messageID(place)))
            } else {
                finish(place, MailOutcome.json(failure, isTemporary: true))
            }
        }

        private func messageID(_ place: Int) -> String {
            MailMessage.messageID(task: context.request.id, place: place, domain: settings.composer.from.domain)
        }

        private func compose(_ place: Int) throws -> ComposedMail {
            guard let email = emails[place].object else {
                throw TaskFailure.typeError(
                    "send_bulk_emails() argument 'emails[\(place)]' must be dict, not \(emails[place].pythonTypeName)"
                )
            }
            let bound = try MailComposer.bind(
                TaskArguments(keyword: email),
                function: "send_bulk_emails",
                recipient: SendBulkMailHandler.recipient
            )
            return try settings.composer.compose(
                bound,
                recipient: SendBulkMailHandler.recipient,
                messageID: messageID(place)
            )
        }

        private mutating func finish(_ place: Int, _ outcome: JSONObject) {
            var shown: JSONObject = ["index": .int(Int64(place))]
            if let to = emails[place]["to"] { shown["to"] = to }
            for (key, value) in outcome { shown[key] = value }
            outcomes[place] = shown
            finished += 1
            if outcome["status"]?.string != "failed" { sent += 1 }
            context.progress(
                current: finished,
                total: emails.count,
                status: "sent \(sent) of \(emails.count) mails",
                more: ["sent": .int(Int64(sent)), "failed": .int(Int64(finished - sent))]
            )
        }

        func result() -> JSONValue {
            [
                "transport": .string(settings.transport.name),
                "total": .int(Int64(emails.count)),
                "sent": .int(Int64(sent)),
                "failed": .int(Int64(finished - sent)),
                "results": .array(outcomes.map { .object($0 ?? [:]) }),
            ]
        }
    }
}
