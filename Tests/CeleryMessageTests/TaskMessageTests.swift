import CeleryMessage
import Foundation
import Testing

@Suite struct `Messages of protocol 2` {
    /// Fixtures whose bodies are JSON and not compressed.
    static let plain = Fixture.names("messages").filter {
        !$0.hasPrefix("compression_") && (!$0.hasPrefix("serializer_") || $0 == "serializer_json")
            && $0 != "type_marker_collision"
    }

    @Test(arguments: plain)
    func `are written byte for byte as Celery wrote them`(name: String) throws {
        for item in try Fixture.items("messages/\(name)") {
            let message = try TaskMessage.decode(item)
            #expect(text(try message.encode()) == text(item))
        }
    }

    @Test(arguments: plain)
    func `have the headers, properties and arguments that Foundation sees`(name: String) throws {
        let messages = try #require(try Fixture.object("messages/\(name)")["messages"] as? [[String: Any]])
        for recorded in messages {
            let raw = try #require(recorded["raw"] as? String)
            let message = try TaskMessage.decode(Array(raw.utf8))
            let envelope = try #require(try JSONSerialization.jsonObject(with: Data(raw.utf8)) as? [String: Any])
            let headers = try #require(envelope["headers"] as? [String: Any])
            #expect(message.headers.task == headers["task"] as? String)
            #expect(message.headers.id == headers["id"] as? String)
            #expect(message.headers.root == headers["root_id"] as? String)
            #expect(message.headers.eta == headers["eta"] as? String)
            #expect(message.headers.group == headers["group"] as? String)
            #expect(message.headers.groupIndex == headers["group_index"] as? Int)
            #expect(message.headers.argsrepr == headers["argsrepr"] as? String)
            #expect(message.headers.ignoreResult == headers["ignore_result"] as? Bool)
            let properties = try #require(envelope["properties"] as? [String: Any])
            #expect(message.properties.priority == properties["priority"] as? Int)
            #expect(message.properties.deliveryTag == properties["delivery_tag"] as? String)
            #expect(message.protocolVersion == 2)
            guard !["json_nan", "json_bigint_float"].contains(name) else { continue }
            let body = try #require(Data(base64Encoded: envelope["body"] as? String ?? ""))
            let parts = try #require(try JSONSerialization.jsonObject(with: body) as? [Any])
            let args = try JSONSerialization.jsonObject(with: Data(message.payload.args))
            #expect(args as? NSArray == parts[0] as? NSArray)
            let kwargs = try JSONSerialization.jsonObject(with: Data(message.payload.kwargs))
            #expect(kwargs as? NSDictionary == parts[1] as? NSDictionary)
        }
    }

    @Test func `are told apart by the list of fixtures`() {
        #expect(Self.plain.count > 60)
    }

    @Test func `carry every header in its place`() throws {
        let stamped = try TaskMessage.decode(try Fixture.item("messages/stamped_visitor"))
        #expect(stamped.headers.stampedHeaders == ["monitoring_id", "header"])
        #expect(stamped.headers.stamps == ["monitoring_id": ["a", "b"], "header": "value"])
        let limits = try TaskMessage.decode(try Fixture.item("messages/time_limits"))
        #expect(limits.headers.hardTimeLimit == 30)
        #expect(limits.headers.softTimeLimit == 20)
        let custom = try TaskMessage.decode(try Fixture.item("messages/headers_custom"))
        #expect(custom.headers.extra == ["x-trace": "abc", "n": 1])
        let properties = try TaskMessage.decode(try Fixture.item("messages/custom_properties"))
        #expect(properties.properties.extra == ["app_id": "svc", "message_id": "m1"])
        let topic = try TaskMessage.decode(try Fixture.item("messages/topic_exchange"))
        #expect(topic.properties.exchange == "media")
        #expect(topic.properties.routingKey == "video.compress")
        let expiring = try TaskMessage.decode(try Fixture.item("messages/expires_seconds"))
        #expect(expiring.properties.expiration == "60000")
        #expect(expiring.headers.expiresInstant == ISO8601.date("2026-11-21T03:31:57.162865+00:00"))
        let shadow = try TaskMessage.decode(try Fixture.item("messages/shadow"))
        #expect(shadow.headers.displayName == "nice.name")
    }

    @Test func `embed what follows, the next step of a chain last`() throws {
        let message = try TaskMessage.decode(try Fixture.item("messages/chain"))
        #expect(message.payload.embed.chain.map(\.task) == ["proj.on_ok", "proj.mul"])
        #expect(message.payload.embed.chain.last?.args == [3])
        #expect(!message.payload.embed.isEmpty)
        let chord = try TaskMessage.decode(try Fixture.item("messages/chord"))
        #expect(chord.payload.embed.chord?.task == "proj.xsum")
        let link = try TaskMessage.decode(try Fixture.item("messages/link_error"))
        #expect(link.payload.embed.errbacks.map(\.task) == ["proj.errback_old", "proj.errback_new"])
    }

