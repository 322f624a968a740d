import CeleryMessage
import Foundation
import Synchronization
import Testing

/// The messages of a recorded workflow.
private struct Workflow {
    var published: [JSONValue]
    var stored: [JSONValue]

    init(_ name: String) throws {
        let url = Fixture.folder.appending(path: "canvas/\(name).json")
        let json = try JSONReader.value(Array(try Data(contentsOf: url)))
        published = json["published"]?.array ?? []
        stored = json["stored"]?.array ?? []
    }

    /// One published message as we would have received it.
    func message(_ index: Int) throws -> TaskMessage {
        let recorded = published[index]
        let envelope: JSONValue = [
            "body": .string(JSONWriter.string(recorded["body"] ?? .null)), "content-type": "application/json",
            "headers": recorded["headers"] ?? .null, "properties": recorded["properties"] ?? .null,
        ]
        var object = try #require(envelope.object)
        object["properties"] = recorded["properties"]?.object.map { properties in
            var properties = properties
            properties["body_encoding"] = nil
            return .object(properties)
        }
        return try TaskMessage.decode(JSONWriter.bytes(.object(object)))
    }

    /// The record of a state that was stored for a task.
    func record(_ id: String, _ status: TaskState = .success) throws -> ResultRecord {
        let value = try #require(
            stored.compactMap { $0["value"] }.first {
                $0["task_id"]?.string == id && $0["status"]?.string == status.rawValue
            }
        )
        return try ResultRecord(decoding: JSONWriter.bytes(value))
    }
}

extension DispatchContext {
    /// A context that hands out the ids a recording used.
    fileprivate static func replaying(_ parent: TaskMessage, after recorded: TaskMessage?, ids: [String])
        -> DispatchContext
    {
        let left = Mutex(ids)
        return DispatchContext(
            parent: parent.headers,
            origin: recorded?.headers.origin ?? "gen1@host",
            replyTo: recorded?.properties.replyTo ?? "",
            now: Instant(seconds: 0),
            makeID: { left.withLock { $0.isEmpty ? "surplus" : $0.removeFirst() } }
        )
    }
}

/// The message without what differs from worker to worker.
private func comparable(_ message: TaskMessage) -> TaskMessage {
    var message = message
    message.properties.deliveryTag = nil
    message.properties.bodyEncoding = nil
    // A worker that has no function of that name leaves the question open.
    message.headers.ignoreResult = nil
    return message
}

@Suite struct `What follows success` {
    @Test(arguments: [
        ("link", 0, [1]), ("link_immutable", 0, [1]), ("chain3", 0, [1]), ("chain3", 1, [2]),
        ("chain_task_group", 0, [1, 2]),
        ("stamped_chain", 0, [1, 2]), ("link_multi_with_group", 0, [1, 2, 3, 4]), ("link_chain", 1, [2]),
        ("link_and_chain", 0, [1, 2]), ("chain_task_chord", 0, [1, 2]), ("chain_task_chord", 3, [4]),
        ("chain_chord_chord", 2, [3, 4]), ("chain_task_chord_linkerror", 0, [1, 2]),
        ("chord_header_chain_ending_in_group", 0, [2, 3]), ("chord_header_chain", 0, [2]),
    ])
    func `is sent as Celery sends it`(name: String, parent: Int, expected: [Int]) throws {
        let workflow = try Workflow(name)
        let message = try workflow.message(parent)
        let recorded = try expected.map(workflow.message)
        var ids: [String] = []
        for message in recorded {
            if let group = message.headers.group, !ids.contains(group), name == "link_multi_with_group" {
                ids.append(group)
            }
            if !message.payload.embed.endsChain { ids.append(message.headers.id) }
        }
        let record = try workflow.record(message.headers.id)
        // A signature without `reply_to` takes that of the sender.
        let sender = recorded.first { $0.properties.replyTo != message.properties.replyTo }
        var context = DispatchContext.replaying(message, after: recorded.first, ids: ids)
        context.replyTo = sender?.properties.replyTo ?? context.replyTo
        let dispatch = try message.payload.embed.afterSuccess(result: record.result, context: context)
        #expect(dispatch.messages.map(comparable) == recorded.map(comparable))
        #expect(dispatch.children == record.children)
    }

