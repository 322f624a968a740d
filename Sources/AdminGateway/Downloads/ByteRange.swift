/// The part of a file that a client asks for with the header `Range`.
enum ByteRange: Hashable {
    /// All of it: no header, or one that servers may leave unheeded, as several parts at once.
    case whole
    /// These bytes.
    case part(Range<Int64>)
    /// Bytes that the file does not have.
    case unsatisfiable

    init(_ header: String?, size: Int64) {
        self = .whole
        guard let header, header.lowercased().hasPrefix("bytes=") else { return }
        let ends = header.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false).map {
            $0.filter { $0 != " " && $0 != "\t" }
        }
        guard ends.count == 2,
            ends.allSatisfy({ $0.utf8.count <= 18 && $0.allSatisfy { $0.isASCII && $0.isWholeNumber } })
        else { return }
        switch (Int64(ends[0]), Int64(ends[1])) {
        case (let first?, let last?):
            guard first <= last else { return }
            self = first < size ? .part(first..<min(last + 1, size)) : .unsatisfiable
        case (let first?, nil): self = first < size ? .part(first..<size) : .unsatisfiable
        case (nil, let count?): self = count > 0 && size > 0 ? .part(max(0, size - count)..<size) : .unsatisfiable
        case (nil, nil): break
        }
    }
}
