import CeleriacTasks

/// The options of `excel.process_upload`.
struct UploadOptions: Sendable {
    /// Which row holds the headings.
    enum Header: Sendable, Hashable {
        /// The first row that has a value.
        case first
        /// The row of that number.
        case row(Int)
    }

    var roots: UploadRoots
    var rules: [ColumnRule]
    var header = Header.first
    /// Whether headings without a rule are refused.
    var refusesExtraColumns = false
    /// Whether a sheet without data rows is fine.
    var allowsEmpty = false
    /// Problems listed in the result; all are counted.
    var maxErrors = 100
    /// Data rows accepted at most.
    var maxRows = 1_048_576
    var language = RowProblem.Language.english
    /// Where accepted rows go, or `nil` to only check.
    var acceptedFolder: String?
    /// Bytes of a file of accepted rows.
    var acceptedBytes = 1 << 30
    var limits = WorkbookLimits()

    private static let keys = [
        "upload_root", "columns", "header_row", "extra_columns", "allow_empty", "max_errors", "max_rows", "language",
        "accepted_folder", "max_file_bytes", "max_inflated_bytes",
    ]

    /// Reads and checks the options.
    init(_ setup: HandlerSetup) throws(HandlerOptionError) {
        let options = setup.options
        try options.refuseUnknown(except: Self.keys)
        guard let folders = try options.strings("upload_root"), !folders.isEmpty else {
            throw options.error("upload_root", "is required: the folder uploads lie in, or a list of them")
        }
        roots = UploadRoots(folders.map(setup.path))
        rules = try (options.blocks("columns") ?? []).map { (block) throws(HandlerOptionError) in try ColumnRule(block)
        }
        var names: Set<String> = []
        var headers: Set<String> = []
        for rule in rules {
            guard names.insert(rule.name).inserted else {
                throw options.error("columns", "names '\(rule.name)' twice")
            }
            guard headers.insert(TurkishFold.fold(rule.header)).inserted else {
                throw options.error("columns", "has two rules for the heading '\(rule.header)'")
            }
        }
        if let row = try options.int("header_row", in: 1...limits.rows) { header = .row(row) }
        if let extra = try options.string("extra_columns") {
            guard ["ignore", "refuse"].contains(extra) else {
                throw options.error("extra_columns", "must be 'ignore' or 'refuse'")
            }
            refusesExtraColumns = extra == "refuse"
        }
        allowsEmpty = try options.bool("allow_empty") ?? allowsEmpty
        maxErrors = try options.int("max_errors", in: 0...10_000) ?? maxErrors
        maxRows = try options.int("max_rows", in: 1...limits.rows) ?? maxRows
        if let text = try options.string("language") {
            guard let language = RowProblem.Language(rawValue: text) else {
                throw options.error("language", "must be 'en' or 'tr'")
            }
            self.language = language
        }
        acceptedFolder = try options.string("accepted_folder").map(setup.path)
        limits.fileBytes = try options.int("max_file_bytes", in: 1...(4 << 30)) ?? limits.fileBytes
        if let bytes = try options.int("max_inflated_bytes", in: 1...(64 << 30)) {
            limits.entryBytes = bytes
            limits.totalBytes = bytes
        }
    }
}
