extension ZoneRules {
    /// The rules of a zone by its name, from the system's files, or Foundation's where the system has none.
    ///
    /// The folders are `$TZDIR`, or else `/usr/share/zoneinfo` and its likes.
    public static func named(_ name: String) throws(ScheduleError) -> ZoneRules {
        try named(name, in: ZoneFolder.system)
    }

    static func named(_ name: String, in folders: [ZoneFolder]) throws(ScheduleError) -> ZoneRules {
        if name == "UTC" { return .utc }
        guard ZoneFolder.isName(name) else { throw unknown(name) }
        for folder in folders {
            guard let bytes = folder.bytes(of: name) else { continue }
            let file = try ZoneFile(bytes)
            return ZoneRules(name: name, first: file.first, changes: file.changes, yearly: file.yearly)
        }
        guard let rules = FoundationZone.rules(name) else { throw unknown(name) }
        return rules
    }

    private static func unknown(_ name: String) -> ScheduleError {
        let shown = name.utf8.count <= 100 ? "\"\(name)\" " : ""
        return ScheduleError(
            .zone,
            "there is no time zone \(shown)here; names are such as UTC and Europe/Istanbul",
            field: "timezone"
        )
    }
}
