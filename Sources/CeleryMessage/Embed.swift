/// What a message says about the tasks that come after its own: the third element of the body.
public struct Embed: Sendable, Hashable {
    /// Sent with the result after success (`link`).
    public var callbacks: [Signature]
    /// Sent after failure (`link_error`).
    public var errbacks: [Signature]
    /// The rest of the chain as on the wire: reversed, the next task is the **last** element.
    public var chain: [Signature]
    /// The chord's body, in messages of its header.
    public var chord: Signature?
    /// Whether an empty ``chain`` is written as an empty list instead of null, as Celery does for a chain's last task.
    public var endsChain = false

    /// Makes an embed; empty by default.
    public init(
        callbacks: [Signature] = [],
        errbacks: [Signature] = [],
        chain: [Signature] = [],
        chord: Signature? = nil
    ) {
        self.callbacks = callbacks
        self.errbacks = errbacks
        self.chain = chain
        self.chord = chord
    }

    /// Whether nothing follows.
    public var isEmpty: Bool { callbacks.isEmpty && errbacks.isEmpty && chain.isEmpty && chord == nil }

    /// Reads an embed; `null` and missing members mean nothing follows.
    public init(json: JSONValue) throws(MessageError) {
        self.init()
        if json.isNull { return }
        guard let object = json.object else {
            throw MessageError(.invalidTask, "the third element of the body is not an object")
        }
        callbacks = try Self.signatures(object["callbacks"], named: "callbacks")
        errbacks = try Self.signatures(object["errbacks"], named: "errbacks")
        chain = try Self.signatures(object["chain"], named: "chain")
        endsChain = object["chain"]?.array?.isEmpty ?? false
        if let body = object["chord"], !body.isNull { chord = try Signature(json: body) }
    }

    /// Reads a list of signatures; `null` and nothing are none.
    static func signatures(_ value: JSONValue?, named name: String) throws(MessageError) -> [Signature] {
        switch value {
        case nil, .null?: return []
        case .array(let values)?:
            var signatures: [Signature] = []
            for value in values { signatures.append(try Signature(json: value)) }
            return signatures
        // A single signature where a list belongs is what `link=` takes in Python, so older producers may send it.
        case .object?: return [try Signature(json: value ?? .null)]
        default: throw MessageError(.invalidTask, "\(name) is not a list of signatures")
        }
    }

    /// The embed as on the wire, keys in Celery's order.
    public var json: JSONValue {
        .object([
            "callbacks": Self.json(callbacks),
            "errbacks": Self.json(errbacks),
            "chain": chain.isEmpty && endsChain ? .array([]) : Self.json(chain),
            "chord": chord?.json ?? .null,
        ])
    }

    private static func json(_ signatures: [Signature]) -> JSONValue {
        signatures.isEmpty ? .null : .array(signatures.map(\.json))
    }
}
