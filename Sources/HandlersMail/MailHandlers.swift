public import CeleriacTasks

/// The handlers of this target, for the program's registry.
public enum MailHandlers {
    /// `mail.send` and `mail.send_bulk`.
    public static let factories = [
        HandlerFactory(name: "mail.send", summary: "Sends one mail by SMTP or into a folder") {
            try SendMailHandler($0)
        },
        HandlerFactory(name: "mail.send_bulk", summary: "Sends a list of mails, each with an outcome of its own") {
            try SendBulkMailHandler($0)
        },
    ]
}
