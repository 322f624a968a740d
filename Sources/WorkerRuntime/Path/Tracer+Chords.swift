import CeleriacTasks
import CeleryMessage
import Transport

/// How a chord ended, and what follows from it.
struct ChordEnding {
    var commit: Commit
    /// What is logged when its body will not run.
    var failure: String?
}

extension Tracer {
    // MARK: Parts

    /// The part that an ended task returns to its chord; nothing when it is part of none.
    func part(of message: TaskMessage, _ state: TaskState, result: [UInt8]) -> [Effect] {
        guard let body = message.payload.embed.chord, let group = message.headers.group else { return [] }
        return part(
            of: message.headers.id,
            group: group,
            index: message.headers.groupIndex,
            state,
            result: result,
            completion: ChordCompletion(
                body: body,
                parent: message.headers,
                priority: message.properties.priority
            ),
            isRedelivered: message.headers.redelivered
        )
    }

    func part(of message: TaskMessage, _ state: TaskState, _ exception: ExceptionInfo) -> [Effect] {
        guard message.payload.embed.chord != nil else { return [] }
        return part(of: message, state, result: JSONWriter.bytes(exception.json))
    }

    /// The part of a task that will not run because one before it failed.
    ///
    /// - Parameter called: the errbacks that this failure has sent.
    func part(
        of later: Embed.LaterTask,
        _ exception: ExceptionInfo,
        after parent: TaskHeaders,
        priority: Int,
        called: CalledErrbacks = CalledErrbacks([])
    ) -> [Effect] {
        guard let body = later.chord, let group = later.groupID else { return [] }
        return part(
            of: later.id,
            group: group,
            index: later.groupIndex,
            .failure,
            result: JSONWriter.bytes(called.naming(exception)),
            completion: ChordCompletion(body: body, parent: parent, priority: priority),
            isRedelivered: parent.redelivered
        )
    }

    private func part(
        of id: String,
        group: String,
        index: Int?,
        _ state: TaskState,
        result: [UInt8],
        completion: ChordCompletion,
        isRedelivered: Bool
    ) -> [Effect] {
        let policy = configuration.results
        guard policy.enabled else { return [] }
        var text = Array("[1, ".utf8) + JSONWriter.bytes(.string(id)) + Array(", ".utf8)
        text += JSONWriter.bytes(.string(state.rawValue)) + Array(", ".utf8) + result
        text.append(UInt8(ascii: "]"))
        // What can be stored as a result can be stored here; JSON would be the way out all the same.
        let value = (try? codecs.result(text, serializer: policy.serializer)) ?? text
        var groupTimeToLive: Int?
        if let chord = policy.chordExpires, let result = policy.expires { groupTimeToLive = max(chord, result) }
        let part = ChordPart(
            groupID: group,
            taskID: id,
            groupIndex: index,
            value: value,
            completion: completion.encoded,
            timeToLive: policy.chordExpires,
            groupTimeToLive: groupTimeToLive,
            isRedelivered: isRedelivered
        )
        return [.returnChordPart(part)]
    }

    // MARK: The end of a header

    /// What follows when every task of a header has ended: the body is sent with their results, or fails with the first
    /// of them that failed (`celery/backends/redis.py`, `on_chord_part_return`).
    func finish(_ claim: ChordClaim, _ results: ChordResults, now: Instant) -> ChordEnding {
        guard let completion = ChordCompletion(decoding: claim.completion) else {
            return ChordEnding(
                commit: finishing(claim, .failed, []),
                failure: "the chord \(claim.groupID) cannot be finished: what is known of it cannot be read"
            )
        }
        let context = DispatchContext(
            completion.parent,
            priority: completion.priority,
            configuration: configuration,
            now: now
        )
        do throws(ChordResults.Failure) {
            let list = try results.list()
            do throws(MessageError) {
                let dispatch = try completion.body.dispatch(parentResult: list, context: context)
                let effects = try dispatch.effects(codecs: codecs, results: configuration.results)
                return ChordEnding(commit: finishing(claim, .sent, effects))
            } catch {
                let why = "\(error.exceptionInfo.pythonRepr)"
                throw ChordResults.Failure(error: .chordError("Callback error: \(why)"))
            }
        } catch {
            let effects = bodyFailed(completion, error, context)
            return ChordEnding(
                commit: finishing(claim, .failed, effects),
                failure: "Chord '\(claim.groupID)' raised: \(error.error.pythonRepr)"
            )
        }
    }

    private func finishing(_ claim: ChordClaim, _ end: ChordEnd, _ effects: [Effect]) -> Commit {
        Commit(tag: nil, acknowledges: false, effects: [.finishChord(claim, end)] + effects)
    }

    /// The body fails, with what was to follow it; a group fails member by member (`celery/backends/base.py`).
    private func bodyFailed(
        _ completion: ChordCompletion,
        _ failure: ChordResults.Failure,
        _ context: DispatchContext
    ) -> [Effect] {
        let body = completion.body
        let isGroup = body.subtaskType == "group"
        let exception = isGroup ? failure.cause ?? failure.error : failure.error
        let traceback = HandlerRun.traceback(
            TaskFailure(module: exception.module, type: exception.type, arguments: exception.arguments),
            task: body.task
        )
        var effects: [Effect] = []
        let chain = (try? Embed(json: ["chain": body.options["chain"] ?? .null]).chain) ?? []  // none that can be read
        for (place, later) in (Embed.laterTasks([body]) + Embed.laterTasks(chain)).enumerated() {
            let errbacks = body.errbacks(of: later.id).filter { !failure.called.contains($0) }
            var children: [ResultTuple] = []
            do throws(MessageError) {
                let details = FailureDetails(ofBody: later.id, task: body.task, exception, traceback: traceback)
                let sent = try Embed(errbacks: errbacks)
                    .errbackDispatch(details, context: context, tasks: configuration.tasks)
                effects += try sent.effects(codecs: codecs, results: configuration.results)
                children = sent.children
            } catch {
                // An errback that cannot be sent must not keep the failure from being stored.
            }
            var record = later
            record.groupID = nil
            record.parentID = nil
            effects.append(
                records.failure(
                    of: record,
                    exception,
                    traceback: isGroup && place == 0 ? nil : traceback,
                    children: children,
                    now: context.now
                )
            )
            effects += part(
                of: later,
                exception,
                after: completion.parent,
                priority: completion.priority,
                called: CalledErrbacks(failure.called.union(errbacks))
            )
        }
        return effects
    }
}

extension Signature {
    /// The errbacks that the failure of a chord's body calls for one of the tasks in it: its own and those of the canvases
    /// around it, each once.
    fileprivate func errbacks(of id: String) -> [Signature] {
        guard let found = Self.errbacks(of: id, in: self) else { return [] }
        var seen = Set<Signature>()
        return found.filter { seen.insert($0).inserted }
    }

    private static func errbacks(of id: String, in signature: Signature) -> [Signature]? {
        // What is no list of signatures calls nobody.
        let own = (try? Embed(json: ["errbacks": signature.options["link_error"] ?? .null]).errbacks) ?? []
        switch signature.subtaskType {
        case "group":
            for part in signature.kwargs["tasks"]?.array ?? [] {
                guard let part = try? Signature(json: part), let inner = errbacks(of: id, in: part) else { continue }
                return inner + own
            }
            return nil
        case "chord":
            guard let body = signature.kwargs["body"].flatMap({ try? Signature(json: $0) }),
                let inner = errbacks(of: id, in: body)
            else { return nil }
            return own + inner
        default: return signature.options["task_id"]?.string == id ? own : nil
        }
    }
}