    @Test func `of a linked chain embeds the rest with ids`() throws {
        let workflow = try Workflow("link_chain")
        let (parent, recorded) = (try workflow.message(0), try workflow.message(1))
        let second = try #require(recorded.payload.embed.chain.first?.options["task_id"]?.string)
        let context = DispatchContext.replaying(parent, after: recorded, ids: [second, recorded.headers.id])
        let dispatch = try parent.payload.embed.afterSuccess(result: Array("4".utf8), context: context)
        #expect(dispatch.messages.map(comparable) == [comparable(recorded)])
        #expect(
            text(JSONWriter.bytes(dispatch.messages[0].payload.embed.json))
                == text(JSONWriter.bytes(recorded.payload.embed.json))
        )
    }

    @Test func `honours the options of a signature`() throws {
        let workflow = try Workflow("link_options")
        let (parent, recorded) = (try workflow.message(0), try workflow.message(1))
        var context = DispatchContext.replaying(parent, after: recorded, ids: [recorded.headers.id])
        context.now = try #require(recorded.headers.etaInstant) - .seconds(1)
        let dispatch = try parent.payload.embed.afterSuccess(result: Array("4".utf8), context: context)
        #expect(dispatch.messages.map(comparable) == [comparable(recorded)])
    }

    @Test func `maps every option to its header or property`() throws {
        let options: JSONObject = [
            "task_id": "id", "reply_to": "me", "queue": ["name": "q"], "priority": 3,
            "eta": .tagged(.datetime("2030-01-01T00:00:00")),
            "expires": 90, "time_limit": 30, "soft_time_limit": 20.5, "shadow": "s", "headers": ["x": 1],
            "ignore_result": true,
            "replaced_task_nesting": 2, "stamped_headers": ["a"], "a": "b", "retry": true, "retry_policy": [:],
            "producer": nil,
            "delivery_mode": 1, "compression": "zstd", "app_id": "svc", "link": ["task": "l"],
            "link_error": [["task": "e"]],
            "chain": [["task": "c"]], "chord": ["task": "b"], "group_id": "g", "group_index": 4,
            "serializer": "msgpack",
        ]
        var parent = TaskHeaders(task: "p", id: "parent")
        parent.stampedHeaders = ["tenant", "a"]
        parent.stamps = ["tenant": 1, "a": "other"]
        parent.rootID = "root"
        let context = DispatchContext(parent: parent, origin: "gen1@h", now: Instant(seconds: 0), inheritedPriority: 9)
        let messages = try Signature(task: "t", args: [2], options: options).message(
            parentResult: Array("1".utf8),
            context: context
        )
        let message = try #require(messages.first)
        let headers = message.headers
        #expect(
            headers.id == "id" && headers.parentID == "parent" && headers.rootID == "root" && headers.origin == "gen1@h"
        )
        #expect(headers.eta == "2030-01-01T00:00:00" && headers.expires == "1970-01-01T00:01:30+00:00")
        #expect(headers.hardTimeLimit == 30 && headers.softTimeLimit == 20.5 && headers.shadow == "s")
        #expect(headers.extra == ["x": 1] && headers.ignoreResult == true && headers.replacedTaskNesting == 2)
        #expect(headers.stampedHeaders == ["a", "tenant"] && headers.stamps == ["a": "b", "tenant": 1])
        #expect(headers.group == "g" && headers.groupIndex == 4 && headers.compression == "zstd")
        #expect(headers.argsrepr == "(1, 2)" && text(message.payload.args) == "[1, 2]")
        #expect(message.properties.routingKey == "q" && message.properties.exchange.isEmpty)
        #expect(message.properties.priority == 3 && message.properties.deliveryMode == 1)
        #expect(message.properties.expiration == "90000" && message.properties.extra == ["app_id": "svc"])
        #expect(
            message.payload.embed.callbacks.map(\.task) == ["l"] && message.payload.embed.errbacks.map(\.task) == ["e"]
        )
        #expect(message.payload.embed.chain.map(\.task) == ["c"] && message.payload.embed.chord?.task == "b")
        #expect(message.contentType == "application/x-msgpack")
    }

    @Test func `inherits the priority only where asked`() throws {
        let parent = TaskHeaders(task: "p", id: "1")
        var context = DispatchContext(
            parent: parent,
            origin: "o",
            now: Instant(seconds: 0),
            route: { .init(queue: "q-" + $0) }
        )
        let plain = try Signature(task: "t").message(parentResult: nil, context: context)
        #expect(plain.first?.properties.priority == 0)
        #expect(plain.first?.properties.routingKey == "q-t")
        context.inheritedPriority = 6
        #expect(try Signature(task: "t").message(parentResult: nil, context: context).first?.properties.priority == 6)
        let own = Signature(task: "t", options: ["priority": 2])
        #expect(try own.message(parentResult: nil, context: context).first?.properties.priority == 2)
    }

    @Test func `refuses canvases without their parts`() throws {
        let context = DispatchContext(parent: TaskHeaders(task: "p", id: "1"), origin: "o", now: Instant(seconds: 0))
        let broken: [Signature] = [
            Signature(task: "celery.chord", kwargs: ["header": []], subtaskType: "chord"),
            Signature(task: "celery.chord", kwargs: ["body": ["task": "b"]], subtaskType: "chord"),
            Signature(task: "celery.group", subtaskType: "group"),
            Signature(task: "celery.chain", kwargs: ["tasks": [["no": "task"]]], subtaskType: "chain"),
        ]
        for signature in broken {
            let error = #expect(throws: MessageError.self) {
                try Embed(callbacks: [signature]).afterSuccess(result: Array("1".utf8), context: context)
            }
            #expect(error?.code == .invalidTask)
        }
    }

    @Test func `is nothing after most tasks`() throws {
        let context = DispatchContext(parent: TaskHeaders(task: "p", id: "1"), origin: "o", now: Instant(seconds: 0))
        #expect(try Embed().afterSuccess(result: Array("1".utf8), context: context) == Dispatch())
        #expect(try Embed().afterFailure(context: context) == Dispatch())
    }
}

