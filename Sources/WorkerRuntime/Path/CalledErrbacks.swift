import CeleryMessage

/// The errbacks that the failure of a chord has sent, as they travel with it to the chord around it.
///
/// Linking an errback to a chord links it to the chords in its header too, so one failure would call it once on every
/// level. With Celery the outer chord never hears of the failure, and the errback is called once.
struct CalledErrbacks {
    var signatures: Set<Signature>

    /// Stands beside the exception's own members, where Celery's workers do not look.
    private static let key = "errbacks_called"

    init(_ signatures: Set<Signature>) { self.signatures = signatures }

    /// Those that a part's failure names.
    init(failure: JSONValue) {
        // What is no signature was called by nobody.
        signatures = Set((failure[Self.key]?.array ?? []).compactMap { try? Signature(json: $0) })
    }

    /// The exception as the part of the chord around it carries it.
    func naming(_ exception: ExceptionInfo) -> JSONValue {
        guard !signatures.isEmpty, var members = exception.json.object else { return exception.json }
        members[Self.key] = .array(signatures.map(\.json))
        return .object(members)
    }
}
