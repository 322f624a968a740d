/// Why a schedule cannot be used; `==` compares the code alone.
///
/// Schedules are judged when they are made, so that a wrong one is found while a file is read and not at night.
public struct ScheduleError: Error, Sendable {
    /// The kinds of error; an open set.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The name of the code.
        public let description: String

        init(_ name: String) { description = name }

        /// A text of five fields that has fewer, more, or two spaces in a row.
        public static let fieldCount = Code("fieldCount")
        /// A crontab field that breaks the grammar or its range.
        public static let field = Code("field")
        /// Days and months that never come together, such as the 30th of February.
        public static let impossibleDate = Code("impossibleDate")
        /// An interval that is not positive, or too short or too long to count with.
        public static let interval = Code("interval")
        /// A place that is not on Earth, or an event that the sun does not have.
        public static let solar = Code("solar")
        /// A time zone that nobody knows, or whose rules cannot be read.
        public static let zone = Code("zone")
    }

    /// What kind of error it is.
    public let code: Code
    /// What is wrong and what would be right, in one line.
    public let message: String
    /// The part that is wrong, by its name in a schedule file, such as `day_of_week`; `nil` when it is the whole.
    public let field: String?

    /// Makes an error.
    public init(_ code: Code, _ message: String, field: String? = nil) {
        self.code = code
        self.message = message
        self.field = field
    }
}

extension ScheduleError: Equatable {
    /// Compares the codes.
    public static func == (left: ScheduleError, right: ScheduleError) -> Bool { left.code == right.code }
}

extension ScheduleError: CustomStringConvertible {
    /// The field, where there is one, and the message.
    public var description: String { field.map { "\($0): \(message)" } ?? message }
}
