public import CeleryMessage

/// The results of a group that was sent, as Celery's `GroupResult`.
public struct GroupResult<Value: Decodable & Sendable>: Sendable {
    let client: CeleriacClient
    /// The id of the group, the ids of its members and of what came before it in its chain.
    public let tuple: ResultTuple

    /// The group's id.
    public var id: String { tuple.id }
    /// The results of the members, in order.
    public var results: [AsyncResult<Value>] {
        (tuple.members ?? []).map { AsyncResult<Value>(client: client, tuple: $0) }
    }
    /// The result before the group in its chain.
    public var parent: AsyncResult<JSONValue>? {
        tuple.parent.map { AsyncResult<JSONValue>(client: client, tuple: $0) }
    }

    // MARK: Waiting

    /// Waits for the members in order and answers what they returned.
    ///
    /// - Parameter timeout: how long to wait for all of them together; for good by default.
    /// - Throws: the failure of the first member, in order, that failed; otherwise as ``AsyncResult/get(timeout:)``.
    public func join(timeout: Duration? = nil) async throws -> [Value] {
        let deadline = timeout.map { ContinuousClock.now + $0 }
        var values: [Value] = []
        for result in results {
            values.append(try await result.get(timeout: deadline.map { $0 - ContinuousClock.now }))
        }
        return values
    }

    // MARK: Asking

    /// How many members have returned.
    public func completedCount() async throws -> Int { try await states().count { $0 == .success } }
    /// Whether all members have ended.
    public func ready() async throws -> Bool { try await states().allSatisfy(\.isReady) }
    /// Whether all members have returned.
    public func successful() async throws -> Bool { try await states().allSatisfy { $0 == .success } }
    /// Whether a member has failed.
    public func failed() async throws -> Bool { try await states().contains(.failure) }
    /// Whether a member has not ended yet.
    public func waiting() async throws -> Bool { try await !ready() }

    private func states() async throws -> [TaskState] { try await client.states(of: results.map(\.id)) }

    // MARK: Acting

    /// Stores which results belong to the group, so that anybody can find them by its id: Celery's `GroupResult.save`.
    ///
    /// Kept as long as results are.
    public func save() async throws { try await client.save(tuple) }

    /// Removes what ``save()`` stored; the members' results stay.
    public func delete() async throws { try await client.delete(groupID: id) }

    /// Removes the members' results.
    public func forget() async throws { try await client.forget(results.map(\.id)) }

    /// Tells the workers not to start the members; as ``AsyncResult/revoke(terminate:signal:)``.
    public func revoke(terminate: Bool = false, signal: String = "TERM") async throws {
        try await client.revoke(results.map(\.id), terminate: terminate, signal: signal)
    }
}