    @Test func `keep numbers exactly`() throws {
        let big = try TaskMessage.decode(try Fixture.item("messages/json_bigint_float"))
        #expect(text(big.payload.args) == "[1180591620717411303424, 0.1, 1e+22, 1.0, -0.0]")
        let nan = try TaskMessage.decode(try Fixture.item("messages/json_nan"))
        #expect(text(nan.payload.args) == "[NaN, Infinity, -Infinity]")
    }

    @Test func `are made from values as a producer makes them`() throws {
        let recorded = try TaskMessage.decode(try Fixture.item("messages/delay_args"))
        var made = TaskMessage(
            task: "proj.add",
            id: recorded.headers.id,
            args: [2, 3],
            queue: "celery",
            origin: recorded.headers.origin,
            replyTo: recorded.properties.replyTo ?? ""
        )
        made.headers.ignoreResult = false
        made.properties.deliveryTag = recorded.properties.deliveryTag
        #expect(text(try made.encode()) == text(try Fixture.item("messages/delay_args")))
    }

    @Test func `get a fresh delivery tag each time they are written`() throws {
        let message = TaskMessage(task: "t", id: "1")
        let tags = try (0..<2).map { _ in try TaskMessage.decode(try message.encode()).properties.deliveryTag }
        #expect(tags[0] != nil && tags[0] != tags[1])
    }

