/// Which cell formats show a number as a date or a time; nothing else of a format matters to a reader.
final class CellStyles: XMLEvents {
    /// How a format shows a number.
    enum Kind: Sendable, Hashable {
        case number
        case date
        case time
        case dateTime
    }

    private(set) var kinds: [Kind] = []
    private var custom: [Int: Kind] = [:]
    private var isInCellFormats = false
    private let limit: Int

    private init(limit: Int) { self.limit = limit }

    /// Reads the styles part; without one every number is a number.
    static func read(_ part: String?, in archive: ZipArchive) throws(WorkbookError) -> CellStyles {
        let styles = CellStyles(limit: archive.limits.definitions)
        guard let part, let entry = try archive.open(part) else { return styles }
        try XMLStream.parse(entry, to: styles, limits: archive.limits)
        return styles
    }

    /// How the format at that place shows a number.
    subscript(place: Int) -> Kind { kinds.indices.contains(place) ? kinds[place] : .number }

    func start(_ name: XMLName, _ attributes: XMLAttributes) throws(WorkbookError) {
        guard name.isSpreadsheet else { return }
        if name == "numFmt", let id = attributes.int("numFmtId"), let code = attributes.text("formatCode") {
            try bound(custom.count)
            custom[id] = Self.kind(ofCode: code)
        } else if name == "cellXfs" {
            isInCellFormats = true
        } else if name == "xf", isInCellFormats {
            try bound(kinds.count)
            let id = attributes.int("numFmtId") ?? 0
            kinds.append(custom[id] ?? Self.kind(ofBuiltIn: id))
        }
    }

    func end(_ name: XMLName) {
        if name == "cellXfs" { isInCellFormats = false }
    }

    func text(_ piece: UnsafeBufferPointer<UInt8>) {}

    private func bound(_ count: Int) throws(WorkbookError) {
        guard count < limit else { throw WorkbookError(.hostile, "more than \(limit) cell formats") }
    }

    /// The built-in formats that are dates and times (ECMA-376, 18.8.30).
    static func kind(ofBuiltIn id: Int) -> Kind {
        switch id {
        case 14...17: .date
        case 18...21, 45...47: .time
        case 22: .dateTime
        default: .number
        }
    }

    /// Reads the letters of the first section of a format code that stand outside quotes, brackets and escapes.
    static func kind(ofCode code: String) -> Kind {
        var letters: Set<Character> = []
        var isQuoted = false
        var isBracketed = false
        var skipsNext = false
        scan: for character in code {
            if skipsNext {
                skipsNext = false
                continue
            }
            switch character {
            case "\"": isQuoted.toggle()
            case _ where isQuoted: break
            case "[": isBracketed = true
            case "]": isBracketed = false
            case _ where isBracketed: break
            case "\\", "_", "*": skipsNext = true
            case ";": break scan
            default: letters.formUnion(character.lowercased())
            }
        }
        let hasTime = letters.contains("h") || letters.contains("s")
        // A lone `m` is a month; beside hours or seconds it is minutes.
        let hasDate = letters.contains("d") || letters.contains("y") || (letters.contains("m") && !hasTime)
        return switch (hasDate, hasTime) {
        case (true, true): .dateTime
        case (true, false): .date
        case (false, true): .time
        case (false, false): .number
        }
    }
}
