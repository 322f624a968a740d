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
        ("link_and_chain", 0, [1, 2]),
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

    @Test func `refuses chords and groups before the end of a chain`() throws {
        let context = DispatchContext(parent: TaskHeaders(task: "p", id: "1"), origin: "o", now: Instant(seconds: 0))
        let group = Signature(
            task: "celery.group",
            kwargs: ["tasks": [["task": "a"], ["task": "b"]]],
            subtaskType: "group"
        )
        let chord = Signature(
            task: "celery.chord",
            kwargs: ["header": [], "body": ["task": "b"]],
            subtaskType: "chord"
        )
        var embed = Embed(chain: [Signature(task: "z"), group])
        for broken in [embed, Embed(chain: [chord]), Embed(callbacks: [chord])] {
            let error = #expect(throws: MessageError.self) {
                try broken.afterSuccess(result: Array("1".utf8), context: context)
            }
            #expect(error?.code == .unsupportedCanvas)
            #expect(error?.taskID == "1")
        }
        embed = Embed(chain: [group])
        let dispatch = try embed.afterSuccess(result: Array("1".utf8), context: context)
        #expect(dispatch.messages.map(\.headers.groupIndex) == [0, 1])
        #expect(dispatch.children.first?.members?.count == 2)
    }

    @Test func `is nothing after most tasks`() throws {
        let context = DispatchContext(parent: TaskHeaders(task: "p", id: "1"), origin: "o", now: Instant(seconds: 0))
        #expect(try Embed().afterSuccess(result: Array("1".utf8), context: context) == Dispatch())
        #expect(try Embed().afterFailure(context: context) == Dispatch())
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
