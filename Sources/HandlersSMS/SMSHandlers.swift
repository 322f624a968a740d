public import CeleriacTasks

/// The handlers of this target, for the program's registry.
public enum SMSHandlers {
    /// `sms.send` and `sms.send_bulk`.
    public static let factories = [
        HandlerFactory(name: "sms.send", summary: "Sends one text message through a gateway or into a folder") {
            try SendSMSHandler($0)
        },
        HandlerFactory(
            name: "sms.send_bulk",
            summary: "Sends a list of text messages, each with an outcome of its own"
        ) {
            try SendBulkSMSHandler($0)
        },
    ]
}
