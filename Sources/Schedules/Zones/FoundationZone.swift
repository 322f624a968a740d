import Foundation

/// The rules that Foundation carries within itself, for systems without tzdata.
///
/// They are as old as the Swift toolchain. Nothing here runs where the system has the zone: the pages of Foundation's
/// tables, some megabytes, are then never touched.
enum FoundationZone {
    /// The first and the last second of what is asked of Foundation, the years 1900 to 2100; the last offset stays.
    private static let span = Int64(-2_208_988_800)..<Int64(4_133_980_800)

    /// A zone's rules; `nil` when Foundation does not know it.
    static func rules(_ name: String) -> ZoneRules? {
        guard TimeZone.knownTimeZoneIdentifiers.contains(name) || name == "GMT", let zone = TimeZone(identifier: name)
        else { return nil }
        var date = Date(timeIntervalSince1970: Double(span.lowerBound))
        let first = Int32(zone.secondsFromGMT(for: date))
        var changes: [(time: Int64, offset: Int32)] = []
        while let next = zone.nextDaylightSavingTimeTransition(after: date), next > date,
            next.timeIntervalSince1970 < Double(span.upperBound)
        {
            changes.append((Int64(next.timeIntervalSince1970.rounded()), Int32(zone.secondsFromGMT(for: next))))
            date = next
        }
        return ZoneRules(name: name, first: first, changes: changes)
    }
}
