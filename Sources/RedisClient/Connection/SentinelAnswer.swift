/// What one sentinel says about a master.
struct SentinelAnswer {
    /// Where the master is.
    let master: RedisConfiguration.Address

    /// The questions, asked in one round trip.
    static func questions(_ sentinels: RedisSentinels) -> [RedisCommand] {
        var questions = [RedisCommand("SENTINEL", "GET-MASTER-ADDR-BY-NAME", sentinels.master)]
        if sentinels.leastOthers > 0 { questions.append(RedisCommand("SENTINEL", "MASTER", sentinels.master)) }
        return questions
    }

    /// Reads the replies to ``questions(_:)``.
    ///
    /// - Throws: `unknownMaster` when the sentinel knows no such name, and why else the answer is not to be used.
    init(_ replies: [RedisReply], _ sentinels: RedisSentinels) throws(RedisError) {
        guard let reply = try replies.first?.get(), !reply.isNull else {
            throw RedisError(.unknownMaster, "it knows no master named '\(sentinels.master)'")
        }
        guard let parts = reply.array, parts.count == 2, let host = parts[0].text, !host.isEmpty,
            let port = parts[1].int, 1...65535 ~= port
        else {
            throw RedisError(.protocolError, "it answered something unexpected")
        }
        master = .tcp(host: host, port: port)
        guard sentinels.leastOthers > 0, replies.count > 1 else { return }
        let others = Self.field("num-other-sentinels", of: try replies[1].get()) ?? 0
        guard others >= sentinels.leastOthers else {
            throw RedisError(
                .connectFailed,
                "it knows \(others) other sentinel(s), and min_other_sentinels is \(sentinels.leastOthers)"
            )
        }
    }

    /// A field of a flat list of names and values.
    private static func field(_ name: String, of reply: RedisReply) -> Int? {
        let parts = reply.array ?? []
        guard let place = parts.firstIndex(where: { $0.text == name }), place + 1 < parts.count else { return nil }
        return parts[place + 1].int
    }
}
