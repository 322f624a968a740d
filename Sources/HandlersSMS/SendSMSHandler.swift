public import CeleriacTasks
public import CeleryMessage
import Logging

/// Sends one text message: `send_sms(phone, message, company_id=None)`.
///
/// The company chooses the gateway account. A gateway that cannot take the message now makes the task retry by its
/// policy, a refusal fails it.
public struct SendSMSHandler: TaskHandler {
    private static let parameters = Parameters("send_sms", ["phone", "message", .optional("company_id", nil)])
    private let settings: SMSSettings

    /// Reads the handler's options.
    public init(_ setup: HandlerSetup) throws { settings = try SMSSettings(setup) }

    /// Sends the message and tells what the gateway said.
    public func run(_ arguments: TaskArguments, context: TaskContext) async throws -> JSONValue {
        let bound = try Self.parameters.bind(arguments)
        let sending = try SMSSending(bound, company: SMSSending.company(bound), settings: settings)
        let phone = sending.message.phone.masked
        // Written before sending: when the worker dies now, this line is what tells that the message may have left.
        context.logger.info(
            "sending SMS",
            metadata: ["phone": "\(phone)", "gateway": "\(sending.account.gateway.name)"]
        )
        do {
            let name = TaskRequest.fileName(context.request.id)
            let isRepeat = context.request.retries > 0 || context.request.redelivered
            return .object(try await sending.send(name: name, isRepeat: isRepeat))
        } catch let error as SMSError {
            context.logger.warning("SMS not sent", metadata: ["phone": "\(phone)", "error": "\(error)"])
            let failure = TaskFailure(sms: error)
            guard settings.isWorthRetrying(error) else { throw failure }
            throw context.retry(doubling: settings.retryDelay, cause: failure)
        }
    }

    /// Closes the connections to the gateways.
    public func shutdown() async { await settings.client.shutdown() }
}
