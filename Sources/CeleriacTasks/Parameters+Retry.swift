public import CeleryMessage

extension Parameters {
    /// The retry with arguments that the task can be called with.
    public func merging(_ retry: TaskRetry, into arguments: TaskArguments) -> TaskRetry {
        var retry = retry
        retry.overrides = merging(retry.overrides, into: arguments)
        return retry
    }

    /// The arguments of a retry that gives only positional or only keyword arguments, where the run had both or the
    /// other kind (`celery/app/task.py`, `Task.retry`).
    ///
    /// What is given counts, what is not given stays as it was, each parameter once: keyword arguments that a new
    /// positional one replaces are left out, and a new keyword argument takes its place among the positional ones.
    ///
    /// - Parameters:
    ///   - overrides: what the retry asked for.
    ///   - arguments: what the run was called with.
    /// - Returns: the overrides with arguments that the task can be called with.
    public func merging(_ overrides: RetryOverrides, into arguments: TaskArguments) -> RetryOverrides {
        var merged = overrides
        switch (overrides.args, overrides.kwargs) {
        case (let args?, nil) where !arguments.keyword.isEmpty:
            let bound = Set(list.prefix(args.count).map(\.name))
            merged.kwargs = JSONObject(arguments.keyword.filter { !bound.contains($0.key) }.map { ($0.key, $0.value) })
        case (nil, let kwargs?) where !arguments.positional.isEmpty:
            var args = arguments.positional
            var rest = kwargs
            for (place, parameter) in list.prefix(args.count).enumerated() {
                guard let value = kwargs[parameter.name] else { continue }
                args[place] = value
                rest[parameter.name] = nil
            }
            merged.args = args
            merged.kwargs = rest
        default: break
        }
        return merged
    }
}
