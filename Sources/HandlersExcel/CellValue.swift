/// What a cell holds, as a person sees it.
enum CellValue: Sendable, Hashable {
    /// Nothing, or only a format.
    case blank
    /// Text, also of a formula.
    case text(String)
    /// A number, also of a formula.
    case number(Double)
    /// A number shown as a day, with the seconds since midnight.
    case date(CalendarDate, seconds: Int)
    /// A number below one shown as a time of day.
    case time(seconds: Int)
    /// TRUE or FALSE.
    case boolean(Bool)
    /// An error such as `#N/A`.
    case error(String)

    /// The value as text: numbers with at most 15 digits, as Excel shows them, dates as ISO 8601.
    var text: String {
        switch self {
        case .blank: ""
        case .text(let text), .error(let text): text
        case .number(let number): DecimalText.plain(number)
        case .date(let date, seconds: 0): date.description
        case .date(let date, let seconds): date.description + "T" + Self.clock(seconds)
        case .time(let seconds): Self.clock(seconds)
        case .boolean(let flag): flag ? "TRUE" : "FALSE"
        }
    }

    private static func clock(_ seconds: Int) -> String {
        padded(seconds / 3600, 2) + ":" + padded(seconds / 60 % 60, 2) + ":" + padded(seconds % 60, 2)
    }
}

/// Turns raw cells into values: looks up shared texts and formats.
struct CellDecoder {
    let strings: SharedStrings
    let styles: CellStyles
    let usesDates1904: Bool

    func value(of cell: SheetCell, in row: SheetRow, limits: WorkbookLimits) throws(WorkbookError) -> CellValue {
        let bytes = row.text[cell.range]
        switch cell.kind {
        case .blank: return .blank
        case .text: return try text(bytes, limits: limits)
        case .shared:
            guard let place = Int(String(decoding: bytes, as: UTF8.self)), let shared = strings[place] else {
                throw WorkbookError(.damaged, "row \(row.number) refers to a shared text that is not there")
            }
            return try text(shared, limits: limits)
        case .boolean: return .boolean(bytes.elementsEqual("1".utf8) || bytes.elementsEqual("true".utf8))
        case .error: return .error(String(decoding: bytes, as: UTF8.self))
        case .isoDate: return isoDate(String(decoding: bytes, as: UTF8.self))
        case .number: return number(bytes, style: cell.style)
        }
    }

    private func text(_ bytes: ArraySlice<UInt8>, limits: WorkbookLimits) throws(WorkbookError) -> CellValue {
        let text = EscapedText.decode(bytes)
        guard text.utf8.count <= limits.cellCharacters || text.utf16.count <= limits.cellCharacters else {
            throw WorkbookError(.hostile, "a cell holds more than \(limits.cellCharacters) characters")
        }
        return text.isEmpty ? .blank : .text(text)
    }

    private func number(_ bytes: ArraySlice<UInt8>, style: Int) -> CellValue {
        // Surrounding white space is legal in XML's number types, and an unreadable number is shown as it is.
        guard let first = bytes.firstIndex(where: { $0 > 0x20 }), let last = bytes.lastIndex(where: { $0 > 0x20 })
        else { return .blank }
        let text = Substring(decoding: bytes[first...last], as: UTF8.self)
        guard let number = Double(text), number.isFinite else { return .text(String(text)) }
        let kind = styles[style]
        guard kind != .number, abs(number) < 3_000_000 else { return .number(number) }
        let seconds = Int((number * 86_400).rounded())
        let (day, clock) = (seconds / 86_400, seconds % 86_400)
        if kind == .time, day == 0, clock >= 0 { return .time(seconds: clock) }
        guard seconds >= 0, let date = CalendarDate.excel(serial: day, usesDates1904: usesDates1904) else {
            return .number(number)
        }
        return .date(date, seconds: clock)
    }

    private func isoDate(_ text: String) -> CellValue {
        let parts = text.split(separator: "T", maxSplits: 1)
        guard let first = parts.first, let date = CalendarDate(text: String(first)) else { return .text(text) }
        guard parts.count == 2 else { return .date(date, seconds: 0) }
        let clock = parts[1].prefix(8).split(separator: ":").compactMap { Int($0) }
        guard clock.count == 3, (0..<24).contains(clock[0]), (0..<60).contains(clock[1]), (0..<60).contains(clock[2])
        else { return .text(text) }
        return .date(date, seconds: clock[0] * 3600 + clock[1] * 60 + clock[2])
    }
}

/// Excel's escape for characters XML cannot hold: `_x000D_`.
enum EscapedText {
    static func decode(_ bytes: ArraySlice<UInt8>) -> String {
        guard bytes.contains(UInt8(ascii: "_")) else { return String(decoding: bytes, as: UTF8.self) }
        var plain: [UInt8] = []
        plain.reserveCapacity(bytes.count)
        var place = bytes.startIndex
        while place < bytes.endIndex {
            if let scalar = escape(at: place, in: bytes) {
                plain.append(contentsOf: String(scalar).utf8)
                place += 7
            } else {
                plain.append(bytes[place])
                place += 1
            }
        }
        return String(decoding: plain, as: UTF8.self)
    }

    private static func escape(at place: Int, in bytes: ArraySlice<UInt8>) -> Unicode.Scalar? {
        guard place + 7 <= bytes.endIndex, bytes[place] == UInt8(ascii: "_"), bytes[place + 1] == UInt8(ascii: "x"),
            bytes[place + 6] == UInt8(ascii: "_")
        else { return nil }
        let digits = bytes[(place + 2)..<(place + 6)]
        guard digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else { return nil }
        return UInt32(String(decoding: digits, as: UTF8.self), radix: 16).flatMap(Unicode.Scalar.init)
    }
}
