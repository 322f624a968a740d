import CeleryMessage
import Testing

@Suite struct `A task's tenant` {
    private static func tenant(
        headers: JSONObject = [:],
        kwargs: JSONObject = [:],
        _ names: TenantNames = TenantNames()
    ) throws -> String? {
        var message = TaskMessage(task: "t", id: "1", args: [], kwargs: kwargs, queue: "celery")
        message.headers.extra = headers
        let decoded = try TaskMessage.decode(try message.encode(codecs: .json), codecs: .json, limits: .init())
        let read = names.tenant(of: ReceivedMessage(decoded))
        #expect(read == names.tenant(headers: headers, keywords: kwargs))
        return read
    }

    @Test func `is what a header says, else what an argument says`() throws {
        #expect(try Self.tenant() == nil)
        #expect(try Self.tenant(headers: ["tenant": "a"], kwargs: ["tenant_id": "b"]) == "a")
        #expect(try Self.tenant(kwargs: ["tenant": "a", "tenant_id": "b"]) == "b")
        #expect(try Self.tenant(kwargs: ["tenant_id": "", "tenant": "a"]) == "a")
        #expect(try Self.tenant(kwargs: ["tenant_id": 42]) == "42")
        #expect(try Self.tenant(kwargs: ["tenant_id": [1], "nested": ["tenant": "a"]]) == nil)
        #expect(try Self.tenant(kwargs: ["company": "a"], TenantNames(["company"])) == "a")
    }
}
