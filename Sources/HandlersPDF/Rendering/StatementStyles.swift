/// The text styles and distances of a statement, all derived from its design.
struct StatementStyles {
    let title: TextStyle
    let reference: TextStyle
    let runningTitle: TextStyle
    let cardHeading: TextStyle
    let cardName: TextStyle
    let cardLine: TextStyle
    let factLabel: TextStyle
    let factText: TextStyle
    let plainCell: TextStyle
    let empty: TextStyle
    let closing: TextStyle
    let signatureLabel: TextStyle
    let footer: TextStyle
    /// Above and below the text of a row.
    let rowPadding = 3.2
    /// Left and right of the text of a cell.
    let cellPadding = 5.0
    let headPadding = 5.0
    let totalsHeight: Double

    init(_ design: StatementDesign) {
        let size = design.fontSize
        title = TextStyle(size: size * 2.1, isBold: true, color: design.accent, overflow: .ellipsis(lines: 2))
        reference = TextStyle(size: size * 1.1, color: .muted, alignment: .right, overflow: .ellipsis(lines: 2))
        runningTitle = TextStyle(size: size, isBold: true, color: design.accent, overflow: .ellipsis(lines: 1))
        cardHeading = TextStyle(size: size * 0.82, isBold: true, color: design.accent, overflow: .ellipsis(lines: 1))
        cardName = TextStyle(size: size * 1.15, isBold: true, overflow: .ellipsis(lines: 2))
        cardLine = TextStyle(size: size, overflow: .ellipsis(lines: 2))
        factLabel = TextStyle(size: size * 0.85, color: .muted, overflow: .ellipsis(lines: 1))
        factText = TextStyle(size: size, isBold: true, overflow: .shrink)
        plainCell = TextStyle(size: size)
        empty = TextStyle(size: size, color: .muted, alignment: .center)
        closing = TextStyle(size: size * 1.08, overflow: .ellipsis(lines: 12))
        signatureLabel = TextStyle(size: size * 0.85, color: .muted, overflow: .ellipsis(lines: 1))
        footer = TextStyle(size: 7, color: .muted, overflow: .ellipsis(lines: 1))
        totalsHeight = size * 2.6
    }

    func head(_ column: StatementColumn) -> TextStyle {
        TextStyle(
            size: plainCell.size * 0.95,
            isBold: true,
            color: .white,
            alignment: column.alignment,
            overflow: .ellipsis(lines: 2)
        )
    }

    /// Amounts and days stay on one line, made smaller if need be; other texts wrap.
    func cell(_ column: StatementColumn) -> TextStyle {
        TextStyle(
            size: plainCell.size,
            alignment: column.alignment,
            overflow: column.kind == .text ? .wrap : .shrink
        )
    }

    func total(_ column: StatementColumn) -> TextStyle {
        TextStyle(size: plainCell.size, isBold: true, alignment: column.alignment, overflow: .shrink)
    }
}
