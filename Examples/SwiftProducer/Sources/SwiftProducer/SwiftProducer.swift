import Celeriac

/// Calls the tasks of Python workers, waits for their results and prints them.
@main
enum SwiftProducer {
    /// The tasks of the Python application, by their names there.
    enum Proj {
        static func add(_ numbers: Int64...) -> Signature { Signature("proj.add", args: numbers.map(JSONValue.int)) }
        static let echo = Signature("proj.echo")
        static func fail(_ message: String) -> Signature { Signature("proj.fail", args: [.string(message)]) }
    }

    static func main() async throws {
        // The broker comes from CELERY_BROKER_URL or REDIS_URL.
        try await CeleriacClient.withClient { client in
            try await callOne(client)
            try await callChain(client)
            try await callChord(client)
            try await callGroup(client)
            try await callOneThatFails(client)
        }
    }

    /// One task, with keyword arguments and options.
    static func callOne(_ client: CeleriacClient) async throws {
        let signature = Proj.echo.adding(args: ["hello"], kwargs: ["from": "Swift"]).set(
            expires: .seconds(60),
            priority: 3
        )
        let result = try await client.apply(signature)
        print("echo:", try await result.get(timeout: .seconds(20)).text)
    }

    /// (1 + 2) + 3 + 4, one after the other.
    static func callChain(_ client: CeleriacClient) async throws {
        let result = try await client.apply(Proj.add(1, 2) | Proj.add(3) | Proj.add(4), as: Int.self)
        print("chain:", try await result.get(timeout: .seconds(20)))
        print("before:", try await result.parent?.get(timeout: .seconds(20)).text ?? "nothing")
    }

    /// Four sums side by side, and what they are together.
    static func callChord(_ client: CeleriacClient) async throws {
        let header = (1...4).map { Proj.add($0, 10) }
        let result = try await client.apply(.chord(header: header, body: Proj.echo), as: [String: JSONValue].self)
        print("chord:", try await result.get(timeout: .seconds(20))["args"]?.text ?? "nothing")
    }

    /// Tasks side by side, joined in order.
    static func callGroup(_ client: CeleriacClient) async throws {
        let group = try await client.apply(group: (1...3).map { Proj.add($0, $0) }, as: Int.self)
        print("group:", try await group.join(timeout: .seconds(20)), "of", try await group.completedCount())
    }

    /// A failure is an error with Python's class, message and traceback.
    static func callOneThatFails(_ client: CeleriacClient) async throws {
        let result = try await client.apply(Proj.fail("on purpose"))
        do {
            _ = try await result.get(timeout: .seconds(20))
        } catch let failure as RemoteFailure {
            print("failure:", failure)
            print("traced:", failure.traceback?.contains("raise ValueError") ?? false)
        }
    }
}

extension JSONValue {
    /// The value as JSON text.
    var text: String { JSONWriter.string(self) }
}
