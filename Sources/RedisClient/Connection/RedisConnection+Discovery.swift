import Logging
import NIOCore

/// Where the server is: known, one of several, or asked of sentinels before each attempt to connect.
///
/// With sentinels the order of steps is the one that Redis' guidelines for Sentinel clients give: ask the sentinels in turn, connect to
/// the server they name, have it confirm by `ROLE` that it is a master, and begin anew when any of it fails.
extension RedisConnection {
    /// The address to connect to this time.
    func locate() async throws(RedisError) -> RedisConfiguration.Address {
        switch configuration.endpoint {
        case .server(let address): return address
        case .servers(let servers):
            let server = servers.choice.server
            chosen = server
            return servers.list[server].address
        case .sentinels(let sentinels): return try await discover(sentinels)
        }
    }

    /// Asks one sentinel after the other until one knows the master; it is the first to be asked the next time.
    private func discover(_ sentinels: RedisSentinels) async throws(RedisError) -> RedisConfiguration.Address {
        var refusals: [RedisError] = []
        for sentinel in sentinelOrder {
            do throws(RedisError) {
                let master = try await ask(sentinel, sentinels)
                sentinelOrder.removeAll { $0 == sentinel }
                sentinelOrder.insert(sentinel, at: 0)
                return master
            } catch {
                try checkAttempt()
                logger.debug("a sentinel gave no master", metadata: ["sentinel": "\(sentinel)", "error": "\(error)"])
                refusals.append(RedisError(error.code, "\(sentinel): \(error.message)", isTransient: error.isTransient))
            }
        }
        throw Self.noMaster(sentinels, refusals)
    }

    /// A connection of its own for each question: sentinels are asked so rarely that none is worth keeping.
    private func ask(
        _ sentinel: RedisConfiguration.Address,
        _ sentinels: RedisSentinels
    ) async throws(RedisError) -> RedisConfiguration.Address {
        let inquiry = RedisConnection(
            configuration: sentinels.configuration(of: sentinel),
            eventLoop: eventLoop,
            role: .commands,
            logger: Logger(label: logger.label) { _ in SwiftLogNoOpLogHandler() },
            setup: [],
            onStateChange: { _ in }
        )
        self.inquiry = inquiry
        defer { self.inquiry = nil }
        let outcome: Result<[RedisReply], RedisError>
        do throws(RedisError) {
            try await inquiry.connect()
            outcome = await inquiry.send(SentinelAnswer.questions(sentinels), timeout: sentinels.patience)
        } catch {
            outcome = .failure(error)
        }
        await inquiry.close()
        return try SentinelAnswer(try outcome.get(), sentinels).master
    }

    /// Ends the question under way, for an attempt that is given up.
    func abandonInquiry() {
        inquiry?.assumeIsolated { $0.abort(Self.abandoned) }
    }

    /// What no sentinel could tell.
    private static func noMaster(_ sentinels: RedisSentinels, _ refusals: [RedisError]) -> RedisError {
        let unknown = refusals.count { $0.code == .unknownMaster }
        let reasons = refusals.map(\.message).joined(separator: "; ")
        if unknown == refusals.count {
            return RedisError(
                .unknownMaster,
                "no sentinel knows a master named '\(sentinels.master)' (asked: "
                    + "\(sentinels.addresses.map(\.description).joined(separator: ", ")))"
            )
        }
        // A password that none of them takes is no matter of waiting; one that is away may know better.
        if let refusal = refusals.first, refusals.allSatisfy({ !$0.isTransient }) {
            return RedisError(refusal.code, "no sentinel tells the master of '\(sentinels.master)': \(reasons)")
        }
        return RedisError(.connectFailed, "no sentinel tells the master of '\(sentinels.master)': \(reasons)")
    }

    // MARK: Several servers

    /// How to reach the server of this attempt.
    var target: RedisConfiguration { chosen.map(configuration.at) ?? configuration }

    /// Whether an attempt failed for a reason of the server's: a wrong password is to be known, and whoever cancels an attempt
    /// says nothing against the server.
    static func mayBeBetterElsewhere(_ error: RedisError) -> Bool { error.isTransient && error.code != .cancelled }

    /// The attempt to reach one of several servers failed; answers whether there is another one to try.
    func giveUpServer() -> Bool {
        guard let servers = configuration.endpoint.servers, let chosen else { return false }
        return servers.choice.giveUp(chosen)
    }

    /// The connection is good; of several servers it has to be at the one where the others are.
    func arrive() throws(RedisError) {
        guard let servers = configuration.endpoint.servers, let chosen else { return }
        switch servers.choice.arrive(at: chosen) {
        case .tooLate: throw RedisError(.connectFailed, "the other connections have gone to another server")
        case .joined: break
        case .first: logger.info("Connected to \(place(chosen, of: servers))")
        case .moved: logger.warning("Connected to \(place(chosen, of: servers)): the one before cannot be reached")
        }
        isCounted = true
    }

    private func place(_ chosen: Int, of servers: RedisServers) -> String {
        "\(target.redactedURL), server \(chosen + 1) of \(servers.list.count)"
    }

    /// The connection has ended.
    func depart() {
        guard isCounted, let servers = configuration.endpoint.servers else { return }
        isCounted = false
        servers.choice.leave()
    }

    // MARK: What became of the answer

    /// The attempt failed: whoever named that server may be cut off from the others, so the next sentinel is asked first.
    func distrustSentinel() {
        guard located != nil, sentinelOrder.count > 1 else { return }
        sentinelOrder.append(sentinelOrder.removeFirst())
    }

    /// The server has confirmed that it is the master.
    func noteMaster() {
        guard let sentinels = configuration.endpoint.sentinels, let located, located != lastMaster else { return }
        if lastMaster != nil { logger.info("The master of '\(sentinels.master)' is \(located) now") }
        lastMaster = located
    }
}
