import Testing

@testable import HandlersPDF

struct TablePaginationTests {
    /// A table with a head of 10 and padding of 2 on pages of 100, the first one of 60.
    private func table(_ rows: [[Double]], totals: Double = 0, closing: Double = 0) -> TablePagination {
        TablePagination(
            rows: rows,
            rowPadding: 2,
            headHeight: 10,
            totalsHeight: totals,
            closingHeight: closing,
            firstPage: 60,
            otherPages: 100
        )
    }

    @Test func `puts everything on one page where it fits`() {
        let pages = table(Array(repeating: [8], count: 3), totals: 10, closing: 10).pages()
        #expect(pages.count == 1)
        #expect(pages[0].slices.map(\.row) == [0, 1, 2])
        #expect(pages[0].hasTotals)
        #expect(pages[0].hasClosing)
    }

    @Test func `fills pages to the edge and keeps the order`() {
        let pages = table(Array(repeating: [8], count: 20)).pages()
        #expect(pages.map(\.slices.count) == [5, 9, 6])
        #expect(pages.flatMap(\.slices).map(\.row) == Array(0..<20))
    }

    @Test func `moves a row that does not fit to the next page whole`() {
        let pages = table([[30], [30]]).pages()
        #expect(pages.map { $0.slices.map(\.row) } == [[0], [1]])
    }

    @Test func `splits a row taller than a page between its text lines`() {
        let pages = table([[8], Array(repeating: 8, count: 30)]).pages()
        let parts = pages.flatMap(\.slices).filter { $0.row == 1 }
        #expect(parts.map(\.lines) == [0..<4, 4..<15, 15..<26, 26..<30])
        #expect(pages.count == 4)
        #expect(parts.map(\.height) == [34, 90, 90, 34])
    }

    @Test func `ends with a text line higher than a page`() {
        let pages = table([[500, 500]]).pages()
        #expect(pages.flatMap(\.slices).map(\.lines) == [0..<1, 1..<2])
    }

    @Test func `keeps the totals beside the last row`() {
        let pages = table(Array(repeating: [8], count: 5), totals: 10).pages()
        #expect(pages.map(\.slices.count) == [4, 1])
        #expect(pages.map(\.hasTotals) == [false, true])
    }

    @Test func `takes the last rows and the totals along when the closing needs a new page`() {
        let pages = table([[8], [8], [8]], totals: 10, closing: 40).pages()
        #expect(pages.map { $0.slices.map(\.row) } == [[0], [1, 2]])
        #expect(pages.map(\.hasTotals) == [false, true])
        #expect(pages.map(\.hasClosing) == [false, true])
    }

    @Test func `moves the closing alone where the rows before it do not fit beside it`() {
        let pages = table([[8], [8], [8]], closing: 85).pages()
        #expect(pages.map { $0.slices.map(\.row) } == [[0, 1, 2], []])
        #expect(pages.map(\.hasClosing) == [false, true])
        #expect(!pages[1].hasHead)
    }

    @Test func `makes one page of nothing`() {
        #expect(table([]).pages().count == 1)
    }
}