    @Test func `are read from other producers' spelling`() throws {
        let item = #"""
            { "headers":{"id":"7","task":"t","retries":"2","lang":"php","timelimit":[1.5],"group_index":3.0},
              "properties":{"delivery_info":{"routing_key":"q","exchange":null,"x":[1]},"delivery_tag":"d",
              "body_encoding":"base64"}, "content-type":"application\/json",
              "body":"W1siXC8vLyJdLHt9LHt9\nXQ==" , "unknown":{"a":[1,2,{}]}}
            """#
        let message = try TaskMessage.decode(Array(item.utf8.map { $0 == 0x0A ? 0x20 : $0 }))
        #expect(message.headers.id == "7")
        #expect(message.headers.retries == 2)
        #expect(message.headers.hardTimeLimit == 1.5)
        #expect(message.headers.groupIndex == 3)
        #expect(message.properties.routingKey == "q")
        #expect(message.properties.deliveryInfo == ["x": [1]])
        #expect(try message.payload.arguments() == ["///"])
    }

    @Test func `keep unknown tags in headers as they came`() throws {
        let item = try bent {
            $0["headers"]?.object.map {
                var h = $0; h["x"] = ["__type__": "no", "__value__": 1]; return .object(h)
            }
        }
        let message = try TaskMessage.decode(item)
        #expect(message.headers.extra["x"] == ["__type__": "no", "__value__": 1])
    }

    /// The plain message with other headers.
    private func bent(_ change: (JSONValue) -> JSONValue?) throws -> [UInt8] {
        var envelope = try #require(try JSONReader.value(try Fixture.item("messages/delay_args")).object)
        envelope["headers"] = change(.object(envelope))
        return JSONWriter.bytes(.object(envelope))
    }
}

@Suite struct `Messages of protocol 1` {
    @Test(arguments: Fixture.names("messages_protocol1").filter { !["pickle", "compression_gzip"].contains($0) })
    func `are written byte for byte as Celery wrote them`(name: String) throws {
        for item in try Fixture.items("messages_protocol1/\(name)") {
            let message = try TaskMessage.decode(item)
            #expect(message.protocolVersion == 1)
            // Celery's own conversion loses the place in the group.
            guard !["group", "chord"].contains(name) else { continue }
            #expect(text(try message.encode()) == text(item))
        }
    }

    @Test func `become tasks like those of protocol 2`() throws {
        let message = try TaskMessage.decode(try Fixture.item("messages_protocol1/kwargs_countdown_expires"))
        #expect(message.headers.task == "proj.add")
        #expect(message.headers.retries == 1)
        #expect(message.headers.eta == "2026-11-21T03:32:39.928892+00:00")
        #expect(message.headers.expires == "2026-11-21T03:33:29.928892+00:00")
        #expect(try message.payload.keywords() == ["x": 2, "y": 3])
        let linked = try TaskMessage.decode(try Fixture.item("messages_protocol1/link_and_link_error"))
        #expect(linked.payload.embed.callbacks.map(\.task) == ["proj.mul"])
        #expect(linked.payload.embed.errbacks.map(\.task) == ["proj.errback_old"])
        let limited = try TaskMessage.decode(try Fixture.item("messages_protocol1/time_limit"))
        #expect(limited.headers.hardTimeLimit == 30)
        #expect(limited.headers.softTimeLimit == 20)
        let custom = try TaskMessage.decode(try Fixture.item("messages_protocol1/headers_custom"))
        #expect(custom.headers.extra == ["x-trace": "abc"])
        let chord = try TaskMessage.decode(try Fixture.item("messages_protocol1/chord"))
        #expect(chord.payload.embed.chord?.task == "proj.xsum")
        #expect(chord.headers.groupIndex == nil)
    }

    @Test(
        arguments: [
            (#"{"task": "t", "id": "1", "args": [], "kwargs": null}"#, MessageError.Code.invalidTask, "1"),
            (#"{"task": "t", "id": "1", "args": {}}"#, .invalidTask, "1"),
            (#"{"task": "t", "args": []}"#, .invalidTask, nil), (#"{"id": "1", "args": []}"#, .unknownMessage, nil),
            (#"{"task": "t", "id": "1", "args": [], "eta": 5}"#, .invalidTask, "1"),
            (#"{"task": "t", "id": "1", "args": [], "callbacks": 5}"#, .invalidTask, "1"),
            ("[]", .unknownMessage, nil), ("5", .unknownMessage, nil), ("{", .undecodable, nil),
        ] as [(String, MessageError.Code, String?)]
    )
    func `are refused with their identity`(body: String, code: MessageError.Code, id: String?) {
        let error = #expect(throws: MessageError.self) { try TaskMessage.decode(envelope(body: body)) }
        #expect(error?.code == code)
        #expect(error?.taskID == id)
    }

    @Test func `need no kwargs`() throws {
        let message = try TaskMessage.decode(envelope(body: #"{"task": "t", "id": "1", "args": [1]}"#))
        #expect(text(message.payload.kwargs) == "{}")
    }
}

/// An envelope with the least that delivery needs.
func envelope(
    body: String,
    headers: String = "{}",
    contentType: String = #""application/json""#,
    properties: String = #"{"delivery_info": {"exchange": "", "routing_key": "celery"}, "delivery_tag": "d"}"#
) -> [UInt8] {
    Array(
        "{\"body\": \(JSONWriter.string(.string(body))), \"content-type\": \(contentType), \"headers\": \(headers), \"properties\": \(properties)}"
            .utf8
    )
}

@Suite struct Tolerance {
    /// What Celery's worker ran, and so do we.
    static let runs = [
        "baseline", "baseline_after", "baseline_after2", "baseline_after3", "body_encoding_utf8", "body_not_base64",
        "callbacks_unregistered", "embed_null", "eta_comma", "eta_compact", "eta_date", "eta_naive", "eta_offset",
        "eta_space", "eta_z", "expires_naive_future", "ignore_result_null", "lang_other", "minimal_headers",
        "no_root_id",
        "priority_missing", "retries_string", "signature_minimal", "signature_old_chord_size", "timelimit_hard_only",
    ]

    /// What is refused, and what makes Celery's worker die, loop or lose the message.
    static let refusals: [(name: String, code: MessageError.Code, identified: Bool)] = [
        ("args_not_list", .invalidTask, true), ("kwargs_null", .invalidTask, true),
        ("body_two_elements", .invalidTask, true), ("compression_alias", .undecodable, true),
        ("compression_real_gzip", .undecodable, true), ("content_type_null", .invalidTask, true),
        ("envelope_not_json", .notEnvelope, false), ("eta_empty", .invalidTask, true),
        ("eta_number", .invalidTask, true),
        ("expires_garbage", .invalidTask, true), ("id_missing", .invalidTask, false),
        ("msgpack_body", .contentDisallowed, true),
        ("no_delivery_info", .notEnvelope, true), ("no_headers_key", .unknownMessage, false),
        ("no_properties_key", .notEnvelope, true), ("unknown_compression", .undecodable, true),
        ("unknown_content_type", .contentDisallowed, true), ("unknown_type_tag", .undecodable, true),
        ("yaml_body", .contentDisallowed, true),
    ]

    private func pushed(_ name: String) throws -> [UInt8] {
        Array(try #require(try Fixture.object("tolerance/\(name)")["pushed"] as? String).utf8)
    }

    @Test func `covers every recorded row`() {
        #expect(Set(Self.runs + Self.refusals.map(\.name)) == Set(Fixture.names("tolerance")))
    }

    @Test(arguments: runs)
    func `runs what Celery runs`(name: String) throws {
        let message = try TaskMessage.decode(try pushed(name))
        #expect(text(message.payload.args) == "[2, 3]")
        #expect(message.headers.task == "proj.add")
    }

    @Test(arguments: refusals)
    func `refuses with a reason and the task's identity`(
        row: (name: String, code: MessageError.Code, identified: Bool)
    ) throws {
        let item = try pushed(row.name)
        let error = #expect(throws: MessageError.self) { try TaskMessage.decode(item) }
        #expect(error?.code == row.code)
        #expect((error?.taskID != nil) == row.identified)
        #expect(error?.message.isEmpty == false)
    }

    @Test func `reads MessagePack where it is accepted`() throws {
        let codecs = MessageCodecs(accept: ["json", "msgpack"], serializers: [MessagePackSerializer()])
        let message = try TaskMessage.decode(try pushed("msgpack_body"), codecs: codecs)
        #expect(text(message.payload.args) == "[2, 3]")
    }
}
