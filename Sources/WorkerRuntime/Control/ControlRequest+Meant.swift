public import Transport

extension ControlRequest {
    /// Whether a node is meant: by its name, else by a pattern, else as everybody.
    public func isMeant(for node: String) throws(BroadcastError) -> Bool {
        if !destination.isEmpty { return destination.contains(node) }
        guard let pattern, let matcher, !pattern.isEmpty, !matcher.isEmpty else { return true }
        switch matcher {
        case "glob": return GlobPattern(pattern).matches(node)
        case "pcre":
            do {
                return try NamePattern(pattern).matches(node)
            } catch {
                throw BroadcastError("its pattern cannot be read: \(error.reason)")
            }
        default: throw BroadcastError("there is no matcher called \(matcher)")
        }
    }
}