@Suite struct Chords {
    @Test(arguments: [
        ("chord3", [2], 3, "[2, 4, 6]"), ("add_to_chord", [2], 3, "[14, 0, 4]"),
        ("chord_nested_chord_header", [1], 3, "[2, 4]"), ("chord_nested_chord_header", [3], 4, "[6, 6]"),
        ("chain_task_chord", [2], 3, "[4, 6]"), ("chain_chord_chord", [1], 2, "[2, 4]"),
        ("chain_chord_chord", [4], 5, "[[2, 4], [2, 4]]"), ("stamped_chord", [1], 2, "[2, 4]"),
        ("chord_header_chain_ending_in_group", [3], 4, "[[3, 4], 10]"), ("replace_with_group", [2], 3, "[2, 4]"),
        ("replace_in_chord_header", [2], 3, "[101, 4]"), ("chord_body_chain", [1], 2, "[2, 4]"),
    ])
    func `send their body as Celery sends it`(name: String, last: [Int], body: Int, results: String) throws {
        let workflow = try Workflow(name)
        let message = try workflow.message(last[0])
        let recorded = try workflow.message(body)
        let context = DispatchContext.replaying(message, after: recorded, ids: [])
        let signature = try #require(message.payload.embed.chord)
        let dispatch = try signature.dispatch(parentResult: Array(results.utf8), context: context)
        #expect(dispatch.messages.map(comparable) == [comparable(recorded)])
    }

    @Test func `announce their size before the header is published`() throws {
        let workflow = try Workflow("chain_task_chord")
        let message = try workflow.message(0)
        let context = DispatchContext.replaying(message, after: nil, ids: [])
        let dispatch = try message.payload.embed.afterSuccess(result: Array("2".utf8), context: context)
        let group = try #require(try workflow.message(1).headers.group)
        #expect(dispatch.chordStarts == [ChordStart(groupID: group, size: 2)])
    }

