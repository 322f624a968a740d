/// Why a message cannot be run or written, with as much of its identity as could be read.
///
/// Every refusal ends with the message dropped and kept aside with this reason. Where ``taskID`` is known a FAILURE can
/// be stored for the client that waits; ``exceptionInfo`` is what to store.
public struct MessageError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kinds of refusal.
    public enum Code: String, Sendable, Hashable {
        /// The list item is no JSON object, or a part that delivery needs is missing.
        case notEnvelope
        /// An envelope without a task, in neither protocol.
        case unknownMessage
        /// A content type that is not accepted, pickle always among them.
        case contentDisallowed
        /// A body that cannot be unwrapped, decompressed or read.
        case undecodable
        /// A task whose parts have the wrong shape: no id, a bad ETA, arguments that are no list.
        case invalidTask
        /// A signature that cannot take a task's place.
        case improperlyConfigured
        /// A part for a chord where there is no chord.
        case notInChord
        /// More bytes or nesting than ``MessageLimits`` allows.
        case tooLarge
        /// A message or result that the chosen serializer or compression cannot write.
        case unencodable
    }

    /// The kind of refusal.
    public var code: Code
    /// What was wrong, in words for logs; it quotes no argument.
    public var message: String
    /// The task's id when the headers could be read.
    public var taskID: String?
    /// The task's name when the headers could be read.
    public var taskName: String?

    /// Makes an error.
    public init(_ code: Code, _ message: String, taskID: String? = nil, taskName: String? = nil) {
        self.code = code
        self.message = message
        self.taskID = taskID
        self.taskName = taskName
    }

    /// The message, with the task where it is known.
    public var description: String {
        guard let taskID else { return message }
        return "\(taskName ?? "unnamed task")[\(taskID)]: \(message)"
    }

    /// The exception a client should see for this refusal.
    public var exceptionInfo: ExceptionInfo {
        switch code {
        case .contentDisallowed: .contentDisallowed(message)
        case .undecodable, .tooLarge: .decodeError(message)
        case .unencodable: .encodeError(message)
        case .improperlyConfigured: .improperlyConfigured(message)
        case .notInChord: .valueError(message)
        case .notEnvelope, .unknownMessage, .invalidTask: .invalidTask(message)
        }
    }
}
