import CeleryMessage
import Transport

/// Encodes result records as effects.
struct ResultWriter: Sendable {
    let policy: ResultPolicy
    let nodeName: String
    let codecs: MessageCodecs

    func success(
        result: [UInt8],
        children: [ResultTuple],
        of message: TaskMessage,
        now: Instant
    ) throws(MessageError) -> Effect {
        let record = record(.success, result: result, children: children, of: message, now: now)
        return .store(
            StoredResult(taskID: message.headers.id, record: try encode(record), timeToLive: policy.expires)
        )
    }

    /// A record whose result is an exception; `message` is `nil` when the message could not be read.
    func exception(
        _ state: TaskState,
        _ exception: ExceptionInfo,
        traceback: String?,
        children: [ResultTuple]?,
        taskID: String,
        of message: TaskMessage?,
        now: Instant
    ) -> Effect {
        var record = record(
            state,
            result: JSONWriter.bytes(exception.json),
            children: children,
            of: message,
            taskID: taskID,
            now: now
        )
        record.traceback = traceback
        let seconds = state == .failure ? policy.failureExpires ?? policy.expires : policy.expires
        // An exception is plain JSON values: every serializer takes it; JSON would be the way out all the same.
        let bytes = (try? encode(record)) ?? record.encoded()
        return .store(StoredResult(taskID: taskID, record: bytes, timeToLive: seconds))
    }

    /// The failure of a later step of a chain, which fails with the task before it.
    func failure(
        of later: Embed.LaterTask,
        _ exception: ExceptionInfo,
        traceback: String?,
        children: [ResultTuple] = [],
        now: Instant
    ) -> Effect {
        var record = record(
            .failure,
            result: JSONWriter.bytes(exception.json),
            children: children,
            of: nil,
            taskID: later.id,
            now: now
        )
        record.traceback = traceback
        record.parentID = later.parentID
        record.groupID = later.groupID
        let bytes = (try? encode(record)) ?? record.encoded()  // as above
        return .store(
            StoredResult(taskID: later.id, record: bytes, timeToLive: policy.failureExpires ?? policy.expires)
        )
    }

    /// A state on the way, with its meta as JSON text.
    func state(_ state: TaskState, meta: [UInt8], of message: TaskMessage) -> Effect {
        let record = record(state, result: meta, children: [], of: message, now: nil)
        let bytes = (try? encode(record)) ?? record.encoded()
        return .store(StoredResult(taskID: message.headers.id, record: bytes, timeToLive: policy.expires))
    }

    private func record(
        _ state: TaskState,
        result: [UInt8],
        children: [ResultTuple]?,
        of message: TaskMessage?,
        taskID: String? = nil,
        now: Instant?
    ) -> ResultRecord {
        var record = ResultRecord(
            taskID: taskID ?? message?.headers.id ?? "",
            status: state,
            result: result,
            children: children
        )
        if state.isReady, let now {
            record.dateDone = now
            record.utcOffset = policy.offset(now.seconds)
        }
        record.groupID = message?.headers.group
        record.parentID = message?.headers.parentID
        if policy.extended {
            record.extended = message.map { ResultRecord.Extended($0, worker: nodeName) } ?? ResultRecord.Extended()
        }
        return record
    }

    private func encode(_ record: ResultRecord) throws(MessageError) -> [UInt8] {
        if policy.serializer == "json" { return record.encoded() }
        return try record.encoded(codecs: codecs, serializer: policy.serializer)
    }
}
