/// One row as it stands in the file: only the cells that are there, their text still raw.
struct SheetRow: Sendable {
    /// The row's number as the spreadsheet shows it, from 1.
    var number: Int
    var cells: [SheetCell]
    /// The text of all cells, one after the other.
    var text: [UInt8]
}

/// One cell of a row.
struct SheetCell: Sendable {
    /// What the cell's raw text means.
    enum Kind: Sendable {
        case blank
        case number
        case shared
        case text
        case boolean
        case error
        case isoDate
    }

    /// The column from 0.
    var column: Int
    var kind: Kind
    /// The place of the cell's format.
    var style: Int
    /// The cell's part of the row's text.
    var range: Range<Int>
}

/// Column letters: `A` is 0, `Z` 25, `AA` 26.
enum ColumnLetters {
    /// The column of a reference such as `AB12`, or `nil` for what is none or lies beyond `limit` columns.
    static func column(of reference: UnsafePointer<CChar>, limit: Int) -> Int? {
        var column = 0
        var place = reference
        while place.pointee >= 65, place.pointee <= 90 {
            column = column * 26 + Int(place.pointee) - 64
            guard column <= limit else { return nil }
            place += 1
        }
        return column == 0 ? nil : column - 1
    }

    /// The letters of a column.
    static func text(of column: Int) -> String {
        var letters = ""
        var rest = column + 1
        while rest > 0 {
            letters = String(UnicodeScalar(UInt8(65 + (rest - 1) % 26))) + letters
            rest = (rest - 1) / 26
        }
        return letters
    }
}
