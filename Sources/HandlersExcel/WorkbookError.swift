/// Why a file cannot be read as a workbook.
struct WorkbookError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kinds of trouble; equality of errors goes by it.
    struct Code: Hashable, Sendable {
        let name: String

        /// Not a ZIP archive, or one without a workbook in it.
        static let notAWorkbook = Code(name: "not a workbook")
        /// A spreadsheet of another kind: `.xls`, `.xlsb`, `.ods`.
        static let otherFormat = Code(name: "other format")
        /// Needs a password.
        static let encrypted = Code(name: "encrypted")
        /// Cut off, changed after writing, or not well-formed.
        static let damaged = Code(name: "damaged")
        /// Beyond a limit, without a sign of ill will.
        static let tooLarge = Code(name: "too large")
        /// Built to harm its reader: a decompression bomb, a DOCTYPE, endless nesting.
        static let hostile = Code(name: "hostile")
        /// The asked sheet is not in the workbook.
        static let noSuchSheet = Code(name: "no such sheet")
    }

    let code: Code
    let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    var description: String { message }

    static func == (left: WorkbookError, right: WorkbookError) -> Bool { left.code == right.code }
}