    @Test func `in a chain ending in a group count its members, and save the nesting`() throws {
        let header: [Signature] = [
            .chain([Signature(task: "a"), .group([Signature(task: "b"), Signature(task: "c")])]),
            Signature(task: "d"),
        ]
        let ids = Mutex(0)
        let context = DispatchContext(
            parent: nil,
            origin: "o",
            now: Instant(seconds: 0),
            makeID: {
                ids.withLock { count in
                    count += 1
                    return "id\(count)"
                }
            }
        )
        let chord = Signature.chord(header: header, body: Signature(task: "e"))
        let dispatch = try chord.dispatch(context: context)
        let start = try #require(dispatch.chordStarts.first)
        #expect(dispatch.chordStarts.count == 1 && start.size == 3)
        let saved = try JSONReader.value(try #require(start.savedGroup))
        let tuple = try #require(saved["result"].flatMap(ResultTuple.init(json:)))
        #expect(tuple.id == start.groupID)
        #expect(tuple.members?.map { $0.members?.count } == [2, nil])
        #expect(dispatch.messages.map(\.headers.task) == ["a", "d"])
        // The group's members belong to the header although they are sent later.
        let group = try #require(dispatch.messages[0].payload.embed.chain.first)
        #expect(group.options["group_id"]?.string == start.groupID)
        #expect(dispatch.messages[1].headers.group == start.groupID)
        #expect(dispatch.messages[1].payload.embed.chord?.task == "e")
        let parent = dispatch.messages[0].headers
        let later = try dispatch.messages[0].payload.embed.afterSuccess(
            result: Array("1".utf8),
            context: DispatchContext(parent: parent, origin: "o", now: Instant(seconds: 0))
        )
        #expect(later.messages.map(\.headers.group) == [start.groupID, start.groupID])
        #expect(later.messages.allSatisfy { $0.payload.embed.chord?.task == "e" })
        #expect(later.chordStarts.isEmpty)
    }

    @Test func `with an empty header send their body with no results`() throws {
        let context = DispatchContext(parent: nil, origin: "o", now: Instant(seconds: 0))
        let dispatch = try Signature.chord(header: [], body: Signature(task: "b")).dispatch(context: context)
        #expect(dispatch.messages.map(\.headers.task) == ["b"])
        #expect(text(dispatch.messages[0].payload.args) == "[[]]")
        #expect(dispatch.chordStarts.isEmpty)
        #expect(dispatch.result?.id == dispatch.messages[0].headers.id)
    }

    @Test func `delay their header, not their body`() throws {
        let context = DispatchContext(parent: nil, origin: "o", now: Instant(seconds: 0))
        let chord = Signature.chord(
            header: [Signature(task: "a")],
            body: Signature(task: "b"),
            options: ["countdown": 20, "priority": 4]
        )
        let dispatch = try chord.dispatch(context: context)
        #expect(dispatch.messages.map(\.headers.eta) == ["1970-01-01T00:00:20+00:00"])
        let body = try #require(dispatch.messages[0].payload.embed.chord)
        #expect(body.options["countdown"] == nil && body.options["priority"] == 4)
        #expect(dispatch.messages[0].properties.priority == 4)
    }
}

@Suite struct `A client` {
    private let context = DispatchContext(
        parent: nil,
        origin: "gen1@h",
        replyTo: "me",
        now: Instant(seconds: 0),
        route: { MessageRoute(queue: "q-" + $0) }
    )

    @Test func `sends tasks that are their own roots`() throws {
        let message = try #require(try Signature(task: "t", args: [1]).dispatch(context: context).messages.first)
        #expect(message.headers.rootID == message.headers.id && message.headers.parentID == nil)
    }

    @Test func `waits for the last task of a chain, whose parents are the others`() throws {
        let chain = Signature.chain(["a", "b", "c"].map { Signature(task: $0) })
        let dispatch = try chain.dispatch(context: context)
        let message = try #require(dispatch.messages.first)
        #expect(dispatch.messages.count == 1)
        let rest = message.payload.embed.chain
        #expect(rest.map(\.task) == ["c", "b"])
        let ids = rest.compactMap { $0.options["task_id"]?.string } + [message.headers.id]
        #expect(dispatch.result == .task(ids[0], parent: .task(ids[1], parent: .task(ids[2]))))
        #expect(rest.allSatisfy { $0.options["root_id"] == nil && $0.options["reply_to"] == "me" })
    }

    @Test func `turns a group that a task follows into a chord`() throws {
        let chain = Signature.chain([
            .group([Signature(task: "a"), Signature(task: "b")]), Signature(task: "c"), Signature(task: "d"),
        ])
        let dispatch = try chain.dispatch(context: context)
        #expect(dispatch.messages.map(\.headers.task) == ["a", "b"])
        let body = try #require(dispatch.messages[0].payload.embed.chord)
        #expect(body.task == "c")
        #expect(body.options["chain"]?.array?.compactMap { $0["task"]?.string } == ["d"])
        #expect(dispatch.chordStarts.map(\.size) == [2])
        #expect(
            dispatch.messages.map(\.headers.group) == [
                dispatch.chordStarts[0].groupID, dispatch.chordStarts[0].groupID,
            ]
        )
    }

