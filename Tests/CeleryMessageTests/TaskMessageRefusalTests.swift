import CeleryMessage
import Testing

/// Shifts every byte by one: a compression that is easy to check.
struct Shifting: BodyCompression {
    var contentType: String { "application/x-shift" }
    var names: [String] { ["shift"] }
    struct TooLong: Error {}

    func compress(_ bytes: [UInt8]) throws -> [UInt8] { bytes.map { $0 &+ 1 } }

    func decompress(_ bytes: [UInt8], limit: Int) throws -> [UInt8] {
        guard bytes.count <= limit else { throw TooLong() }
        return bytes.map { $0 &- 1 }
    }
}

@Suite struct `Refused messages` {
    private let headers = #"{"task": "t", "id": "1"}"#

    private func refusal(_ item: [UInt8], codecs: MessageCodecs = .json, limits: MessageLimits = .init())
        -> MessageError?
    {
        #expect(throws: MessageError.self) { try TaskMessage.decode(item, codecs: codecs, limits: limits) }
    }

    @Test(arguments: [
        ("[[], {}]", MessageError.Code.invalidTask), ("[[], {}, {}, {}]", .invalidTask), ("[]", .invalidTask),
        ("{}", .invalidTask), ("[[], [], {}]", .invalidTask), ("[{}, {}, {}]", .invalidTask),
        (#"["ab", {}, {}]"#, .invalidTask), ("[[], {}, []]", .invalidTask), ("[[], {}, 1]", .invalidTask),
        (#"[[], {}, {"callbacks": [1]}]"#, .invalidTask), (#"[[], {}, {"chain": [{"args": []}]}]"#, .invalidTask),
        ("[[1,], {}, {}]", .undecodable), ("[[], {}, {}] x", .undecodable), ("[[], {}, {}", .undecodable),
        ("nonsense", .undecodable), ("", .invalidTask),
        (#"[[{"__type__": "x", "__value__": 1}], {}, {}]"#, .undecodable),
        (#"[[], {"a": {"\u005f_type__": "x", "__value__": 1}}, {}]"#, .undecodable),
    ])
    func `have bodies of a wrong shape`(body: String, code: MessageError.Code) {
        let error = refusal(envelope(body: body, headers: headers))
        #expect(error?.code == code)
        #expect(error?.taskID == "1")
        #expect(error?.taskName == "t")
    }

    @Test(arguments: [
        #"[[{"__type__": "x", "__value__": 1, "more": 2}], {}, null]"#,
        #"[[{"__type__": "bytes", "__value__": "x"}], {}, {"chord": null}]"#, "[[],{},null]", " [ [ ] , { } , { } ] ",
    ])
    func `are not those whose bodies only look odd`(body: String) throws {
        let message = try TaskMessage.decode(envelope(body: body, headers: headers))
        #expect(message.payload.embed.isEmpty)
    }

    @Test(arguments: ["null", "5", "[1]", #""x""#, #"{"exchange": ""}"#])
    func `have no delivery information`(info: String) {
        let item = envelope(body: "[[], {}, {}]", headers: headers, properties: #"{"delivery_info": "# + info + "}")
        #expect(refusal(item)?.code == .notEnvelope)
    }

    @Test func `name the task even when the item breaks off behind the headers`() {
        var item = Array(#"{"headers": {"task": "t", "id": "1", "#.utf8)
        #expect(refusal(item)?.taskID == "1")
        item = Array(#"{"headers": {"task": "t", "id": "1"}, "properties": nonsense"#.utf8)
        #expect(refusal(item)?.code == .notEnvelope)
        #expect(refusal(item)?.taskName == "t")
    }

    @Test func `are too large or too deep`() throws {
        let item = envelope(body: "[[[[[]]]], {}, {}]", headers: headers)
        #expect(refusal(item, limits: MessageLimits(itemBytes: 100))?.code == .tooLarge)
        #expect(refusal(item, limits: MessageLimits(bodyBytes: 10))?.code == .tooLarge)
        #expect(refusal(item, limits: MessageLimits(depth: 4))?.code == .tooLarge)
        _ = try TaskMessage.decode(item, limits: MessageLimits(depth: 5))
        let headers = #"{"task": "t", "id": "1", "x": "# + String(repeating: "[", count: 100_000)
        #expect(refusal(envelope(body: "", headers: headers))?.code == .tooLarge)
    }

    @Test func `are pickles, with the words that Python clients know`() throws {
        let error = refusal(try Fixture.item("messages/serializer_pickle"))
        #expect(error?.code == .contentDisallowed)
        #expect(
            error?.message
                == "Refusing to deserialize untrusted content of type pickle (application/x-python-serialize)"
        )
        let willing = MessageCodecs(accept: ["json", "pickle", "application/x-python-serialize"])
        #expect(refusal(try Fixture.item("messages/serializer_pickle"), codecs: willing)?.code == .contentDisallowed)
        #expect(error?.exceptionInfo.pythonRepr.hasPrefix("ContentDisallowed('Refusing") == true)
    }

    @Test func `are JSON where only something else is accepted`() {
        let codecs = MessageCodecs(accept: ["msgpack"], serializers: [MessagePackSerializer()])
        #expect(refusal(envelope(body: "[[], {}, {}]", headers: headers), codecs: codecs)?.code == .contentDisallowed)
    }

    @Test func `hold no secrets in their words`() {
        let error = refusal(envelope(body: #"[["hunter2", {}"#, headers: headers))
        #expect(error?.description.contains("hunter2") == false)
        #expect(error?.description.hasPrefix("t[1]: ") == true)
    }

    @Test func `hold invalid UTF-8`() throws {
        var item = envelope(body: "[[\"xyz\"], {}, {}]", headers: headers)
        let place = try #require(item.firstIndex(of: UInt8(ascii: "y")))
        item[place] = 0xFF
        let position = try #require(item.lastIndex(of: 0xFF))
        let error = refusal(item)
        #expect(error?.message.contains("byte \(position)") == true)
    }
}

@Suite struct `Serializers and compressions` {
    let codecs = MessageCodecs(
        accept: ["json", "application/x-msgpack"],
        serializers: [MessagePackSerializer()],
        compressions: [Shifting()]
    )

    @Test(arguments: ["json", "msgpack", "application/x-msgpack"], [nil, "shift", "application/x-shift"])
    func `go there and back`(serializer: String, compression: String?) throws {
        var message = try TaskMessage.decode(try Fixture.item("messages/chain"))
        message.properties.deliveryTag = "d"
        let item = try message.encode(codecs: codecs, serializer: serializer, compression: compression)
        let read = try TaskMessage.decode(item, codecs: codecs)
        #expect(read.payload == message.payload)
        #expect(read.headers.compression == (compression == nil ? nil : "application/x-shift"))
        #expect(read.contentType == (serializer == "json" ? "application/json" : "application/x-msgpack"))
        #expect(try read.encode(codecs: codecs) == item)
    }

    @Test(arguments: ["serializer_msgpack", "serializer_msgpack_bytes"])
    func `write MessagePack byte for byte as Celery does`(name: String) throws {
        let item = try Fixture.item("messages/\(name)")
        #expect(text(try TaskMessage.decode(item, codecs: codecs).encode(codecs: codecs)) == text(item))
    }

    @Test func `fail by name when they are not known`() {
        let message = TaskMessage(task: "t", id: "1")
        let serializer = #expect(throws: MessageError.self) { try message.encode(serializer: "yaml") }
        #expect(serializer?.code == .unencodable)
        let compression = #expect(throws: MessageError.self) { try message.encode(compression: "zstd") }
        #expect(compression?.taskID == "1")
    }

    @Test func `bound what a small body may grow to`() throws {
        let message = TaskMessage(task: "t", id: "1", args: [.string(String(repeating: "x", count: 1000))])
        let item = try message.encode(codecs: codecs, compression: "shift")
        let error = #expect(throws: MessageError.self) {
            try TaskMessage.decode(item, codecs: codecs, limits: MessageLimits(bodyBytes: 500))
        }
        #expect(error?.taskID == "1")
    }
}

@Suite struct Redeliveries {
    @Test func `add both marks and nothing else`() throws {
        let item = try Fixture.item("messages/unicode_args")
        let marked = try #require(Redelivery.mark(item))
        let expected = text(item)
            .replacing(#""stamps": {}}"#, with: #""stamps": {}, "redelivered": true}"#)
            .replacing(#""routing_key": "celery"}"#, with: #""routing_key": "celery", "redelivered": true}"#)
        #expect(text(marked) == expected)
        let message = try TaskMessage.decode(marked)
        #expect(message.headers.redelivered && message.properties.redelivered)
        #expect(text(try message.encode()) == expected)
        #expect(Redelivery.mark(marked) == marked)
    }

    @Test(arguments: [
        (
            #"{"properties":{"delivery_info":{}},"headers":{}}"#,
            #"{"properties":{"delivery_info":{"redelivered": true}},"headers":{"redelivered": true}}"#
        ),
        (
            #"{"headers": {"redelivered": false, "x": 1.0}, "properties": {"delivery_info": {"redelivered": null}}}"#,
            #"{"headers": {"redelivered": true, "x": 1.0}, "properties": {"delivery_info": {"redelivered": true}}}"#
        ),
        (
            #"{"headers": {"a": 1}, "headers": { }, "properties": {"delivery_info": { "b" : 2 } } }"#,
            #"{"headers": {"a": 1}, "headers": { "redelivered": true}, "properties": {"delivery_info": { "b" : 2, "redelivered": true } } }"#
        ),
    ])
    func `edit any spelling`(item: String, expected: String) {
        #expect(Redelivery.mark(Array(item.utf8)).map(text) == expected)
    }

    @Test(arguments: [
        "", "[]", "{}", #"{"headers": {}}"#, #"{"headers": {}, "properties": {}}"#,
        #"{"headers": [], "properties": {"delivery_info": {}}}"#,
        #"{"headers": {}, "properties": {"delivery_info": {}}"#,
    ])
    func `leave what is no envelope alone`(item: String) {
        #expect(Redelivery.mark(Array(item.utf8)) == nil)
    }
}
