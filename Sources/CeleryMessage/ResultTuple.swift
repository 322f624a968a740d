/// Names a result and what belongs to it, as `AsyncResult.as_tuple` and `GroupResult.as_tuple` write it.
public struct ResultTuple: Sendable, Hashable {
    /// The task's or the group's id.
    public var id: String
    /// The results of a group; `nil` for one task.
    public var members: [ResultTuple]?
    // A struct cannot hold itself, so the parent is a list of at most one.
    private var parents: [ResultTuple]

    /// Makes a tuple; `members` makes it a group.
    public init(id: String, parent: ResultTuple? = nil, members: [ResultTuple]? = nil) {
        self.id = id
        self.members = members
        parents = parent.map { [$0] } ?? []
    }

    /// The tuple of one task.
    public static func task(_ id: String, parent: ResultTuple? = nil) -> ResultTuple {
        ResultTuple(id: id, parent: parent)
    }

    /// The tuple of a group.
    public static func group(_ id: String, members: [ResultTuple], parent: ResultTuple? = nil) -> ResultTuple {
        ResultTuple(id: id, parent: parent, members: members)
    }

    /// The result before this one in a chain.
    public var parent: ResultTuple? {
        get { parents.first }
        set { parents = newValue.map { [$0] } ?? [] }
    }

    /// Reads `[["<id>", <parent>], null]` or `[["<id>", <parent>], [tuple, …]]`; an id alone counts as one task.
    public init?(json: JSONValue) {
        if let id = json.string {
            self.init(id: id)
            return
        }
        guard let pair = json.array, pair.count == 2, let head = pair[0].array, let id = head.first?.string else {
            return nil
        }
        self.init(id: id)
        if head.count > 1, !head[1].isNull {
            guard let parent = ResultTuple(json: head[1]) else { return nil }
            self.parent = parent
        }
        guard let list = pair[1].array else { return }
        let tuples = list.compactMap(ResultTuple.init(json:))
        guard tuples.count == list.count else { return nil }
        members = tuples
    }

    /// The tuple as JSON.
    public var json: JSONValue {
        [
            [.string(id), parent?.json ?? .null],
            members.map { .array($0.map(\.json)) } ?? .null,
        ]
    }

    /// Appends the JSON text.
    func write(into out: inout [UInt8]) {
        out.append("[[")
        JSONWriter.writeString(id, into: &out)
        out.append(", ")
        if let parent { parent.write(into: &out) } else { out.append("null") }
        out.append("], ")
        if let members { Self.write(members, into: &out) } else { out.append("null") }
        out.append(UInt8(ascii: "]"))
    }

    static func write(_ tuples: [ResultTuple], into out: inout [UInt8]) {
        out.append(UInt8(ascii: "["))
        for (place, tuple) in tuples.enumerated() {
            if place > 0 { out.append(", ") }
            tuple.write(into: &out)
        }
        out.append(UInt8(ascii: "]"))
    }
}