    @Test func `sends groups inside of groups flat`() throws {
        let group = Signature.group([
            Signature(task: "a"), .group([Signature(task: "b"), Signature(task: "c")]), .group([]), .chain([]),
        ])
        let dispatch = try group.dispatch(context: context)
        #expect(dispatch.messages.map(\.headers.task) == ["a", "b", "c"])
        #expect(dispatch.messages.map(\.headers.groupIndex) == [0, 0, 1])
        #expect(Set(dispatch.messages.map(\.headers.group)).count == 1)
        #expect(dispatch.result?.members?.count == 3)
    }

    @Test func `sends nothing for an empty group or chain`() throws {
        #expect(try Signature.group([]).dispatch(context: context).messages.isEmpty)
        #expect(try Signature.chain([]).dispatch(context: context).messages.isEmpty)
        #expect(try Signature.chain([.group([]), .chain([])]).dispatch(context: context).messages.isEmpty)
    }

    @Test func `hands callbacks of a chain to its last task and errbacks to all`() throws {
        let chain = Signature.chain(
            [Signature(task: "a"), Signature(task: "b")],
            options: ["link": ["task": "l"], "link_error": [["task": "e"]], "countdown": 3]
        )
        let message = try #require(try chain.dispatch(context: context).messages.first)
        #expect(message.payload.embed.errbacks.map(\.task) == ["e"] && message.payload.embed.callbacks.isEmpty)
        #expect(message.headers.eta == "1970-01-01T00:00:03+00:00")
        let last = try #require(message.payload.embed.chain.first)
        #expect(last.options["link"]?.array?.count == 1 && last.options["link_error"]?.array?.count == 1)
        #expect(last.options["countdown"] == nil)
    }

    @Test func `sends chunks as a group of star maps, to where their task goes`() throws {
        let chunks = Signature.chunks(Signature(task: "add"), over: [[1, 1], [2, 2], [3, 3]], size: 2)
        let dispatch = try chunks.dispatch(context: context)
        #expect(dispatch.messages.map(\.headers.task) == ["celery.starmap", "celery.starmap"])
        #expect(dispatch.messages.map(\.properties.routingKey) == ["q-add", "q-add"])
        let kwargs = try dispatch.messages[1].payload.keywords()
        #expect(kwargs["it"] == [[3, 3]] && kwargs["task"]?["task"] == "add")
    }

    @Test func `survives a chain of many thousand tasks`() throws {
        let chain = Signature.chain((0..<5000).map { Signature(task: "t\($0)") })
        let dispatch = try chain.dispatch(context: context)
        #expect(dispatch.messages[0].payload.embed.chain.count == 4999)
    }
}

@Suite struct Replacements {
    @Test(arguments: [("replace", 0, [1]), ("replace_in_chain", 0, [1]), ("replace_in_chord_header", 0, [2])])
    func `are sent as Celery sends them`(name: String, parent: Int, expected: [Int]) throws {
        let workflow = try Workflow(name)
        let message = try workflow.message(parent)
        let recorded = try expected.map(workflow.message)
        let context = DispatchContext.replaying(message, after: recorded.first, ids: [])
        let signature = Signature(task: "proj.add", args: [1, 100])
        let dispatch = try message.replacement(signature, context: context).dispatch(context: context)
        #expect(dispatch.messages.map(comparable) == recorded.map(comparable))
    }

    @Test func `by a group become a chord that hands the results on`() throws {
        let workflow = try Workflow("replace_with_group")
        let message = try workflow.message(0)
        let recorded = try [1, 2].map(workflow.message)
        let ids = recorded.map(\.headers.id)
        let group = try #require(recorded[0].headers.group)
        let context = DispatchContext.replaying(message, after: recorded.first, ids: [group] + ids)
        let add = { (a: JSONValue, b: JSONValue) in Signature(task: "proj.add", args: [a, b]) }
        let dispatch = try message.replacement(.group([add(1, 1), add(2, 2)]), context: context).dispatch(
            context: context
        )
        #expect(dispatch.messages.map(\.headers) == recorded.map { comparable($0).headers })
        let body = try #require(dispatch.messages[0].payload.embed.chord)
        #expect(body.task == "celery.accumulate" && body.options["task_id"]?.string == message.headers.id)
        #expect(dispatch.chordStarts == [ChordStart(groupID: group, size: 2)])
    }

