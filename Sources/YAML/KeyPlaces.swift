/// The keys of one mapping, and where each stands.
struct KeyPlaces {
    private var few: [(key: String, place: YAMLPosition)] = []
    private var many: [String: YAMLPosition] = [:]

    /// As long as there are no more, looking through all of them takes less than hashing one.
    private static let few = 8

    /// Notes a key; answers where it stood before, if it did.
    mutating func note(_ key: String, at place: YAMLPosition) -> YAMLPosition? {
        guard many.isEmpty else { return many.updateValue(place, forKey: key) }
        if let known = few.first(where: { $0.key == key }) { return known.place }
        few.append((key, place))
        if few.count > Self.few {
            for (key, place) in few { many[key] = place }
            few = []
        }
        return nil
    }
}
