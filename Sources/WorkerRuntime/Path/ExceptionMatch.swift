import CeleryMessage

/// Whether a configured list of exceptions names one: by class, by `module.Class`, or all of them by `*`, `Exception`.
enum ExceptionMatch {
    static func any(_ names: [String], matches exception: ExceptionInfo) -> Bool {
        guard !names.isEmpty else { return false }
        let full = exception.module + "." + exception.type
        return names.contains { name in
            name == exception.type || name == full || name == "*" || name == "Exception"
        }
    }
}
