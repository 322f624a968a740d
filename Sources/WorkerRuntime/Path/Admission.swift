public import CeleryMessage
import WorkerPool

/// What is to be done with a decoded message before it is given to a pool.
public enum AdmissionAction: Sendable, Equatable {
    /// Run it now.
    case run(TaskPolicy)
    /// Not yet: keep it in Redis until its eta.
    case park(until: Instant)
    /// Too late.
    case expired
    /// Called off.
    case revoked
    /// No such task here.
    case unregistered
    /// Cannot be run: the reason, and the exception to store.
    case refuse(reason: String, ExceptionInfo)
}

/// Decides about a message by its headers alone, in the order of `celery/worker/strategy.py`.
public struct Admission: Sendable {
    private let tasks: [String: TaskPolicy]

    /// Admits the tasks this worker knows.
    public init(tasks: [String: TaskPolicy]) {
        self.tasks = tasks
    }

    /// The decision at the moment `now`.
    public func action(for headers: TaskHeaders, now: Instant, isRevoked: (String) -> Bool) -> AdmissionAction {
        guard let policy = tasks[headers.task] ?? Self.builtin(headers.task) else { return .unregistered }
        if headers.expires == nil, headers.eta == nil {
            return isRevoked(headers.id) ? .revoked : .run(policy)
        }
        if let text = headers.expires {
            guard let expires = ISO8601.date(text) else { return invalid("expires", text) }
            if now > expires { return .expired }
        }
        if isRevoked(headers.id) { return .revoked }
        if let text = headers.eta {
            guard let eta = ISO8601.date(text) else { return invalid("eta", text) }
            if eta > now { return .park(until: eta) }
        }
        return .run(policy)
    }

    /// The policy of a task that every worker has.
    private static func builtin(_ name: String) -> TaskPolicy? {
        BuiltinTask(rawValue: name).map { _ in TaskPolicy() }
    }

    private func invalid(_ header: String, _ text: String) -> AdmissionAction {
        let reason = "header \(header) is not a date: \(JSONValue.string(text).pythonRepr)"
        return .refuse(reason: reason, ExceptionInfo.valueError(reason))
    }
}
