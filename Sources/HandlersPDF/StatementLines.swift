import CeleriacTasks
import Databases

/// The table of a statement while its lines come in: cells as text, running balance and totals as exact amounts.
struct StatementLines {
    /// The most text a cell may hold; a page holds some 4,000 characters.
    private static let longestCell = 20_000

    private let options: StatementOptions
    private(set) var rows: [[String]] = []
    /// The balance after the last line.
    private(set) var balance: Amount
    private var sums: [String: Amount] = [:]

    init(_ options: StatementOptions, opening: Amount) {
        self.options = options
        balance = opening
        for column in options.totals { sums[column] = .zero }
    }

    /// Adds a line.
    ///
    /// - Throws: ``TaskFailure`` for a value that cannot be printed and for too many lines, `HandlerOptionError` for a
    ///   column the query does not have.
    mutating func append(_ row: SQLRow, _ id: MutabakatID) throws {
        guard rows.count < options.maxLines else {
            throw TaskFailure.valueError("mutabakat \(id.text) has more than \(options.maxLines) lines (max_lines)")
        }
        let place = "mutabakat \(id.text), line \(rows.count + 1)"
        if let columns = options.balance {
            let debit = try amount(row, columns.debit, ["balance", "debit"], place)
            let credit = try amount(row, columns.credit, ["balance", "credit"], place)
            balance = balance + debit - credit
        }
        rows.append(try options.columns.map { try cell($0, row, place) })
    }

    /// The total of a column in `totals`; of the calculated balance that is the last one.
    func total(_ column: String) -> Amount? {
        isCalculated(column) ? balance : sums[column]
    }

    /// The table's last row, with the label in the first cell that has no total; nil when nothing is totalled.
    var totalRow: [String]? {
        guard !options.totals.isEmpty else { return nil }
        var cells = options.columns.map { column in
            options.totals.contains(column.source)
                ? total(column.source).map { options.locale.money($0, places: column.places) } ?? "" : ""
        }
        if let free = cells.firstIndex(of: "") { cells[free] = options.totalLabel }
        return cells
    }

    private mutating func cell(_ column: StatementColumn, _ row: SQLRow, _ place: String) throws -> String {
        if isCalculated(column.source) { return options.locale.money(balance, places: column.places) }
        let value = try value(row, column.source, ["columns", "source"])
        if value.isNull { return "" }
        switch column.kind {
        case .money: return try money(value, column, place)
        case .date:
            guard let date = value.text.flatMap(options.locale.date) else {
                throw TaskFailure.valueError("\(place): '\(column.source)' is not a date like 2027-01-15")
            }
            return date
        case .text:
            guard let text = value.text, text.utf8.count <= Self.longestCell else {
                throw TaskFailure.valueError("\(place): '\(column.source)' is bytes or too long to print")
            }
            return text
        }
    }

    private mutating func money(_ value: SQLValue, _ column: StatementColumn, _ place: String) throws -> String {
        guard let amount = Amount(value) else {
            throw TaskFailure.valueError("\(place): '\(column.source)' is not an amount like 1234.50")
        }
        if let sum = sums[column.source] { sums[column.source] = sum + amount }
        return column.blankZero && amount == .zero ? "" : options.locale.money(amount, places: column.places)
    }

    private func amount(_ row: SQLRow, _ column: String, _ path: [String], _ place: String) throws -> Amount {
        let value = try value(row, column, path)
        if value.isNull { return .zero }
        guard let amount = Amount(value) else {
            throw TaskFailure.valueError("\(place): '\(column)' is not an amount like 1234.50")
        }
        return amount
    }

    private func value(_ row: SQLRow, _ column: String, _ path: [String]) throws -> SQLValue {
        guard let value = row[column] else {
            throw HandlerOptionError(path: path, message: "lines_query has no column '\(column)'")
        }
        return value
    }

    private func isCalculated(_ column: String) -> Bool {
        options.balance != nil && column == StatementOptions.Balance.column
    }
}
