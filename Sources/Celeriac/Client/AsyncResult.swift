public import CeleryMessage
import RedisTransport

/// The result of a task that was sent, now or later, as Celery's `AsyncResult`.
///
/// A value: it holds the id and the client to ask with. `Value` is what the task returns; ``CeleryMessage/JSONValue`` where
/// that is not known.
public struct AsyncResult<Value: Decodable & Sendable>: Sendable {
    let client: CeleriacClient
    /// The ids of the result, of those before it in its chain and, for a group, of its members.
    public let tuple: ResultTuple

    /// The task's id; of a group the group's.
    public var id: String { tuple.id }

    /// The result before this one in its chain; of a chord's body the header.
    public var parent: AsyncResult<JSONValue>? {
        tuple.parent.map { AsyncResult<JSONValue>(client: client, tuple: $0) }
    }

    /// The members, where this is the result of a group.
    public var group: GroupResult<JSONValue>? {
        tuple.members == nil ? nil : GroupResult<JSONValue>(client: client, tuple: tuple)
    }

    // MARK: Waiting

    /// Waits for the task's end and answers what it returned; of a group the list of what its members returned.
    ///
    /// - Parameter timeout: how long to wait; for good by default.
    /// - Throws: ``RemoteFailure`` when the task failed or was revoked, ``ClientError`` when the time is over or the value is
    ///   of another type, `CancellationError` when the waiting task is cancelled (the task itself runs on).
    public func get(timeout: Duration? = nil) async throws -> Value {
        let deadline = timeout.map { ContinuousClock.now + $0 }
        return try decoded(try await client.value(of: tuple, before: deadline))
    }

    private func decoded(_ value: JSONValue) throws -> Value {
        do {
            return try value.decoded(as: Value.self)
        } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
            DecodingError.keyNotFound(_, let context), DecodingError.dataCorrupted(let context)
        {
            let place = context.codingPath.map(\.stringValue).joined(separator: ".")
            let what = place.isEmpty ? "it" : place
            throw ClientError(
                .wrongType,
                "the result of \(id) is no \(Value.self): \(what) \(context.debugDescription)"
            )
        }
    }

    // MARK: Asking

    /// What is stored for the task now; `nil` when nothing is.
    public func record() async throws -> ResultRecord? { try await client.listener.record(taskID: id) }

    /// The task's state; `PENDING` when nothing is known, also of an id that was never used.
    public func state() async throws -> TaskState { try await record()?.status ?? .pending }

    /// What came with the state: the value returned, the exception, or what the task reported last.
    public func info() async throws -> JSONValue? { try await record()?.value() }

    /// The traceback of a task that failed or will be retried.
    public func traceback() async throws -> String? { try await record()?.traceback }

    /// Whether the task has ended; of a group whether all members have.
    public func ready() async throws -> Bool {
        if let group { return try await group.ready() }
        return try await state().isReady
    }

    /// Whether the task has returned; of a group whether all members have.
    public func successful() async throws -> Bool {
        if let group { return try await group.successful() }
        return try await state() == .success
    }

    /// Whether the task has failed; of a group whether a member has.
    public func failed() async throws -> Bool {
        if let group { return try await group.failed() }
        return try await state() == .failure
    }

    /// The results of what the task has sent; `nil` while nothing is stored.
    public func children() async throws -> [AsyncResult<JSONValue>]? {
        try await record()?.children?.map { AsyncResult<JSONValue>(client: client, tuple: $0) }
    }

    // MARK: Acting

    /// Removes what is stored for the task and for those before it in its chain.
    public func forget() async throws {
        var ids: [String] = []
        var next: ResultTuple? = tuple
        while let tuple = next {
            ids += [tuple.id] + (tuple.members ?? []).map(\.id)
            next = tuple.parent
        }
        try await client.forget(ids)
    }

    /// Tells the workers not to start the task.
    ///
    /// - Parameters:
    ///   - terminate: whether it is also ended where it runs already.
    ///   - signal: the signal that ends it.
    public func revoke(terminate: Bool = false, signal: String = "TERM") async throws {
        let ids = tuple.members.map { $0.map(\.id) } ?? [id]
        try await client.revoke(ids, terminate: terminate, signal: signal)
    }
}
