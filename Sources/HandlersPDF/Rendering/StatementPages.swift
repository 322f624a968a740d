/// A statement laid out on pages: measured once, then drawn page by page.
///
/// Belongs to one thread at a time, as the text setter it measures with.
final class StatementPages {
    /// How many pages there are.
    var count: Int { pages.count }

    private let statement: Statement
    private let design: StatementDesign
    private let logo: PDFImage?
    private let text: TextSetter
    private let styles: StatementStyles
    private let frame: Frame
    private let blocks: Blocks
    private let headHeight: Double
    private let columns: [(x: Double, width: Double)]
    private let rowLines: [[Double]]
    private let pages: [TablePagination.Page]

    // MARK: - Measuring

    init(_ statement: Statement, _ design: StatementDesign, logo: PDFImage?, _ text: TextSetter) {
        self.statement = statement
        self.design = design
        self.logo = logo
        self.text = text
        styles = StatementStyles(design)
        let frame = Frame(design)
        columns = Self.columns(statement.columns, frame)
        rowLines = Self.rowLines(statement, styles, columns, frame, text)
        let blocks = Blocks(statement: statement, styles: styles, frame: frame, text: text, logo: logo)
        let head = Self.headHeight(statement, styles, columns, text)
        pages =
            TablePagination(
                rows: rowLines,
                rowPadding: 2 * styles.rowPadding,
                headHeight: head,
                totalsHeight: statement.totals == nil ? 0 : styles.totalsHeight,
                closingHeight: blocks.closingHeight,
                firstPage: frame.bottom - frame.top - blocks.openingHeight,
                otherPages: frame.bottom - frame.top - blocks.runningHeight
            )
            .pages()
        self.frame = frame
        self.blocks = blocks
        headHeight = head
    }

    /// The left edge and width of each column.
    private static func columns(_ columns: [StatementColumn], _ frame: Frame) -> [(x: Double, width: Double)] {
        let shares = columns.reduce(0) { $0 + $1.width }
        var x = frame.left
        return columns.map { column in
            let width = frame.width * column.width / shares
            defer { x += width }
            return (x, width)
        }
    }

    /// The text lines' heights of every row; cells of one row share their lines' heights, so that they stand level.
    private static func rowLines(
        _ statement: Statement,
        _ styles: StatementStyles,
        _ columns: [(x: Double, width: Double)],
        _ frame: Frame,
        _ text: TextSetter
    ) -> [[Double]] {
        if statement.rows.isEmpty {
            return [text.lineHeights(statement.emptyText, styles.empty, width: frame.width - 2 * styles.cellPadding)]
        }
        return statement.rows.map { row in
            var heights: [Double] = []
            for (index, cell) in row.enumerated() where !cell.isEmpty {
                let width = columns[index].width - 2 * styles.cellPadding
                let cellHeights = text.lineHeights(cell, styles.cell(statement.columns[index]), width: width)
                for (line, height) in cellHeights.enumerated() {
                    if line < heights.count {
                        heights[line] = max(heights[line], height)
                    } else {
                        heights.append(height)
                    }
                }
            }
            return heights.isEmpty ? text.lineHeights(" ", styles.plainCell, width: 100) : heights
        }
    }

    private static func headHeight(
        _ statement: Statement,
        _ styles: StatementStyles,
        _ columns: [(x: Double, width: Double)],
        _ text: TextSetter
    ) -> Double {
        let heights = statement.columns.enumerated().map { index, column in
            text.height(column.heading, styles.head(column), width: columns[index].width - 2 * styles.cellPadding)
        }
        return (heights.max() ?? 0) + 2 * styles.headPadding
    }

    // MARK: - Drawing

