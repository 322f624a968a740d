import RedisClient

/// An entry of a stream of finished tasks, as `history.lua` writes it.
struct HistoryEntry: Sendable {
    /// The entry's id.
    let id: String
    /// How many tasks the stream had ever seen with it.
    let total: Int
    /// How many tasks the stream keeps.
    let keep: Int
    /// For how long.
    let age: Duration
    private let text: [UInt8]

    /// Takes `[id, [field, value, …]]` apart; `nil` where it is something else.
    init?(_ reply: RedisReply) {
        guard let parts = reply.array, parts.count == 2, let id = parts[0].text, let fields = parts[1].array,
            let number = id.split(separator: "-").first.flatMap({ Int($0) }), number <= RedisHistory.most
        else { return nil }
        var keep: Int?
        var age: Int?
        var text: [UInt8]?
        for place in stride(from: 0, to: fields.count - 1, by: 2) {
            switch fields[place].text {
            case "k": keep = fields[place + 1].text.flatMap { Int($0) }
            case "a": age = fields[place + 1].text.flatMap { Int($0) }
            case "r": text = fields[place + 1].bytes
            default: break
            }
        }
        guard let keep, let age, let text else { return nil }
        self.id = id
        self.total = number
        self.keep = min(max(0, keep), RedisHistory.most)
        self.age = .seconds(min(max(0, age), RedisHistory.most))
        self.text = text
    }

    /// The lines, oldest first.
    var lines: [ArraySlice<UInt8>] { text.split(separator: UInt8(ascii: "\n")) }
}
