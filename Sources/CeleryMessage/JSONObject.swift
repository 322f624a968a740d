/// The members of a JSON object in the order they came, looked up by key.
///
/// Order is kept because Python keeps it and people compare messages by eye; equality ignores it, as Python's does.
/// A repeated key keeps its first place and takes the last value, as Python's reader does.
public struct JSONObject: Sendable {
    /// Above this many members a key index is kept; below it a linear search is faster.
    private static let linearLimit = 16

    private var members: [(key: String, value: JSONValue)] = []
    private var index: [Spelling: Int]?

    /// A key by its bytes: Swift holds `é` and `e` with an accent for equal, JSON does not.
    private struct Spelling: Hashable {
        var text: String

        static func == (left: Spelling, right: Spelling) -> Bool { JSONObject.same(left.text, right.text) }

        func hash(into hasher: inout Hasher) {
            var text = text
            text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        }
    }

    private static func same(_ left: String, _ right: String) -> Bool {
        // The first comparison is fast and settles almost every pair.
        left == right && left.utf8.elementsEqual(right.utf8)
    }

    /// Makes an empty object.
    public init() {}

    /// Makes an object from pairs; a repeated key takes the last value.
    public init(_ pairs: some Sequence<(String, JSONValue)>) {
        for (key, value) in pairs { self[key] = value }
    }

    /// Makes an object from members whose keys are known to differ; whether they do is not looked at.
    public init(unique members: [(key: String, value: JSONValue)]) {
        self.members = members
        rebuildIndex()
    }

    /// The number of members.
    public var count: Int { members.count }
    /// Whether there are no members.
    public var isEmpty: Bool { members.isEmpty }
    /// The keys in order.
    public var keys: [String] { members.map(\.key) }

    /// The value under `key`; assigning `nil` removes the member, assigning to a new key appends it.
    public subscript(key: String) -> JSONValue? {
        get { position(of: key).map { members[$0].value } }
        set {
            switch (position(of: key), newValue) {
            case (let place?, let value?): members[place].value = value
            case (let place?, nil):
                members.remove(at: place)
                rebuildIndex()
            case (nil, let value?):
                members.append((key, value))
                if index != nil {
                    index?[Spelling(text: key)] = members.count - 1
                } else if members.count > Self.linearLimit {
                    rebuildIndex()
                }
            case (nil, nil): break
            }
        }
    }

    private func position(of key: String) -> Int? {
        if let index { return index[Spelling(text: key)] }
        return members.firstIndex { Self.same($0.key, key) }
    }

    private mutating func rebuildIndex() {
        guard members.count > Self.linearLimit else {
            index = nil
            return
        }
        var fresh: [Spelling: Int] = [:]
        fresh.reserveCapacity(members.count)
        for (place, member) in members.enumerated() { fresh[Spelling(text: member.key)] = place }
        index = fresh
    }
}

extension JSONObject: Sequence {
    /// Walks the members in order.
    public func makeIterator() -> IndexingIterator<[(key: String, value: JSONValue)]> { members.makeIterator() }
}

extension JSONObject: Hashable {
    /// Equal when both hold the same keys with the same values, in whatever order.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.count == right.count && left.members.allSatisfy { right[$0.key] == $0.value }
    }

    /// Hashes without regard to order.
    public func hash(into hasher: inout Hasher) {
        var mixed = 0
        for member in members {
            var one = Hasher()
            one.combine(member.key)
            one.combine(member.value)
            mixed ^= one.finalize()
        }
        hasher.combine(mixed)
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    /// Writes an object, keys in the order given.
    public init(dictionaryLiteral elements: (String, JSONValue)...) { self.init(elements) }
}
