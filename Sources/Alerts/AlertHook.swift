/// Somewhere alerts go.
package protocol AlertHook: Sendable {
    /// A stable name, unique among hooks.
    var name: String { get }

    /// Whether it wants each letter by itself, or kinds of them.
    var wants: AlertHookWants { get }

    /// Hands an alert over; answers what the other side said, in a few words.
    func tell(_ alert: Alert) async throws(AlertHookError) -> String

    /// Lets go of connections.
    func shutdown() async
}

/// What a hook is told.
package enum AlertHookWants: Sendable, Hashable {
    /// Every letter: the other side groups them.
    case each
    /// Kinds of letters, at a pace that people can bear.
    case groups
}

/// Why an alert was not taken.
package struct AlertHookError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What happened, without secrets.
    package var message: String
    /// Whether the other side will never take this alert, whatever happens.
    package var isFinal: Bool
    /// After how long it wants to be asked again.
    package var retryAfter: Duration?

    /// Describes a failure.
    package init(_ message: String, isFinal: Bool = false, retryAfter: Duration? = nil) {
        self.message = message
        self.isFinal = isFinal
        self.retryAfter = retryAfter
    }

    /// The message.
    package var description: String { message }
}
