/// A moment of the sun's day at a place: it rises, stands highest, sets, or is so far below the horizon.
public struct Solar: Sendable, Hashable {
    /// What the sun does, by Celery's names.
    public enum Event: String, Sendable, Hashable, CaseIterable {
        /// The sun's centre comes up to 18 degrees below the horizon.
        case dawnAstronomical = "dawn_astronomical"
        /// The sun's centre comes up to 12 degrees below the horizon.
        case dawnNautical = "dawn_nautical"
        /// The sun's centre comes up to 6 degrees below the horizon.
        case dawnCivil = "dawn_civil"
        /// The sun's upper limb comes up to 34 minutes of arc below the horizon, where refraction lets it be seen.
        case sunrise
        /// The sun stands highest.
        case solarNoon = "solar_noon"
        /// The sun's upper limb goes down to 34 minutes of arc below the horizon.
        case sunset
        /// The sun's centre goes down to 6 degrees below the horizon.
        case duskCivil = "dusk_civil"
        /// The sun's centre goes down to 12 degrees below the horizon.
        case duskNautical = "dusk_nautical"
        /// The sun's centre goes down to 18 degrees below the horizon.
        case duskAstronomical = "dusk_astronomical"
    }

    /// What the sun does.
    public let event: Event
    /// Degrees north of the equator.
    public let latitude: Double
    /// Degrees east of Greenwich.
    public let longitude: Double

    /// Makes an event at sea level at a place: latitudes -90 to 90, longitudes -180 to 180.
    public init(event: Event, latitude: Double, longitude: Double) throws(ScheduleError) {
        guard (-90...90).contains(latitude) else {
            throw ScheduleError(.solar, "\(latitude) is no latitude; those go from -90 to 90", field: "latitude")
        }
        guard (-180...180).contains(longitude) else {
            throw ScheduleError(.solar, "\(longitude) is no longitude; those go from -180 to 180", field: "longitude")
        }
        self.event = event
        self.latitude = latitude
        self.longitude = longitude
    }

    /// Makes an event of its name.
    public init(event name: String, latitude: Double, longitude: Double) throws(ScheduleError) {
        guard let event = Event(rawValue: name) else {
            let names = Event.allCases.map(\.rawValue).joined(separator: ", ")
            throw ScheduleError(.solar, "the sun has no such event; those are \(names)", field: "event")
        }
        try self.init(event: event, latitude: latitude, longitude: longitude)
    }
}

extension Solar: CustomStringConvertible {
    /// The event as Celery shows it.
    public var description: String { "<solar: \(event.rawValue) at latitude \(latitude), longitude: \(longitude)>" }
}
