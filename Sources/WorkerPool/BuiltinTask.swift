import CeleriacTasks
import CeleryMessage

/// The tasks that every Celery worker has without anybody registering them (`celery/app/builtins.py`).
public enum BuiltinTask: String, Sendable, CaseIterable {
    /// Returns its positional arguments, or the one at `index`; the body of a group that replaced a task.
    case accumulate = "celery.accumulate"
    /// Calls a task with each value of a list.
    case map = "celery.map"
    /// Calls a task with each list of arguments of a list.
    case starmap = "celery.starmap"
    /// Sends a group of ``starmap``.
    case chunks = "celery.chunks"
    /// Sends the tasks of a group.
    case group = "celery.group"
    /// Sends a chord.
    case chord = "celery.chord"
    /// A chain is no task: whoever calls it by name is told so.
    case chain = "celery.chain"
    /// Clears expired results away, which Redis does by itself.
    case backendCleanup = "celery.backend_cleanup"
}

/// Runs a builtin task; those that call a task find its handler through the host.
struct BuiltinHandler: TaskHandler {
    let task: BuiltinTask
    /// The handler of another task, or why there is none.
    let handler: @Sendable (String) -> Result<any TaskHandler, TaskFailure>

    func run(_ arguments: TaskArguments, context: TaskContext) async throws -> JSONValue {
        let parameters = Parameters(arguments)
        switch task {
        case .accumulate: return try Self.accumulated(arguments)
        case .map: return try await mapped(parameters, context) { [$0] }
        case .starmap:
            return try await mapped(parameters, context) { item in
                guard let list = item.array else {
                    throw TaskFailure.typeError("argument after * must be an iterable, not \(item.pythonTypeName)")
                }
                return list
            }
        case .chunks: return try parameters.sendChunks(context)
        case .group: return try parameters.sendGroup(context)
        case .chord: return try parameters.sendChord(context)
        case .chain:
            throw TaskFailure(
                module: "builtins",
                type: "NotImplementedError",
                arguments: ["chain is not a real task"]
            )
        case .backendCleanup: return .null
        }
    }

    private static func accumulated(_ arguments: TaskArguments) throws -> JSONValue {
        guard let index = arguments.keyword["index"], !index.isNull else { return .array(arguments.positional) }
        let count = arguments.positional.count
        guard let place = index.int.flatMap({ Int(exactly: $0) }), (-count..<count).contains(place) else {
            throw TaskFailure(module: "builtins", type: "IndexError", arguments: ["tuple index out of range"])
        }
        return arguments.positional[place < 0 ? place + count : place]
    }

    /// The results of one call after the other; the first that fails ends the task.
    private func mapped(
        _ parameters: Parameters,
        _ context: TaskContext,
        arguments: (JSONValue) throws -> [JSONValue]
    ) async throws -> JSONValue {
        let signature = try parameters.signature("task", at: 0)
        guard BuiltinTask(rawValue: signature.task) == nil else {
            throw TaskFailure.valueError("\(signature.task) cannot be mapped")
        }
        let handler = try handler(signature.task).get()
        var results: [JSONValue] = []
        for item in try parameters.list("it", at: 1) {
            try context.checkCancellation()
            let call = TaskArguments(positional: try arguments(item))
            results.append(try await handler.run(call, context: context))
        }
        return .array(results)
    }

    /// The arguments of a builtin, by name or place.
    private struct Parameters {
        let arguments: TaskArguments

        init(_ arguments: TaskArguments) { self.arguments = arguments }

        func value(_ name: String, at place: Int) throws -> JSONValue {
            if let value = arguments.keyword[name] { return value }
            guard place < arguments.positional.count else {
                throw TaskFailure.typeError("missing 1 required positional argument: '\(name)'")
            }
            return arguments.positional[place]
        }

        func list(_ name: String, at place: Int) throws -> [JSONValue] {
            let value = try value(name, at: place)
            guard let list = value.array else {
                throw TaskFailure.typeError("'\(value.pythonTypeName)' object is not iterable")
            }
            return list
        }

        func signature(_ name: String, at place: Int) throws -> Signature {
            do {
                return try Signature(json: try value(name, at: place))
            } catch let error as MessageError {
                throw TaskFailure.typeError("\(name): \(error.message)")
            }
        }

        /// A group is sent with the task's end; its id is known before.
        private func send(_ group: Signature, _ context: TaskContext) -> JSONValue {
            var group = group
            let id = group.options["task_id"]?.string ?? Identifier.uuid()
            group.options["task_id"] = .string(id)
            context.enqueue(group)
            return .string(id)
        }

        func sendChunks(_ context: TaskContext) throws -> JSONValue {
            let task = try signature("task", at: 0)
            let calls = try list("it", at: 1).map { item in
                guard let list = item.array else {
                    throw TaskFailure.typeError("argument after * must be an iterable, not \(item.pythonTypeName)")
                }
                return list
            }
            guard let size = try value("n", at: 2).int.flatMap({ Int(exactly: $0) }), size > 0 else {
                throw TaskFailure.valueError("n must be a number above zero")
            }
            return send(.chunks(task, over: calls, size: size), context)
        }

        func sendGroup(_ context: TaskContext) throws -> JSONValue {
            let partial = arguments.keyword["partial_args"]?.array ?? []
            var tasks: [Signature] = []
            for value in try list("tasks", at: 0) {
                var task = try Self.read(value)
                if !task.immutable { task.args = partial + task.args }
                tasks.append(task)
            }
            var group = Signature.group(tasks)
            if let id = arguments.keyword["group_id"]?.string { group.options["task_id"] = .string(id) }
            return send(group, context)
        }

        func sendChord(_ context: TaskContext) throws -> JSONValue {
            let header = try value("header", at: 0)
            let partial = arguments.keyword["partial_args"]?.array ?? []
            let chord = Signature(
                task: "celery.chord",
                args: partial,
                kwargs: ["kwargs": [:], "header": header, "body": try value("body", at: 1)],
                subtaskType: "chord"
            )
            return send(chord, context)
        }

        private static func read(_ value: JSONValue) throws -> Signature {
            do {
                return try Signature(json: value)
            } catch {
                throw TaskFailure.typeError(error.message)
            }
        }
    }
}