    @Test func `keep what follows the task behind the last task of a chain`() throws {
        var message = TaskMessage(task: "t", id: "1")
        message.payload.embed = Embed(
            callbacks: [Signature(task: "cb")],
            errbacks: [Signature(task: "eb")],
            chain: [Signature(task: "z", options: ["task_id": "zz"])]
        )
        let context = DispatchContext(parent: message.headers, origin: "o", now: Instant(seconds: 0))
        let dispatch = try message.replacement(.chain([Signature(task: "a"), Signature(task: "b")]), context: context)
            .dispatch(context: context)
        let sent = try #require(dispatch.messages.first)
        #expect(dispatch.messages.count == 1 && sent.headers.task == "a" && sent.headers.rootID == "1")
        #expect(sent.payload.embed.chain.map(\.task) == ["z", "b"])
        let b = try #require(sent.payload.embed.chain.last)
        #expect(b.options["task_id"] == "1" && b.options["link"]?.array?.count == 1)
        #expect(sent.payload.embed.errbacks.map(\.task) == ["eb"] && b.options["link_error"]?.array?.count == 1)
        #expect(sent.headers.replacedTaskNesting == 1)
    }

    @Test func `are refused when empty or part of another chord`() throws {
        let message = TaskMessage(task: "t", id: "1")
        let context = DispatchContext(parent: message.headers, origin: "o", now: Instant(seconds: 0))
        for signature in [.chain([]), Signature(task: "a", options: ["chord": ["task": "b"]])] {
            let error = #expect(throws: MessageError.self) { try message.replacement(signature, context: context) }
            #expect(error?.exceptionInfo.module == "celery.exceptions")
            #expect(error?.exceptionInfo.type == "ImproperlyConfigured")
        }
    }

    @Test(arguments: [ErrbackReach.body, .headerAndBody])
    func `hand errbacks to a chord's body, and to its header where that is allowed`(_ reach: ErrbackReach) throws {
        var message = TaskMessage(task: "t", id: "1")
        message.payload.embed = Embed(errbacks: [Signature(task: "eb", args: [7])])
        let context = DispatchContext(
            parent: message.headers,
            origin: "o",
            now: Instant(seconds: 0),
            errbackReach: reach
        )
        let inner = Signature.chord(header: [Signature(task: "i")], body: Signature(task: "ib"))
        let chord = Signature.chord(header: [Signature(task: "h"), inner], body: Signature(task: "b"))
        let sent = try message.replacement(chord, context: context).dispatch(context: context).messages
        #expect(sent.map(\.headers.task) == ["h", "i"])
        let linked = { (signature: Signature?) in
            (signature?.options["link_error"]?.array ?? []).map { $0["immutable"] }
        }
        #expect(linked(sent[0].payload.embed.chord) == [false])
        #expect(linked(sent[1].payload.embed.chord).contains(false))
        // A part of a header calls its errback without an id before the arguments.
        let expected = reach == .headerAndBody ? [true] : []
        #expect(sent[0].payload.embed.errbacks.map(\.immutable) == expected)
        #expect(sent[1].payload.embed.errbacks.first?.immutable == expected.first)
    }
}

@Suite struct `What follows failure` {
    @Test(arguments: [("link_error_old", [1]), ("link_error_two", [1, 2])])
    func `is one group of errbacks`(name: String, expected: [Int]) throws {
        let workflow = try Workflow(name)
        let parent = try workflow.message(0)
        let recorded = try expected.map(workflow.message)
        let ids = [recorded[0].headers.group ?? ""] + recorded.map(\.headers.id)
        let context = DispatchContext.replaying(parent, after: recorded[0], ids: ids)
        let dispatch = try parent.payload.embed.afterFailure(context: context)
        #expect(dispatch.messages.map(comparable) == recorded.map(comparable))
    }

    @Test func `reaches what is inside of chords and groups`() throws {
        let body = Signature(
            task: "b",
            options: ["task_id": "b1", "chord": ["task": "outer"], "group_id": "g", "group_index": 2]
        )
        var chord = Signature.chord(header: [Signature(task: "h", options: ["task_id": "h1"])], body: body)
        chord.options["task_id"] = "c1"
        let group = Signature.group(
            [Signature(task: "m", options: ["task_id": "m1"])],
            options: ["task_id": "g1", "chord": ["task": "outer"], "group_id": "g"]
        )
        let later = Embed(chain: [group, chord, Signature(task: "p", options: ["task_id": "p1"])]).laterTasks
        #expect(later.map(\.id) == ["g1", "c1", "p1", "m1", "b1"])
        let waiting = later.filter { $0.chord != nil }
        #expect(waiting.map(\.id) == ["b1"] && waiting[0].groupID == "g" && waiting[0].groupIndex == 2)
    }

