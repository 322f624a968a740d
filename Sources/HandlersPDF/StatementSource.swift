import CeleriacTasks
import CeleryMessage
import Databases

/// Reads a statement's header and lines from the database and writes every cell as text.
struct StatementSource: Sendable {
    private let database: SQLiteDatabase
    private let options: StatementOptions

    init(_ options: StatementOptions) {
        self.options = options
        database = SQLiteDatabase(path: options.databasePath, mode: .readOnly)
    }

    /// Reads one statement; header and lines are of the same snapshot.
    ///
    /// - Throws: ``TaskFailure`` for an unknown id and for data that cannot be printed, `HandlerOptionError` for
    ///   options that do not fit the queries, `SQLError` for a database that does not answer.
    func statement(_ id: MutabakatID) async throws -> Statement {
        let arguments = [StatementOptions.idParameter: id.sqlValue]
        return try await database.transaction { snapshot in
            guard let header = try await snapshot.firstRow(options.query, arguments) else {
                throw TaskFailure.valueError("there is no mutabakat with id \(id.text)")
            }
            var lines = StatementLines(options, opening: try opening(of: header, id))
            try await snapshot.read(options.linesQuery, arguments) { rows in
                for row in rows { try lines.append(row, id) }
            }
            return try finished(id, header, lines)
        }
    }

    private func opening(of header: SQLRow, _ id: MutabakatID) throws -> Amount {
        guard let column = options.balance?.opening else { return .zero }
        guard let value = header[column] else {
            throw HandlerOptionError(path: ["balance", "opening"], message: "query has no column '\(column)'")
        }
        if value.isNull { return .zero }
        guard let amount = Amount(value) else {
            throw TaskFailure.valueError("mutabakat \(id.text): '\(column)' is not an amount")
        }
        return amount
    }

    private func finished(_ id: MutabakatID, _ header: SQLRow, _ lines: StatementLines) throws -> Statement {
        let values = FieldValues(id: id, header: header, lines: lines)
        func fill(_ template: TextTemplate, _ path: String...) throws -> String {
            try values.fill(template, options.locale, path)
        }
        return Statement(
            title: try fill(options.title, "title"),
            reference: try fill(options.reference, "reference"),
            parties: try options.parties.map { party in
                Statement.Party(heading: party.heading, lines: try party.lines.map { try fill($0, "parties", "lines") })
            },
            facts: try options.facts.map {
                Statement.Fact(label: $0.label, text: try fill($0.text, "facts", "text"))
            },
            columns: options.columns,
            rows: lines.rows,
            totals: lines.totalRow,
            emptyText: options.emptyText,
            closing: try fill(options.closing, "closing"),
            signatures: try options.signatures.map {
                Statement.Signature(heading: $0.heading, name: try fill($0.name, "signatures", "name"))
            },
            signatureLabel: options.signatureLabel,
            footer: try fill(options.footer, "footer"),
            pageLabel: options.pageLabel,
            author: header["company"]?.text ?? ""
        )
    }
}

/// What templates may name: the header's columns, the id, and what the lines add up to.
private struct FieldValues {
    let id: MutabakatID
    let header: SQLRow
    let lines: StatementLines

    func fill(_ template: TextTemplate, _ locale: StatementLocale, _ path: [String]) throws -> String {
        do {
            return try template.filled(locale, value)
        } catch {
            // A field no query has is the configuration's fault, a value that does not fit is this statement's.
            if template.fields.contains(where: { value($0) == nil }) {
                throw HandlerOptionError(path: path, message: error.message)
            }
            throw TaskFailure.valueError("mutabakat \(id.text): \(error.message)")
        }
    }

    private func value(_ name: String) -> SQLValue? {
        switch name {
        case StatementOptions.idParameter: .text(id.text)
        case "line_count": .int(Int64(lines.rows.count))
        case "closing_balance": .decimal(lines.balance.text)
        case "closing_amount": .decimal(lines.balance.magnitude.text)
        case "closing_side": .text(lines.balance == .zero ? "kapalı" : lines.balance > .zero ? "borç" : "alacak")
        default: header[name] ?? lines.total(name).map { .decimal($0.text) }
        }
    }
}
