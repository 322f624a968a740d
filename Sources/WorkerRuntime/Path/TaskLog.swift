import CeleryMessage
import Logging
import Transport

/// The log lines of a task's end, in the words Celery's users search for (`celery/app/trace.py`).
enum TaskLog {
    /// Results longer than this are cut, as `resultrepr_maxsize` does.
    static let resultLimit = 1024

    static func write(
        _ verdict: TaskEnding.Verdict,
        of headers: TaskHeaders,
        policy: TaskPolicy,
        runtime: Duration?,
        hiding secrets: SecretNames,
        to logger: Logger
    ) {
        let level = level(of: verdict, policy: policy)
        guard logger.logLevel <= level else { return }
        var text = "Task \(headers.label) " + words(verdict, runtime: runtime, policy: policy, secrets)
        // The one line of Celery's that does not begin with the task.
        if case .timedOut(let limit) = verdict {
            text = "Hard time limit (\(seconds(.seconds(limit)))s) exceeded for \(headers.label)"
        }
        logger.log(
            level: level,
            "\(text)",
            metadata: ["task_id": "\(headers.id)", "task_name": "\(headers.task)"]
        )
    }

    private static func level(of verdict: TaskEnding.Verdict, policy: TaskPolicy) -> Logger.Level {
        switch verdict {
        case .succeeded, .retried, .ignored, .revoked, .interrupted: .info
        case .rejected: .warning
        case .failed(let exception, _):
            ExceptionMatch.any(policy.expectedExceptions, matches: exception) ? .info : .error
        case .timedOut, .lost: .error
        }
    }

    private static func words(
        _ verdict: TaskEnding.Verdict,
        runtime: Duration?,
        policy: TaskPolicy,
        _ secrets: SecretNames
    ) -> String {
        switch verdict {
        case .succeeded(let result): "succeeded in \(seconds(runtime))s: \(shown(result, hiding: secrets))"
        case .failed(let exception, let traceback):
            if ExceptionMatch.any(policy.expectedExceptions, matches: exception) {
                "raised expected: \(exception.pythonRepr)"
            } else {
                "raised unexpected: \(exception.pythonRepr)" + (traceback.map { "\n" + $0.trimmingLastNewline } ?? "")
            }
        case .retried(let cause, let countdown):
            "retry: Retry in \(seconds(.seconds(countdown)))s" + (cause.map { ": " + $0.pythonRepr } ?? "")
        case .ignored: "ignored"
        case .rejected(let reason, let requeue): "rejected: \(reason)" + (requeue ? ", back to its queue" : "")
        case .revoked(let reason): "revoked: \(reason.rawValue)"
        case .timedOut(let limit): "hard time limit (\(seconds(.seconds(limit)))s) exceeded"
        case .lost(let why): "raised unexpected: WorkerLostError(\(JSONValue.string(why).pythonRepr))"
        case .interrupted: "interrupted, back to its queue"
        }
    }

    /// A result as Python shows it, cut where it is too long, without secrets.
    static func shown(_ result: [UInt8], hiding secrets: SecretNames, longest: Int = resultLimit) -> String {
        guard result.count <= 4 * longest, let value = try? JSONReader.value(result) else {  // our own JSON
            let beginning = String(decoding: result.prefix(longest), as: UTF8.self)
            return secrets.masked(repr: beginning) + "..."
        }
        let text = secrets.masked(value).pythonRepr
        return text.count > longest ? String(text.prefix(longest)) + "..." : text
    }

    /// Seconds with as many digits as matter.
    static func seconds(_ duration: Duration?) -> String {
        guard let duration else { return "0" }
        let micro = duration.components.seconds * 1_000_000 + duration.components.attoseconds / 1_000_000_000_000
        let value = Double(micro) / 1e6
        return value == value.rounded() && value < 1e15 ? String(Int(value)) : String(value)
    }
}

extension String {
    fileprivate var trimmingLastNewline: String { hasSuffix("\n") ? String(dropLast()) : self }
}
