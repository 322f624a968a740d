/// What a workbook may cost its reader; everything that grows with the file has its bound here.
struct WorkbookLimits: Sendable {
    /// Bytes of the file itself.
    var fileBytes = 100 << 20
    /// Entries of the archive.
    var entries = 10_000
    /// Bytes one entry may inflate to.
    var entryBytes = 1 << 30
    /// Bytes all entries read may inflate to.
    var totalBytes = 1 << 30
    /// Inflated bytes per compressed byte, from ``ratioFloor`` on.
    ///
    /// Honest sheets stay below 50.
    var ratio = 200
    /// Inflated bytes up to which the ratio does not matter: short repetitive sheets pack well.
    var ratioFloor = 10 << 20
    /// Nested XML elements.
    var depth = 64
    /// Bytes of one XML tag or comment; the parser holds it whole and rescans it as it grows.
    var markupBytes = 128 << 10
    /// Characters of a cell, counted in UTF-16 as Excel does.
    var cellCharacters = 32_767
    /// Bytes of a cell while it is collected: every character may be written as `_xHHHH_`.
    var cellBytes = 256 << 10
    /// Bytes of the text of one row.
    var rowBytes = 4 << 20
    /// Rows of a sheet; the format's own bound.
    var rows = 1_048_576
    /// Columns of a sheet; the format's own bound.
    var columns = 16_384
    /// Bytes of all shared strings together; they are held in memory.
    var sharedBytes = 128 << 20
    /// The number of shared strings.
    var sharedCount = 4_000_000
    /// Sheets, relationships, cell formats, number formats: each at most this many.
    var definitions = 100_000
}
