/// One column of the table of lines.
struct StatementColumn: Sendable, Hashable {
    /// What a column's values are, and so how they are written.
    enum Kind: String, Sendable, CaseIterable {
        case text
        case date
        case money
    }

    /// Where the texts stand in their cells.
    enum Alignment: String, Sendable, CaseIterable {
        case left
        case center
        case right
    }

    /// The column of `lines_query` (or `balance`, where that is calculated).
    var source: String
    var heading: String
    /// Its share of the table's width, against the other columns' shares.
    var width: Double
    var alignment: Alignment
    var kind: Kind
    /// The places of an amount after the decimal sign.
    var places = 2
    /// Whether an amount of zero leaves its cell empty.
    var blankZero = false
}
