/// What went wrong while looking into a deployment; two errors are equal when their codes are.
public struct InspectionError: Error, Sendable {
    /// The kind of failure, an open set.
    public struct Code: Sendable, Hashable {
        /// A stable name.
        public let rawValue: String

        /// A code by its name.
        public init(_ rawValue: String) { self.rawValue = rawValue }

        /// The server does not answer just now; trying again later may succeed.
        public static let unavailable = Code("unavailable")
        /// The server cannot be reached, and it is certain that nothing was sent to it.
        public static let notSent = Code("notSent")
        /// Too much is being done here at once.
        public static let busy = Code("busy")
        /// The deployment stores no results.
        public static let noResultBackend = Code("noResultBackend")
        /// The server refuses what was asked, for good.
        public static let refused = Code("refused")
        /// Something stored cannot be understood.
        public static let undecodable = Code("undecodable")
        /// Something cannot be written in the deployment's own form.
        public static let unencodable = Code("unencodable")
    }

    /// The kind of failure.
    public let code: Code
    /// A sentence for the operator, without secrets; not for anybody who asks over HTTP.
    public let message: String
    /// The file that reported the failure.
    public let file: String
    /// The line in `file`.
    public let line: Int

    /// A failure of this kind.
    public init(_ code: Code, _ message: String, file: String = #fileID, line: Int = #line) {
        self.code = code
        self.message = message
        self.file = file
        self.line = line
    }
}

extension InspectionError: Equatable {
    /// Equality by code alone.
    public static func == (left: InspectionError, right: InspectionError) -> Bool { left.code == right.code }
}

extension InspectionError: CustomStringConvertible {
    /// Code and message.
    public var description: String { "\(code.rawValue): \(message)" }
}
