import Foundation

/// Seconds east of UTC in a configured zone; UTC without one.
struct LocalOffset: Sendable {
    private let zone: TimeZone?

    init(_ identifier: String?) {
        // UTC needs no zone rules, and loading them costs a start some milliseconds.
        let isUTC = identifier == nil || identifier == "UTC" || identifier == "Etc/UTC"
        zone = isUTC ? nil : identifier.flatMap(TimeZone.init(identifier:))
    }

    func seconds(at time: Double) -> Int {
        zone?.secondsFromGMT(for: Date(timeIntervalSince1970: time)) ?? 0
    }
}
