/// Divides a table's rows over pages; plain numbers in, plain numbers out, in points.
struct TablePagination {
    /// The height of every text line of every row.
    var rows: [[Double]]
    /// What a row, or a part of one, has above and below its text lines in all.
    var rowPadding: Double
    /// The table's head, repeated on every page that has rows.
    var headHeight: Double
    /// The row of totals, 0 for none.
    var totalsHeight: Double
    /// The paragraph and the signatures after the table, which stay together.
    var closingHeight: Double
    /// The room for the table on the first page.
    var firstPage: Double
    /// The room on each further page.
    var otherPages: Double

    /// A row, or the part of it that is on one page.
    struct Slice: Hashable {
        var row: Int
        /// Which of the row's text lines.
        var lines: Range<Int>
        var height: Double
    }

    /// What one page holds of the table and what comes after it.
    struct Page: Hashable {
        var slices: [Slice] = []
        var hasTotals = false
        var hasClosing = false

        /// Whether the table's head is needed.
        var hasHead: Bool { !slices.isEmpty || hasTotals }
    }

    /// The pages in order, at least one.
    func pages() -> [Page] {
        var filling = Filling(self)
        for row in rows.indices { filling.place(row) }
        filling.placeTotals()
        filling.placeClosing()
        return filling.pages
    }

    /// The pages so far and the room left on the last one.
    private struct Filling {
        let table: TablePagination
        var pages = [Page()]
        var room: Double

        init(_ table: TablePagination) {
            self.table = table
            room = table.firstPage - table.headHeight
        }

        private var isFresh: Bool { pages.count > 1 && !(pages.last?.hasHead ?? false) }
        private var freshRoom: Double { table.otherPages - table.headHeight }

        mutating func place(_ row: Int) {
            let lines = table.rows[row]
            let height = lines.reduce(table.rowPadding, +)
            // The last row takes the totals along, so that they never stand alone.
            let wanted = row == table.rows.count - 1 ? height + table.totalsHeight : height
            if wanted <= room { return add(row, lines.indices) }
            if wanted <= freshRoom {
                startPage()
                return add(row, lines.indices)
            }
            split(row)
        }

        /// Puts a row that fits on no page on as many as it takes, beginning on this one if some lines fit.
        private mutating func split(_ row: Int) {
            let lines = table.rows[row]
            var start = 0
            while start < lines.count {
                let end = start + count(of: lines[start...], in: room)
                let wouldLookLost = end - start < min(3, lines.count - start)
                if wouldLookLost, !isFresh {
                    startPage()
                    continue
                }
                // A page that holds not even one line gets one all the same: there is no better page.
                let part = start..<max(end, start + 1)
                add(row, part)
                start = part.upperBound
                if start < lines.count { startPage() }
            }
        }

        private func count(of lines: ArraySlice<Double>, in room: Double) -> Int {
            var left = room - table.rowPadding
            var count = 0
            for line in lines {
                left -= line
                guard left >= 0 else { break }
                count += 1
            }
            return count
        }

        mutating func placeTotals() {
            guard table.totalsHeight > 0 else { return }
            if table.totalsHeight > room, !isFresh { startPage() }
            pages[pages.count - 1].hasTotals = true
            room -= table.totalsHeight
        }

        mutating func placeClosing() {
            guard table.closingHeight > 0 else { return }
            if table.closingHeight > room, !isFresh { startClosingPage() }
            pages[pages.count - 1].hasClosing = true
        }

        /// Begins the page of the closing, taking the last rows and the totals along where that is possible: signatures
        /// should not stand on a sheet that shows nothing of what is signed.
        private mutating func startClosingPage() {
            let last = pages.count - 1
            let moved = Array(pages[last].slices.suffix(2))
            let height = moved.reduce(table.totalsHeight + table.closingHeight) { $0 + $1.height }
            let areWhole = moved.allSatisfy { $0.lines == table.rows[$0.row].indices }
            startPage()
            guard pages[last].slices.count > moved.count, areWhole, height <= room else { return }
            pages[last + 1] = Page(slices: moved, hasTotals: pages[last].hasTotals)
            pages[last].slices.removeLast(moved.count)
            pages[last].hasTotals = false
        }

        private mutating func add(_ row: Int, _ part: Range<Int>) {
            let height = table.rows[row][part].reduce(table.rowPadding, +)
            pages[pages.count - 1].slices.append(Slice(row: row, lines: part, height: height))
            room -= height
        }

        private mutating func startPage() {
            pages.append(Page())
            room = freshRoom
        }
    }
}
