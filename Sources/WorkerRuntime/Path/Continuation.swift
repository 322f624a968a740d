import CeleryMessage
import Transport

/// What a task sends when it ends: callbacks, the next step of its chain, errbacks and its own subtasks.
struct Continuation {
    private let message: TaskMessage
    private let context: DispatchContext
    private let codecs: MessageCodecs
    private let results: ResultPolicy
    private let tasks: [String: TaskPolicy]
    private(set) var effects: [Effect] = []
    private(set) var children: [ResultTuple] = []

    init(_ message: TaskMessage, configuration: WorkerConfiguration, codecs: MessageCodecs, now: Instant) {
        self.message = message
        self.codecs = codecs
        results = configuration.results
        tasks = configuration.tasks
        context = DispatchContext(
            message.headers,
            priority: message.properties.priority,
            configuration: configuration,
            now: now
        )
    }

    /// Sends what the handler enqueued; its own arguments only.
    mutating func send(_ signature: Signature) throws(MessageError) {
        try append(try signature.dispatch(parentResult: nil, context: context))
    }

    /// Sends callbacks and the next step of the chain with the result in front of their arguments.
    mutating func succeed(with result: [UInt8]) throws(MessageError) {
        guard !message.payload.embed.isEmpty else { return }
        try append(try message.payload.embed.afterSuccess(result: result, context: context))
    }

    /// Sends a signature under the task's own id, with what was to follow the task.
    mutating func replace(by signature: Signature) throws(MessageError) {
        try append(try message.replacement(signature, context: context).dispatch(context: context))
    }

    /// Adds a signature to the header of the chord that the task is part of (`celery/app/task.py`, `add_to_chord`).
    mutating func addToChord(_ signature: Signature) throws(MessageError) {
        guard let chord = message.payload.embed.chord, let group = message.headers.group else {
            throw MessageError(.notInChord, "Current task is not member of any chord")
        }
        var part = signature
        part.options["group_id"] = .string(group)
        part.options["group_index"] = message.headers.groupIndex.map { .int(Int64($0)) } ?? .null
        part.options["chord"] = chord.json
        part.options["root_id"] = .string(message.headers.root)
        effects.append(.extendChord(groupID: group))
        try send(part)
    }

    /// Sends the errbacks: with the failed task's id, or with what failed where a task of this worker takes that.
    mutating func fail(_ exception: ExceptionInfo, traceback: String?) throws(MessageError) {
        guard !message.payload.embed.errbacks.isEmpty else { return }
        let failure = FailureDetails(of: message, exception, traceback: traceback)
        try append(
            try message.payload.embed.errbackDispatch(failure, context: context, tasks: tasks)
        )
    }

    private mutating func append(_ dispatch: Dispatch) throws(MessageError) {
        effects += try dispatch.effects(codecs: codecs, results: results)
        children += dispatch.children
    }
}

extension DispatchContext {
    /// What a worker sends on behalf of a task.
    init(_ parent: TaskHeaders, priority: Int, configuration: WorkerConfiguration, now: Instant) {
        self.init(
            parent: parent,
            origin: configuration.origin,
            replyTo: configuration.replyTo,
            now: now,
            inheritedPriority: configuration.inheritParentPriority ? priority : nil,
            errbackReach: configuration.errbackReach,
            route: { MessageRoute(queue: configuration.queue(for: $0)) }
        )
    }
}

extension Dispatch {
    /// The sizes of chords, then the messages.
    func effects(codecs: MessageCodecs, results: ResultPolicy) throws(MessageError) -> [Effect] {
        var effects: [Effect] = []
        effects.reserveCapacity(chordStarts.count + messages.count)
        for start in chordStarts {
            var start = start
            if let saved = start.savedGroup {
                start.savedGroup = try codecs.result(saved, serializer: results.serializer)
            }
            effects.append(.startChord(StoredChord(start, timeToLive: results.chordExpires)))
        }
        for message in messages {
            effects.append(
                .publish(
                    Publication(
                        queue: message.properties.routingKey,
                        priority: message.properties.priority,
                        item: try message.encode(codecs: codecs)
                    )
                )
            )
        }
        return effects
    }
}

extension MessageCodecs {
    /// JSON text in the form that results are stored in.
    func result(_ json: [UInt8], serializer: String) throws(MessageError) -> [UInt8] {
        if serializer == "json" { return json }
        guard let format = self.serializer(serializer) else {
            throw MessageError(.unencodable, "the serializer \(serializer) is not known")
        }
        do {
            return try format.encode(try JSONReader.value(json, limits: JSONLimits(bytes: .max)))
        } catch {
            throw MessageError(.unencodable, "a result cannot be written as \(serializer): \(error)")
        }
    }

    /// A value of the result backend, in the configured form or in JSON.
    func value(_ stored: [UInt8], serializer: String) throws(MessageError) -> JSONValue {
        do {
            if serializer != "json", let format = self.serializer(serializer), stored.first != UInt8(ascii: "[") {
                return try format.decode(stored, limits: JSONLimits(bytes: .max))
            }
            return try JSONReader.value(stored, limits: JSONLimits(bytes: .max))
        } catch {
            throw MessageError(.undecodable, "a result cannot be read as \(serializer): \(error)")
        }
    }
}