    @Test func `fails the rest of the chain from its end`() throws {
        let workflow = try Workflow("chain_fails_first")
        let message = try workflow.message(0)
        let stored = workflow.stored.compactMap { $0["value"]?["task_id"]?.string }
        #expect(
            message.payload.embed.laterTasks.map(\.id)
                == Array(stored.dropFirst().prefix(message.payload.embed.chain.count))
        )
    }
}

@Suite struct Retries {
    @Test(arguments: [
        ("retry", 0, 1), ("retry_in_chain_with_options", 0, 1), ("retry_in_chord", 0, 2), ("stamped_retry", 0, 1),
    ])
    func `are sent as Celery sends them`(name: String, first: Int, second: Int) throws {
        let workflow = try Workflow(name)
        let (message, recorded) = (try workflow.message(first), try workflow.message(second))
        let eta = try #require(recorded.headers.etaInstant)
        let now: Instant
        if let expires = recorded.headers.expiresInstant, let left = recorded.properties.expiration.flatMap({ Int($0) })
        {
            now = expires - .milliseconds(left)
        } else {
            now = eta - .seconds(1)
        }
        let retried = message.retried(eta: eta, now: now)
        var expected = comparable(recorded)
        expected.headers.ignoreResult = message.headers.ignoreResult
        var actual = retried
        actual.properties.bodyEncoding = nil
        #expect(actual == expected)
    }

    @Test func `of protocol 1 go out in protocol 2`() throws {
        let item = try Fixture.item("messages_protocol1/delay_args")
        let retried = try TaskMessage.decode(item).retried(countdown: .seconds(10), now: Instant(seconds: 0))
        #expect(retried.protocolVersion == 2)
        #expect(retried.headers.eta == "1970-01-01T00:00:10+00:00")
        #expect(retried.headers.argsrepr == "(2, 3)")
    }

    @Test func `run at once without a countdown`() {
        let message = TaskMessage(task: "t", id: "1")
        #expect(message.retried(now: .now()).headers.eta == nil)
        #expect(message.retried(countdown: .zero, now: .now()).headers.eta == nil)
    }

    @Test func `take what is given anew`() throws {
        var overrides = RetryOverrides()
        overrides.args = [9]
        overrides.kwargs = ["k": 1]
        overrides.route = MessageRoute(queue: "slow")
        overrides.priority = 8
        overrides.expires = Instant(seconds: 60)
        overrides.hardTimeLimit = 7
        overrides.headers = ["x": 2]
        let retried = TaskMessage(task: "t", id: "1", args: [1]).retried(now: Instant(seconds: 0), overrides: overrides)
        #expect(retried.headers.retries == 1 && retried.headers.parentID == "1")
        #expect(retried.headers.argsrepr == "(9,)" && retried.headers.kwargsrepr == "{'k': 1}")
        #expect(text(retried.payload.args) == "[9]" && text(retried.payload.kwargs) == #"{"k": 1}"#)
        #expect(retried.properties.routingKey == "slow" && retried.properties.priority == 8)
        #expect(retried.properties.expiration == "60000" && retried.headers.hardTimeLimit == 7)
        #expect(retried.headers.extra == ["x": 2])
    }
}

@Suite struct Signatures {
    @Test func `keep unknown members and take missing ones for empty`() throws {
        let signature = try Signature(json: ["task": "t", "chord_size": 3, "kwargs": nil])
        #expect(signature.extra == ["chord_size": 3])
        #expect(signature.args.isEmpty && !signature.immutable)
        let json = JSONWriter.string(signature.json)
        #expect(
            json
                == #"{"task": "t", "args": [], "kwargs": {}, "options": {}, "subtask_type": null, "immutable": false, "chord_size": 3}"#
        )
    }

    @Test(arguments: [
        JSONValue.null, [], ["args": []], ["task": 1], ["task": "t", "args": [:]], ["task": "t", "kwargs": []],
        ["task": "t", "options": 1],
    ])
    func `are refused in a wrong shape`(json: JSONValue) {
        #expect(throws: MessageError.self) { try Signature(json: json) }
    }
}
