import CeleryMessage

/// Runs a handler once and turns every way it can end into a value; the same code serves every kind of pool.
public enum HandlerRun {
    /// Decodes the arguments, runs the handler and names its end.
    ///
    /// Never throws and never traps on bad input.
    ///
    /// - Parameters:
    ///   - args: JSON text of the positional arguments.
    ///   - kwargs: JSON text of the keyword arguments.
    public static func outcome(
        of handler: any TaskHandler,
        args: [UInt8],
        kwargs: [UInt8],
        context: TaskContext
    ) async -> HandlerOutcome {
        do {
            let arguments = try arguments(args: args, kwargs: kwargs)
            let result = try await handler.run(arguments, context: context)
            return .success(result: JSONWriter.bytes(result))
        } catch {
            return outcome(of: error, context: context)
        }
    }

    /// Reads arguments from their JSON text; `kwargs` of `null` counts as none.
    public static func arguments(args: [UInt8], kwargs: [UInt8]) throws -> TaskArguments {
        let positional = try JSONReader.value(args)
        let keyword = try JSONReader.value(kwargs)
        guard let list = positional.array else {
            throw TaskFailure.typeError("args must be a list, not \(positional.pythonTypeName)")
        }
        guard let object = keyword.isNull ? [:] : keyword.object else {
            throw TaskFailure.typeError("kwargs must be a dict, not \(keyword.pythonTypeName)")
        }
        return TaskArguments(positional: list, keyword: object)
    }

    /// What an error thrown by a handler means.
    static func outcome(of error: any Error, context: TaskContext) -> HandlerOutcome {
        switch error {
        case let retry as TaskRetry:
            return .retry(retry, traceback: traceback(retry.cause, task: context.request.task))
        case is TaskIgnore: return .ignore
        case let replacement as TaskReplacement: return .replace(replacement.signature)
        case let reject as TaskReject: return .reject(reject)
        case is CancellationError:
            switch context.cancellation.reason {
            case .softTimeLimit: return failure(.softTimeLimitExceeded(), context: context)
            case let reason?: return .cancelled(reason)
            case nil: return failure(.runtimeError("the task cancelled itself"), context: context)
            }
        case let failed as TaskFailure: return failure(failed, context: context)
        default: return failure(TaskFailure(error), context: context)
        }
    }

    private static func failure(_ failure: TaskFailure, context: TaskContext) -> HandlerOutcome {
        .failure(failure, traceback: traceback(failure, task: context.request.task))
    }

    /// A traceback in Python's layout: clients print it as it is.
    public static func traceback(_ failure: TaskFailure?, task: String) -> String {
        let place = failure?.origin ?? task
        let parts = place.split(separator: ":")
        let line = parts.count > 1 ? String(parts[parts.count - 1]) : "0"
        let file = parts.count > 1 ? parts.dropLast().joined(separator: ":") : place
        let end = failure?.description ?? "Retry"
        return "Traceback (most recent call last):\n  File \"\(file)\", line \(line), in \(task)\n\(end)\n"
    }
}
