import CeleriacTasks
import CeleryMessage

/// Gives its place to the signature it is given.
struct Replace: TaskHandler {
    func run(_ arguments: TaskArguments, context: TaskContext) async throws -> JSONValue {
        throw TaskReplacement(by: try arguments.signature())
    }
}

/// Adds the signature it is given to the header of its chord, and returns zero.
struct AddToChord: TaskHandler {
    func run(_ arguments: TaskArguments, context: TaskContext) async throws -> JSONValue {
        context.addToChord(try arguments.signature())
        return 0
    }
}

/// Sends the signature it is given as a task of its own, and returns zero.
struct Spawn: TaskHandler {
    func run(_ arguments: TaskArguments, context: TaskContext) async throws -> JSONValue {
        context.enqueue(try arguments.signature())
        return 0
    }
}

extension TaskArguments {
    /// The last positional argument, or `signature`, as a signature: what comes before it is a parent's result.
    fileprivate func signature() throws -> Signature {
        do {
            return try Signature(json: keyword["signature"] ?? positional.last ?? .null)
        } catch {
            throw TaskFailure.typeError(error.message)
        }
    }
}
