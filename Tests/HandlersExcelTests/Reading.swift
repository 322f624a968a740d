import Foundation
import TestSupport

@testable import HandlersExcel

/// Opens a workbook from bytes.
func workbook(_ bytes: [UInt8], limits: WorkbookLimits = WorkbookLimits()) throws -> Workbook {
    let folder = try ScratchFolder()
    let descriptor = open(try folder.write("book.xlsx", bytes), O_RDONLY)
    return try Workbook(descriptor: descriptor, limits: limits)
}

/// Reads a sheet whole: each row's number and its values by column.
func rows(
    _ bytes: [UInt8],
    sheet: String? = nil,
    limits: WorkbookLimits = WorkbookLimits()
) throws -> [(number: Int, values: [Int: CellValue])] {
    let book = try workbook(bytes, limits: limits)
    let reader = try book.rows(of: try book.sheet(sheet))
    var rows: [(number: Int, values: [Int: CellValue])] = []
    while let batch = try reader.next() {
        for row in batch {
            var values: [Int: CellValue] = [:]
            for cell in row.cells { values[cell.column] = try reader.value(of: cell, in: row) }
            rows.append((row.number, values))
        }
    }
    return rows
}

/// The values of a workbook's first row.
func firstRow(_ cells: String, shared: [String] = [], workbook: String = "", formats: String = "") throws -> [CellValue]
{
    let book = TestWorkbook(rows: "<row>\(cells)</row>", shared: shared, workbook: workbook, formats: formats)
    let values = try rows(book.bytes).first?.values ?? [:]
    return values.sorted { $0.key < $1.key }.map(\.value)
}

/// The error that reading throws, or `nil`.
func refusal(_ bytes: [UInt8], sheet: String? = nil, limits: WorkbookLimits = WorkbookLimits()) -> WorkbookError? {
    do {
        _ = try rows(bytes, sheet: sheet, limits: limits)
        return nil
    } catch {
        return error as? WorkbookError
    }
}
