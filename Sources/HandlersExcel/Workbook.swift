/// An `.xlsx` workbook: its sheets by name, its date system, and readers of rows.
///
/// Parts are found as the package says (`_rels/.rels`, the workbook, its relationships), never by guessed names.
/// Not thread-safe: one run owns it.
final class Workbook: XMLEvents {
    /// A sheet as the workbook lists it.
    struct Sheet: Sendable {
        var name: String
        var part: String
        var isVisible: Bool
    }

    private let archive: ZipArchive
    private var targets: [String: String] = [:]
    /// The worksheets in tab order; chart sheets have no rows and are left out.
    private(set) var sheets: [Sheet] = []
    private(set) var usesDates1904 = false
    private let strings: SharedStrings
    private let styles: CellStyles

    /// Opens the workbook behind `descriptor`, which it owns from now on, whether opening succeeds or not.
    init(descriptor: Int32, limits: WorkbookLimits = WorkbookLimits()) throws(WorkbookError) {
        archive = try ZipArchive(descriptor: descriptor, limits: limits)
        let package = try Relationships.of("", in: archive)
        guard let part = package.first(ofType: "officeDocument")?.target, let entry = try archive.open(part) else {
            throw Self.notAWorkbook(archive)
        }
        guard !part.hasSuffix(".bin") else {
            throw WorkbookError(.otherFormat, "the file is a binary workbook (.xlsb); save it as .xlsx")
        }
        let relationships = try Relationships.of(part, in: archive)
        for relationship in relationships.list where relationship.type.hasSuffix("/worksheet") {
            targets[relationship.id] = relationship.target
        }
        strings = try SharedStrings.read(relationships.first(ofType: "sharedStrings")?.target, in: archive)
        styles = try CellStyles.read(relationships.first(ofType: "styles")?.target, in: archive)
        try XMLStream.parse(entry, to: self, limits: limits)
        guard !sheets.isEmpty else { throw WorkbookError(.notAWorkbook, "the workbook has no worksheets") }
    }

    /// The sheet of that exact name, or the first visible one for `nil`.
    func sheet(_ name: String?) throws(WorkbookError) -> Sheet {
        guard let name else { return sheets.first { $0.isVisible } ?? sheets[0] }
        guard let sheet = sheets.first(where: { $0.name == name }) else {
            let names = sheets.prefix(20).map { "'\($0.name)'" }.joined(separator: ", ")
            throw WorkbookError(.noSuchSheet, "the workbook has no sheet '\(name.prefix(100))'; it has \(names)")
        }
        return sheet
    }

    /// Starts reading a sheet from its first row.
    func rows(of sheet: Sheet) throws(WorkbookError) -> SheetReader {
        guard let entry = try archive.open(sheet.part) else {
            throw WorkbookError(.damaged, "the part of sheet '\(sheet.name)' is missing")
        }
        return try SheetReader(
            entry: entry,
            values: CellDecoder(strings: strings, styles: styles, usesDates1904: usesDates1904),
            limits: archive.limits
        )
    }

    func start(_ name: XMLName, _ attributes: XMLAttributes) throws(WorkbookError) {
        guard name.isSpreadsheet else { return }
        if name == "workbookPr" {
            usesDates1904 = ["1", "true"].contains(attributes.text("date1904"))
        } else if name == "sheet", let title = attributes.text("name"), let id = attributes.relationship,
            let part = targets[id]
        {
            guard sheets.count < archive.limits.definitions else {
                throw WorkbookError(.hostile, "more than \(archive.limits.definitions) sheets")
            }
            let state = attributes.text("state") ?? "visible"
            sheets.append(Sheet(name: title, part: part, isVisible: state == "visible"))
        }
    }

    func end(_ name: XMLName) {}
    func text(_ piece: UnsafeBufferPointer<UInt8>) {}

    private static func notAWorkbook(_ archive: ZipArchive) -> WorkbookError {
        if archive.contains("content.xml"), archive.contains("mimetype") {
            return WorkbookError(.otherFormat, "the file is an OpenDocument file (.ods); save it as .xlsx")
        }
        return WorkbookError(.notAWorkbook, "the file is a ZIP archive without a workbook in it")
    }
}
