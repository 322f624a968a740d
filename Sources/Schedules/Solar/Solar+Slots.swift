#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension Solar {
    /// How many days ahead an event is looked for that does not happen every day, as in Celery.
    private static let searchDays: Int64 = 366

    /// The first slot after a second since 1970; `nil` when the event does not happen within 366 days.
    ///
    /// Slots are whole seconds, which is finer than the sun can be foretold and coarser than what the last digits of
    /// two machines' sines differ by: every host gets the same ones.
    func nextEvent(after second: Int64) -> Int64? {
        let today = CivilDate.floored(second + Int64(longitude * 240), 86_400)
        for day in today - 1...today + Self.searchDays {
            // The sun's midnight is at most 17 minutes away from the clock's.
            let end = Double((day + 1) * 86_400) - longitude * 240 + 1200
            if end < Double(second) { continue }
            if let slot = events(day: day).first(where: { $0 > second }) { return slot }
        }
        return nil
    }

    /// The slots of a local day, from one midnight by the sun to the next.
    private func events(day: Int64) -> [Int64] {
        let noon = Double(day) * 86_400 + 43_200 - longitude * 240
        let transit = culmination(near: noon, hourAngle: 0)
        if event == .solarNoon { return [Int64(transit.rounded())] }
        let midnights = [noon - 43_200, noon + 43_200].map { culmination(near: $0, hourAngle: .pi) }
        // Between its lowest and its highest stand the sun crosses any height at most once.
        return [(midnights[0], transit), (transit, midnights[1])].compactMap { start, end in
            let (low, high) = (height(at: start), height(at: end))
            guard event.isRising ? low < 0 && high >= 0 : low >= 0 && high < 0 else { return nil }
            return Int64(crossing(from: (start, low), to: (end, high)).rounded())
        }
    }

    /// The moment near another at which the sun stands at an hour angle, in seconds since 1970.
    private func culmination(near moment: Double, hourAngle: Double) -> Double {
        var moment = moment
        for _ in 0..<4 {
            let ahead = SunPosition(at: moment).hourAngle(longitude: longitude) - hourAngle
            let step = remainder(ahead, 2 * .pi) / (2 * .pi) * 86_400
            moment -= step
            if abs(step) < 0.001 { break }
        }
        return moment
    }

    /// How high the sun stands above the height that makes the event, in radians.
    private func height(at moment: Double) -> Double {
        let sun = SunPosition(at: moment)
        let limb = event.isOfLimb ? sun.radius : 0
        return sun.altitude(latitude: latitude, longitude: longitude) + limb - event.horizon
    }

    /// The zero between two heights of different sign, to a hundredth of a second (false position, Illinois).
    private func crossing(from start: (Double, Double), to end: (Double, Double)) -> Double {
        var ((left, low), (right, high)) = (start, end)
        var middle = left
        for _ in 0..<60 where right - left > 0.01 {
            let previous = middle
            middle = right - high * (right - left) / (high - low)
            let value = height(at: middle)
            if value == 0 || abs(middle - previous) < 0.001 { break }
            if (value < 0) == (high < 0) {
                (right, high) = (middle, value)
                low /= 2
            } else {
                (left, low) = (middle, value)
                high /= 2
            }
        }
        return middle
    }
}

extension Solar.Event {
    /// Whether the sun goes up through the height; it goes down in the evening.
    fileprivate var isRising: Bool {
        switch self {
        case .dawnAstronomical, .dawnNautical, .dawnCivil, .sunrise: true
        default: false
        }
    }

    /// Whether the upper limb counts, not the centre.
    fileprivate var isOfLimb: Bool { self == .sunrise || self == .sunset }

    /// The height above the horizon in radians.
    fileprivate var horizon: Double {
        let degrees =
            switch self {
            case .dawnAstronomical, .duskAstronomical: -18.0
            case .dawnNautical, .duskNautical: -12.0
            case .dawnCivil, .duskCivil: -6.0
            case .sunrise, .sunset: -34.0 / 60
            case .solarNoon: 0.0
            }
        return degrees * .pi / 180
    }
}