    /// Draws one page, counted from 0, and ends it.
    func draw(_ index: Int, on canvas: PDFCanvas) {
        let page = pages[index]
        var y = frame.top
        if index == 0 {
            blocks.drawOpening(on: canvas, y: y)
            y += blocks.openingHeight
        } else {
            blocks.drawRunning(on: canvas, y: y)
            y += blocks.runningHeight
        }
        if page.hasHead {
            drawHead(on: canvas, y: y)
            y += headHeight
        }
        for slice in page.slices {
            draw(slice, on: canvas, y: y)
            y += slice.height
        }
        if page.hasHead { canvas.rule(x: frame.left, y: y, width: frame.width, thickness: 0.6, .rule) }
        if page.hasTotals {
            drawTotals(on: canvas, y: y)
            y += styles.totalsHeight
        }
        if page.hasClosing { blocks.drawClosing(on: canvas, y: y) }
        drawFooter(page: index + 1, on: canvas)
        canvas.endPage()
    }

    private func drawHead(on canvas: PDFCanvas, y: Double) {
        canvas.fill(x: frame.left, y: y, width: frame.width, height: headHeight, design.accent)
        for (index, column) in statement.columns.enumerated() {
            let style = styles.head(column)
            let width = columns[index].width - 2 * styles.cellPadding
            let height = text.height(column.heading, style, width: width)
            text.draw(
                column.heading,
                style,
                on: canvas.cairo,
                x: columns[index].x + styles.cellPadding,
                y: y + (headHeight - height) / 2,
                width: width
            )
        }
    }

    private func draw(_ slice: TablePagination.Slice, on canvas: PDFCanvas, y: Double) {
        if slice.row % 2 == 1 {
            canvas.fill(x: frame.left, y: y, width: frame.width, height: slice.height, .shade)
        }
        let heights = rowLines[slice.row][slice.lines]
        let top = y + styles.rowPadding
        if statement.rows.isEmpty {
            text.draw(
                statement.emptyText,
                styles.empty,
                on: canvas.cairo,
                x: frame.left + styles.cellPadding,
                y: top,
                width: frame.width - 2 * styles.cellPadding,
                lines: slice.lines,
                heights: heights
            )
            return
        }
        for (index, cell) in statement.rows[slice.row].enumerated() where !cell.isEmpty {
            text.draw(
                cell,
                styles.cell(statement.columns[index]),
                on: canvas.cairo,
                x: columns[index].x + styles.cellPadding,
                y: top,
                width: columns[index].width - 2 * styles.cellPadding,
                lines: slice.lines,
                heights: heights
            )
        }
    }

    private func drawTotals(on canvas: PDFCanvas, y: Double) {
        guard let totals = statement.totals else { return }
        canvas.fill(
            x: frame.left,
            y: y,
            width: frame.width,
            height: styles.totalsHeight,
            design.accent.lightened(0.9)
        )
        canvas.rule(x: frame.left, y: y, width: frame.width, thickness: 1, design.accent)
        for (index, cell) in totals.enumerated() where !cell.isEmpty {
            let style = styles.total(statement.columns[index])
            let width = columns[index].width - 2 * styles.cellPadding
            let height = text.height(cell, style, width: width)
            text.draw(
                cell,
                style,
                on: canvas.cairo,
                x: columns[index].x + styles.cellPadding,
                y: y + (styles.totalsHeight - height) / 2,
                width: width
            )
        }
    }

    private func drawFooter(page: Int, on canvas: PDFCanvas) {
        let y = frame.bottom + 10
        canvas.rule(x: frame.left, y: y, width: frame.width, thickness: 0.6, .rule)
        text.draw(
            statement.footer,
            styles.footer,
            on: canvas.cairo,
            x: frame.left,
            y: y + 6,
            width: frame.width * 0.75
        )
        var style = styles.footer
        style.alignment = .right
        text.draw(
            statement.pageLabel.text(page: page, of: count),
            style,
            on: canvas.cairo,
            x: frame.left + frame.width * 0.75,
            y: y + 6,
            width: frame.width * 0.25
        )
    }
}

/// The part of a sheet that holds content, in points from the upper left corner.
struct Frame: Hashable {
    let left = 42.0
    let top = 38.0
    let width: Double
    /// Where the content ends; the footer comes below.
    let bottom: Double

    init(_ design: StatementDesign) {
        width = design.pageWidth - 2 * left
        bottom = design.pageHeight - 56
    }
}
