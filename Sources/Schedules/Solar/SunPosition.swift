#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Where the sun is seen from the Earth's centre, to three seconds of arc.
///
/// The largest terms of VSOP87D (P. Bretagnon and G. Francou, 1988), with nutation, aberration and parallax as in
/// J. Meeus, *Astronomical Algorithms*, chapters 12, 22 and 25. Three seconds of arc are a fifth of a second of time.
struct SunPosition {
    private let rightAscension: Double
    private let declination: Double
    /// Greenwich apparent sidereal time.
    private let siderealTime: Double
    /// In astronomical units.
    private let distance: Double

    private static let degree = Double.pi / 180
    private static let arcSecond = Double.pi / 648_000
    /// Seconds by which the sun's and the planets' time is ahead of the clocks'; each that is wrong moves an event by 3 ms.
    private static let clockCorrection = 69.0

    /// - Parameter moment: seconds since 1970 UTC.
    init(at moment: Double) {
        let days = moment / 86_400 - 10_957.5
        let centuries = (days + Self.clockCorrection / 86_400) / 36_525
        let earth = EarthOrbit(millennia: centuries / 10)
        distance = earth.distance

        let node = (125.04452 - 1934.136261 * centuries) * Self.degree
        let sun = (280.4665 + 36_000.7698 * centuries) * Self.degree
        let moon = (218.3165 + 481_267.8813 * centuries) * Self.degree
        let nutation =
            (-17.20 * sin(node) - 1.32 * sin(2 * sun) - 0.23 * sin(2 * moon) + 0.21 * sin(2 * node)) * Self.arcSecond
        let nutationInObliquity =
            (9.20 * cos(node) + 0.57 * cos(2 * sun) + 0.10 * cos(2 * moon) - 0.09 * cos(2 * node)) * Self.arcSecond
        let obliquity = (84_381.448 - 46.8150 * centuries) * Self.arcSecond + nutationInObliquity
        let aberration = -20.4898 * Self.arcSecond / distance
        let longitude = earth.longitude + .pi + nutation + aberration
        let latitude = -earth.latitude

        rightAscension = atan2(
            sin(longitude) * cos(obliquity) - tan(latitude) * sin(obliquity),
            cos(longitude)
        )
        declination = asin(
            sin(latitude) * cos(obliquity) + cos(latitude) * sin(obliquity) * sin(longitude)
        )
        let turns = 280.46061837 + 360.98564736629 * days + 0.000387933 * centuries * centuries
        siderealTime = turns.truncatingRemainder(dividingBy: 360) * Self.degree + nutation * cos(obliquity)
    }

    /// The radius of the sun's disc.
    var radius: Double { 959.63 * Self.arcSecond / distance }

    /// How far the sun is past the meridian of a place.
    func hourAngle(longitude: Double) -> Double { siderealTime + longitude * Self.degree - rightAscension }

    /// How high the sun's centre is seen from a place at sea level, without an atmosphere.
    func altitude(latitude: Double, longitude: Double) -> Double {
        let latitude = latitude * Self.degree
        let altitude = asin(
            sin(latitude) * sin(declination)
                + cos(latitude) * cos(declination) * cos(hourAngle(longitude: longitude))
        )
        let parallax = 8.794 * Self.arcSecond / distance * cos(altitude)
        return altitude - parallax
    }
}

/// The Earth as seen from the sun: heliocentric longitude, latitude and distance for the equinox of the date.
private struct EarthOrbit {
    var longitude: Double
    var latitude: Double
    var distance: Double

    /// - Parameter millennia: Julian millennia since 2000-01-01 12:00.
    init(millennia: Double) {
        longitude =
            (Self.sum(Self.longitude0, millennia)
                + millennia
                * (Self.sum(Self.longitude1, millennia) + millennia * Self.sum(Self.longitude2, millennia)))
            * 1e-8
        latitude = Self.sum(Self.latitude0, millennia) * 1e-8
        distance =
            (Self.sum(Self.distance0, millennia) + millennia * Self.sum(Self.distance1, millennia)) * 1e-8
    }

    private typealias Term = (amplitude: Double, phase: Double, frequency: Double)

    private static func sum(_ terms: [Term], _ millennia: Double) -> Double {
        terms.reduce(0) { $0 + $1.amplitude * cos($1.phase + $1.frequency * millennia) }
    }

    private static let longitude0: [Term] = [
        (175_347_045.673, 0, 0), (3_341_656.456, 4.66925680417, 6283.0758499914),
        (34_894.275, 4.62610241759, 12_566.1516999828), (3417.571, 2.82886579606, 3.523118349),
        (3497.056, 2.74411800971, 5753.3848848968), (3135.896, 3.62767041758, 77_713.7714681205),
        (2676.218, 4.41808351397, 7860.4193924392), (2342.687, 6.13516237631, 3930.2096962196),
        (1273.166, 2.03709655772, 529.6909650946), (1324.292, 0.74246356352, 11_506.7697697936),
        (901.855, 2.04505443513, 26.2983197998), (1199.167, 1.10962944315, 1577.3435424478),
        (857.223, 3.50849156957, 398.1490034082), (779.786, 1.17882652114, 5223.6939198022),
        (990.25, 5.23268129594, 5884.9268465832), (753.141, 2.53339053818, 5507.5532386674),
        (505.264, 4.58292563052, 18_849.2275499742), (492.379, 4.20506639861, 775.522611324),
        (356.655, 2.91954116867, 0.0673103028), (284.125, 1.89869034186, 796.2980068164),
        (242.81, 0.34481140906, 5486.777843175), (317.087, 5.84901952218, 11_790.6290886588),
        (271.039, 0.31488607649, 10_977.078804699), (206.16, 4.80646606059, 2544.3144198834),
        (205.385, 1.86947813692, 5573.1428014331), (202.261, 2.45767795458, 6069.7767545534),
    ]
    private static let longitude1: [Term] = [
        (628_331_966_747.491, 0, 0), (206_058.863, 2.67823455584, 6283.0758499914),
        (4303.43, 2.63512650414, 12_566.1516999828),
    ]
    private static let longitude2: [Term] = [(52_918.87, 0, 0), (8719.837, 1.07209665242, 6283.0758499914)]
    private static let latitude0: [Term] = [
        (279.62, 3.19870156017, 84_334.6615813083), (101.643, 5.42248619256, 5507.5532386674),
        (80.445, 3.88013204458, 5223.6939198022),
    ]
    private static let distance0: [Term] = [
        (100_013_988.799, 0, 0), (1_670_699.626, 3.09846350771, 6283.0758499914),
        (13_956.023, 3.0552460962, 12_566.1516999828), (3083.72, 5.19846674381, 77_713.7714681205),
    ]
    private static let distance1: [Term] = [(103_018.608, 1.10748969588, 6283.0758499914)]
}
