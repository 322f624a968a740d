/// What went wrong with a database; `==` compares the code alone.
///
/// The message never holds argument values: they may be personal data or secrets.
public struct SQLError: Error, Sendable {
    /// The kinds of error; an open set.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The name of the code.
        public let description: String

        /// The database cannot be opened: no such file, no permission, not a database.
        public static let cannotOpen = Code(description: "cannotOpen")
        /// The statement itself is wrong: syntax, unknown table or column, several statements in one.
        public static let invalidStatement = Code(description: "invalidStatement")
        /// The statement names a parameter for which no argument was given.
        public static let missingArgument = Code(description: "missingArgument")
        /// A write on a database that was opened for reading.
        public static let readOnly = Code(description: "readOnly")
        /// Somebody else held the database for longer than the busy timeout; worth another try.
        public static let busy = Code(description: "busy")
        /// A constraint (unique, foreign key, not null, check) refused the change.
        public static let constraint = Code(description: "constraint")
        /// The program used this interface wrongly, such as a transaction after its end.
        public static let misuse = Code(description: "misuse")
        /// Anything else: disk full, input or output error, a damaged file.
        public static let failed = Code(description: "failed")
    }

    /// What kind of error this is.
    public var code: Code
    /// What happened, without argument values.
    public var message: String

    /// Makes an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// Whether the same statement may succeed later without anybody changing anything.
    public var isTransient: Bool { code == .busy }
}

extension SQLError: Equatable {
    /// Compares the codes.
    public static func == (left: SQLError, right: SQLError) -> Bool { left.code == right.code }
}

extension SQLError: CustomStringConvertible {
    /// The message.
    public var description: String { message }
}
