/// A zone's rules as the system keeps them: TZif, RFC 8536 and RFC 9636, versions 1 to 4.
///
/// The system's files follow the updates of the operating system, which Foundation's built-in rules do not.
struct ZoneFile {
    /// The longest file that is read; the largest of tzdata has some 4 kB.
    static let longest = 1 << 20

    /// The offset before the first change, the changes, and what happens behind the last.
    var first: Int32
    var changes: [(time: Int64, offset: Int32)]
    var yearly: POSIXZone?

    /// Reads the bytes of a file; the error says what is wrong with them.
    init(_ bytes: [UInt8]) throws(ScheduleError) {
        var reader = Reader(bytes: bytes)
        guard let header = Header(&reader) else { throw Self.damaged("it does not begin as a zone file") }
        if header.version == 0 {
            (first, changes) = try Self.table(&reader, header, wide: false)
            return
        }
        // Newer files hold the old form first, for old programs, and then all of it again with wide times.
        guard reader.skip(header.size(wide: false)), let second = Header(&reader) else {
            throw Self.damaged("it breaks off")
        }
        (first, changes) = try Self.table(&reader, second, wide: true)
        guard let footer = reader.line() else { throw Self.damaged("its last line is missing") }
        if footer.isEmpty { return }
        guard let yearly = POSIXZone(footer) else { throw Self.damaged("its last line is not a rule") }
        self.yearly = yearly
    }

    private static func damaged(_ problem: String) -> ScheduleError {
        ScheduleError(.zone, "the zone's file cannot be used: \(problem)")
    }

    private struct Reader {
        let bytes: [UInt8]
        var place = 0

        mutating func skip(_ count: Int) -> Bool {
            guard count <= bytes.count - place else { return false }
            place += count
            return true
        }

        mutating func number(_ width: Int) -> Int64? {
            let start = place
            guard skip(width) else { return nil }
            let value = bytes[start..<place].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            let unused = UInt64(64 - 8 * width)
            return Int64(bitPattern: value << unused) >> Int64(unused)
        }

        /// What stands between two line ends.
        mutating func line() -> ArraySlice<UInt8>? {
            guard place < bytes.count, bytes[place] == 0x0a else { return nil }
            let rest = bytes[(place + 1)...]
            return rest.firstIndex(of: 0x0a).map { rest[..<$0] }
        }
    }

    private struct Header {
        var version: UInt8
        var utcIndicators, standardIndicators, leapSeconds, changes, types, characters: Int

        init?(_ reader: inout Reader) {
            guard reader.number(4) == 0x545a_6966, let version = reader.number(1), reader.skip(15) else { return nil }
            var counts: [Int] = []
            for _ in 0..<6 {
                guard let count = reader.number(4), count >= 0, count <= ZoneFile.longest else { return nil }
                counts.append(Int(count))
            }
            self.version = UInt8(truncatingIfNeeded: version)
            (utcIndicators, standardIndicators, leapSeconds) = (counts[0], counts[1], counts[2])
            (changes, types, characters) = (counts[3], counts[4], counts[5])
        }

        func size(wide: Bool) -> Int {
            let width = wide ? 8 : 4
            return changes * (width + 1) + types * 6 + characters + leapSeconds * (width + 4) + standardIndicators
                + utcIndicators
        }
    }

    private static func table(
        _ reader: inout Reader,
        _ header: Header,
        wide: Bool
    ) throws(ScheduleError) -> (Int32, [(time: Int64, offset: Int32)]) {
        // Files below `right/` count leap seconds, which wall clocks do not.
        guard header.leapSeconds == 0 else { throw damaged("it counts leap seconds") }
        guard header.types > 0 else { throw damaged("it has no offsets") }
        var times: [Int64] = []
        for _ in 0..<header.changes {
            guard let time = reader.number(wide ? 8 : 4) else { throw damaged("it breaks off") }
            if let last = times.last, time <= last { throw damaged("its changes are not in order") }
            times.append(time)
        }
        var kinds: [Int] = []
        for _ in 0..<header.changes {
            guard let kind = reader.number(1) else { throw damaged("it breaks off") }
            kinds.append(Int(kind & 0xff))
        }
        var offsets: [Int32] = []
        for _ in 0..<header.types {
            guard let offset = reader.number(4), reader.skip(2) else { throw damaged("it breaks off") }
            guard abs(offset) < ZoneRules.largestOffset else { throw damaged("an offset is larger than a day") }
            offsets.append(Int32(truncatingIfNeeded: offset))
        }
        let rest = header.characters + header.standardIndicators + header.utcIndicators
        guard kinds.allSatisfy({ $0 < offsets.count }), reader.skip(rest) else {
            throw damaged("its parts do not fit together")
        }
        // Times beyond the calendar, such as the Big Bang that some writers begin with, only say what was before.
        let earliest = CivilDate.seconds.lowerBound
        var first = offsets[0]
        var changes: [(time: Int64, offset: Int32)] = []
        for (time, kind) in zip(times, kinds) where time <= CivilDate.seconds.upperBound {
            if time < earliest { first = offsets[kind] } else { changes.append((time, offsets[kind])) }
        }
        return (first, changes)
    }
}
