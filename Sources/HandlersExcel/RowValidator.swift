import CeleryMessage

/// Checks the rows of one sheet against the rules, one after the other, remembering what must be unique.
struct RowValidator {
    /// What became of a row.
    enum Outcome {
        /// Nothing in it but white space.
        case blank
        /// The values by the rules' names; empty when nobody wants them.
        case valid(JSONObject)
        case invalid([RowProblem])
    }

    /// A heading that does not fit the rules.
    struct HeaderError: Error, Equatable {
        var message: String
    }

    /// A value's trace: 128 bits instead of the text, so that a million unique values stay small.
    private struct Fingerprint: Hashable {
        let first: Int
        let second: Int

        init(_ text: String) {
            var hasher = Hasher()
            hasher.combine(text)
            first = hasher.finalize()
            hasher = Hasher()
            hasher.combine(0x9E37)
            hasher.combine(text)
            second = hasher.finalize()
        }
    }

    private var checks: [CellCheck] = []
    private let keepsValues: Bool
    /// The place in ``checks`` of the rule for each sheet column, and back.
    private var places: [Int: Int] = [:]
    private var columns: [Int] = []
    private var seen: [[Fingerprint: Int32]] = []
    private static let excerptCharacters = 80

    /// Matches the rules with the headings; without rules every heading is a column of any text.
    ///
    /// - Parameters:
    ///   - header: the headings with their columns from 0.
    ///   - refusesExtra: whether headings without a rule are an error.
    ///   - keepsValues: whether somebody wants the values of valid rows.
    init(
        rules: [ColumnRule],
        header: [(column: Int, title: String)],
        refusesExtra: Bool,
        keepsValues: Bool
    ) throws {
        self.keepsValues = keepsValues
        var titles: [String: (column: Int, title: String)] = [:]
        for entry in header {
            guard titles.updateValue(entry, forKey: TurkishFold.fold(entry.title)) == nil else {
                throw HeaderError(message: "has the heading '\(entry.title.prefix(60))' twice")
            }
        }
        let wanted = rules.isEmpty ? header.map { ColumnRule(name: $0.title, header: $0.title) } : rules
        var missing: [String] = []
        for rule in wanted {
            guard let found = titles.removeValue(forKey: TurkishFold.fold(rule.header)) else {
                if rule.isRequired { missing.append("'\(rule.header)'") }
                continue
            }
            places[found.column] = checks.count
            columns.append(found.column)
            checks.append(try CellCheck(rule))
            seen.append([:])
        }
        let found = header.prefix(30).map { "'\($0.title.prefix(60))'" }.joined(separator: ", ")
        guard missing.isEmpty else {
            throw HeaderError(message: "lacks the heading \(missing.joined(separator: ", ")); it has \(found)")
        }
        guard !checks.isEmpty else { throw HeaderError(message: "has none of the expected headings; it has \(found)") }
        if refusesExtra, let extra = header.first(where: { places[$0.column] == nil }) {
            throw HeaderError(message: "has the unexpected heading '\(extra.title.prefix(60))'")
        }
    }

    /// Judges a row.
    ///
    /// - Throws: ``WorkbookError`` for a file that turns out damaged or hostile.
    mutating func check(_ row: SheetRow, from sheet: SheetReader, limits: WorkbookLimits) throws -> Outcome {
        var values = [CellValue](repeating: .blank, count: checks.count)
        var isBlank = true
        var bytes = 0
        for cell in row.cells {
            guard let place = places[cell.column] else {
                isBlank = false
                continue
            }
            let value = try sheet.value(of: cell, in: row)
            values[place] = value
            if case .text(let text) = value {
                bytes += text.utf8.count
                if isBlank, !text.allSatisfy(\.isWhitespace) { isBlank = false }
            } else if value != .blank {
                isBlank = false
            }
        }
        // Many cells may share one long text, so the file's own size bounds nothing here.
        guard bytes <= limits.rowBytes else {
            throw WorkbookError(.tooLarge, "row \(row.number) holds more than \(limits.rowBytes) bytes of text")
        }
        return isBlank ? .blank : judge(values, row: row.number)
    }

    private mutating func judge(_ values: [CellValue], row: Int) -> Outcome {
        var accepted: JSONObject = [:]
        var problems: [RowProblem] = []
        var fresh: [(place: Int, trace: Fingerprint)] = []
        for (place, value) in values.enumerated() {
            switch checks[place].verdict(value) {
            case .blank:
                if keepsValues { accepted[checks[place].rule.name] = .null }
            case .refused(let reason): problems.append(problem(reason, value, place: place, row: row))
            case .accepted(let json, let text):
                if keepsValues { accepted[checks[place].rule.name] = json }
                guard checks[place].rule.isUnique else { continue }
                let trace = Fingerprint(text)
                if let earlier = seen[place][trace] {
                    problems.append(problem(.duplicate(row: Int(earlier)), value, place: place, row: row))
                } else {
                    fresh.append((place, trace))
                }
            }
        }
        // A bad row counts too: its twin further down is a duplicate once this one is mended.
        for (place, trace) in fresh { seen[place][trace] = Int32(row) }
        return problems.isEmpty ? .valid(accepted) : .invalid(problems)
    }

    private func problem(_ reason: RowProblem.Reason, _ value: CellValue, place: Int, row: Int) -> RowProblem {
        let rule = checks[place].rule
        let text = value.text
        let excerpt = text.count > Self.excerptCharacters ? text.prefix(Self.excerptCharacters) + "…" : text
        return RowProblem(
            row: row,
            column: rule.name,
            cell: ColumnLetters.text(of: columns[place]) + String(row),
            excerpt: rule.isMasked && !text.isEmpty ? "***" : excerpt,
            reason: reason
        )
    }
}
