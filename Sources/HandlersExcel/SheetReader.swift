/// Reads the rows of one sheet as its XML inflates, holding only the rows of one chunk.
///
/// Rows are provisional until ``next()`` has returned `nil`: only then the whole part was well-formed and its
/// checksum right. Not thread-safe: one run owns it.
final class SheetReader: XMLEvents {
    private let entry: ZipEntry
    private let stream: XMLStream
    private let values: CellDecoder
    private let limits: WorkbookLimits

    private var finished: [SheetRow] = []
    private var row = SheetRow(number: 0, cells: [], text: [])
    private var cell: SheetCell?
    private var lastRow = 0
    private var lastColumn = -1
    private var isInRow = false
    private var isCollecting = false
    private var phonetic = 0
    private var sawData = false
    private var isAtEnd = false

    init(entry: ZipEntry, values: CellDecoder, limits: WorkbookLimits) throws(WorkbookError) {
        self.entry = entry
        self.values = values
        self.limits = limits
        stream = try XMLStream(part: entry.name, limits: limits)
    }

    /// How much of the sheet was read, from 0 to 1.
    var fraction: Double { entry.fraction }

    /// The rows that the next chunk of the sheet completed, perhaps none; `nil` after the last.
    ///
    /// Rows without any value are left out.
    func next() throws(WorkbookError) -> [SheetRow]? {
        guard !isAtEnd else { return nil }
        finished.removeAll(keepingCapacity: true)
        let chunk = try entry.read()
        try stream.feed(chunk, to: self)
        isAtEnd = chunk.isEmpty
        guard !isAtEnd || sawData else {
            throw WorkbookError(.damaged, "\(entry.name) is not a worksheet: it has no sheetData")
        }
        return finished
    }

    /// The value of a cell of a row this reader returned.
    func value(of cell: SheetCell, in row: SheetRow) throws(WorkbookError) -> CellValue {
        try values.value(of: cell, in: row, limits: limits)
    }

    // MARK: XML

    func start(_ name: XMLName, _ attributes: XMLAttributes) throws(WorkbookError) {
        guard name.isSpreadsheet else { return }
        if name == "c" {
            try startCell(attributes)
        } else if name == "v" {
            isCollecting = cell != nil
        } else if name == "t" {
            // Inline text, perhaps in several runs; phonetic hints are not part of it.
            isCollecting = cell?.kind == .text && phonetic == 0
        } else if name == "row" {
            try startRow(attributes)
        } else if name == "rPh" {
            phonetic += 1
        } else if name == "sheetData" {
            sawData = true
        }
    }

    func end(_ name: XMLName) throws(WorkbookError) {
        guard name.isSpreadsheet else { return }
        if name == "v" || name == "t" {
            isCollecting = false
        } else if name == "c" {
            endCell()
        } else if name == "row" {
            endRow()
        } else if name == "rPh" {
            phonetic -= 1
        }
    }

    func text(_ piece: UnsafeBufferPointer<UInt8>) throws(WorkbookError) {
        guard isCollecting, let started = cell?.range.lowerBound else { return }
        guard row.text.count - started + piece.count <= limits.cellBytes else {
            throw WorkbookError(
                .hostile,
                "row \(row.number) has a cell of more than \(limits.cellCharacters) characters"
            )
        }
        guard row.text.count + piece.count <= limits.rowBytes else {
            throw WorkbookError(.tooLarge, "row \(row.number) holds more than \(limits.rowBytes) bytes of text")
        }
        row.text.append(contentsOf: piece)
    }

    // MARK: Rows and cells

    private func startRow(_ attributes: XMLAttributes) throws(WorkbookError) {
        let number = attributes.int("r") ?? lastRow + 1
        guard number > lastRow else {
            throw WorkbookError(.damaged, "row \(number) comes after row \(lastRow)")
        }
        guard number <= limits.rows else {
            throw WorkbookError(.tooLarge, "the sheet has more than \(limits.rows) rows")
        }
        lastRow = number
        lastColumn = -1
        isInRow = true
        row = SheetRow(number: number, cells: [], text: [])
    }

    private func endRow() {
        isInRow = false
        if !row.cells.isEmpty { finished.append(row) }
    }

    private func startCell(_ attributes: XMLAttributes) throws(WorkbookError) {
        guard isInRow, cell == nil else { throw WorkbookError(.damaged, "\(entry.name) has a cell outside of a row") }
        let column: Int
        if let reference = attributes.bytes("r") {
            guard let found = ColumnLetters.column(of: reference, limit: limits.columns) else {
                throw WorkbookError(.damaged, "row \(row.number) has a cell with an impossible reference")
            }
            column = found
        } else {
            column = lastColumn + 1
        }
        guard column < limits.columns, row.cells.count < limits.columns else {
            throw WorkbookError(.tooLarge, "row \(row.number) has more than \(limits.columns) columns")
        }
        lastColumn = column
        let start = row.text.count
        cell = SheetCell(
            column: column,
            kind: Self.kind(attributes.bytes("t")),
            style: attributes.int("s") ?? 0,
            range: start..<start
        )
    }

    /// Cells that hold only a format are dropped here: rows are often formatted far beyond their data.
    private func endCell() {
        guard var ended = cell else { return }
        cell = nil
        ended.range = ended.range.lowerBound..<row.text.count
        guard !ended.range.isEmpty else { return }
        row.cells.append(ended)
    }

    /// The meaning of the cell's `t` attribute; without one it is a number.
    private static func kind(_ type: UnsafePointer<CChar>?) -> SheetCell.Kind {
        guard let type else { return .number }
        return switch (UInt8(bitPattern: type[0]), type[0] == 0 ? 0 : UInt8(bitPattern: type[1])) {
        case (UInt8(ascii: "s"), 0): .shared
        case (UInt8(ascii: "s"), _), (UInt8(ascii: "i"), _): .text
        case (UInt8(ascii: "b"), _): .boolean
        case (UInt8(ascii: "e"), _): .error
        case (UInt8(ascii: "d"), _): .isoDate
        default: .number
        }
    }
}
