/// The workbook's table of texts, kept as one run of bytes; a `String` is made only for a cell that is asked for.
final class SharedStrings: XMLEvents {
    private var bytes: [UInt8] = []
    private var ends: [UInt32] = []
    private var isCollecting = false
    private var phonetic = 0
    private var start = 0
    private let limits: WorkbookLimits

    private init(limits: WorkbookLimits) { self.limits = limits }

    /// Reads the table; a workbook without one has no shared texts.
    static func read(_ part: String?, in archive: ZipArchive) throws(WorkbookError) -> SharedStrings {
        let strings = SharedStrings(limits: archive.limits)
        guard let part, let entry = try archive.open(part) else { return strings }
        try XMLStream.parse(entry, to: strings, limits: archive.limits)
        return strings
    }

    var count: Int { ends.count }

    /// The bytes of a text, or `nil` when there is none at that place.
    subscript(place: Int) -> ArraySlice<UInt8>? {
        guard ends.indices.contains(place) else { return nil }
        return bytes[(place == 0 ? 0 : Int(ends[place - 1]))..<Int(ends[place])]
    }

    func start(_ name: XMLName, _ attributes: XMLAttributes) throws(WorkbookError) {
        guard name.isSpreadsheet else { return }
        if name == "t" {
            isCollecting = phonetic == 0
        } else if name == "si" {
            start = bytes.count
        } else if name == "rPh" {
            phonetic += 1
        }
    }

    func end(_ name: XMLName) throws(WorkbookError) {
        guard name.isSpreadsheet else { return }
        if name == "t" {
            isCollecting = false
        } else if name == "si" {
            guard ends.count < limits.sharedCount else {
                throw WorkbookError(.tooLarge, "more than \(limits.sharedCount) shared texts")
            }
            ends.append(UInt32(bytes.count))
        } else if name == "rPh" {
            phonetic -= 1
        }
    }

    func text(_ piece: UnsafeBufferPointer<UInt8>) throws(WorkbookError) {
        guard isCollecting else { return }
        guard bytes.count - start + piece.count <= limits.cellBytes else {
            throw WorkbookError(.hostile, "a shared text is longer than a cell may be")
        }
        guard bytes.count + piece.count <= limits.sharedBytes else {
            throw WorkbookError(.tooLarge, "the shared texts take more than \(limits.sharedBytes) bytes")
        }
        bytes.append(contentsOf: piece)
    }
}
