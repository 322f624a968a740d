import CeleryMessage

/// The state of one upload while its rows come in: headings first, then rows, then the result.
struct SheetUpload {
    private let options: UploadOptions
    private let accepted: AcceptedRows?
    private var validator: RowValidator?
    private var problems: [RowProblem] = []
    private var problemCount = 0

    /// Data rows seen, blank ones not counted.
    private(set) var rows = 0
    private(set) var valid = 0
    private(set) var invalid = 0

    /// Waits for the first row.
    init(options: UploadOptions, accepted: AcceptedRows?) {
        self.options = options
        self.accepted = accepted
    }

    /// Takes the next row in the sheet's order.
    mutating func take(_ row: SheetRow, from sheet: SheetReader) throws {
        guard var validator else { return try takeHeader(row, from: sheet) }
        // Moved out and back, so that its tables are not copied at every row.
        self.validator = nil
        let outcome = try validator.check(row, from: sheet, limits: options.limits)
        self.validator = validator
        switch outcome {
        case .blank: return
        case .valid(let values):
            valid += 1
            try accepted?.append(values)
        case .invalid(let found):
            invalid += 1
            problemCount += found.count
            problems.append(contentsOf: found.prefix(max(0, options.maxErrors - problems.count)))
        }
        rows += 1
        guard rows <= options.maxRows else {
            throw WorkbookError(.tooLarge, "the sheet has more than \(options.maxRows) rows of data")
        }
    }

    /// Ends the upload after the last row: moves accepted rows to their place and makes the task's result.
    func finish(file: String, sheet: String) throws -> JSONValue {
        guard validator != nil else {
            throw WorkbookError(.damaged, "sheet '\(sheet)' is empty: not even headings were found")
        }
        guard rows > 0 || options.allowsEmpty else {
            throw WorkbookError(.damaged, "sheet '\(sheet)' has headings but no rows of data")
        }
        try accepted?.finish()
        var result: JSONObject = [
            "file": .string(file), "sheet": .string(sheet),
            "rows": .int(Int64(rows)), "valid": .int(Int64(valid)), "invalid": .int(Int64(invalid)),
            "error_count": .int(Int64(problemCount)), "errors": .array(problems.map { $0.json(options.language) }),
            "errors_truncated": .bool(problems.count < problemCount),
        ]
        if rows == 0 { result["empty"] = true }
        if let accepted { result["accepted_file"] = .string(accepted.path) }
        return .object(result)
    }

    private mutating func takeHeader(_ row: SheetRow, from sheet: SheetReader) throws {
        if case .row(let wanted) = options.header {
            if row.number < wanted { return }
            guard row.number == wanted else {
                throw RowValidator.HeaderError(message: "has no headings in row \(wanted)")
            }
        }
        var titles: [(column: Int, title: String)] = []
        var bytes = 0
        for cell in row.cells {
            let title = CellCheck.trimmed(try sheet.value(of: cell, in: row).text)
            bytes += title.utf8.count
            guard bytes <= options.limits.rowBytes else {
                throw WorkbookError(.hostile, "the headings take more than \(options.limits.rowBytes) bytes")
            }
            if !title.isEmpty { titles.append((cell.column, title)) }
        }
        if titles.isEmpty, options.header == .first { return }
        validator = try RowValidator(
            rules: options.rules,
            header: titles,
            refusesExtra: options.refusesExtraColumns,
            keepsValues: accepted != nil
        )
    }
}
