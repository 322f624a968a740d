/// The first commands on a connection and what their replies mean.
struct RedisGreeting {
    private enum Step { case authenticate, select, name, identify, role, ping }

    let commands: [RedisCommand]
    private let steps: [Step]
    private let database: Int
    /// Whom the sentinels name as the master, for messages; `nil` where nobody was asked.
    private let master: String?

    /// - Parameter address: where the server was found.
    init(_ configuration: RedisConfiguration, at address: RedisConfiguration.Address? = nil) {
        master = configuration.endpoint.sentinels.flatMap { _ in address.map(configuration.place) }
        var plan: [(Step, RedisCommand)] = []
        if let password = configuration.password {
            let credentials = [configuration.username, password].compactMap(\.self)
            plan.append((.authenticate, RedisCommand("AUTH", arguments: credentials)))
        }
        if configuration.database != 0 {
            plan.append((.select, RedisCommand("SELECT", configuration.database)))
        }
        if let name = configuration.clientName {
            plan.append((.name, RedisCommand("CLIENT", "SETNAME", name)))
        }
        plan.append((.identify, RedisCommand("CLIENT", "ID")))
        // Sentinels may be behind: only the server itself knows whether it is a master.
        if master != nil { plan.append((.role, RedisCommand("ROLE"))) }
        // The others are allowed while a server loads; PING is not, nor on a replica without a master.
        plan.append((.ping, RedisCommand("PING")))
        commands = plan.map(\.1)
        steps = plan.map(\.0)
        database = configuration.database
    }

    /// The connection's id, nil when the server does not tell it.
    ///
    /// - Throws: what makes the connection unusable.
    func clientID(from replies: [RedisReply]) throws(RedisError) -> Int64? {
        var id: Int64?
        for (step, reply) in zip(steps, replies) {
            if case .integer(let number) = reply, step == .identify { id = number }
            if step == .role { try checkRole(reply) }
            guard let error = reply.error else { continue }
            switch step {
            case .authenticate:
                throw error.isTransient ? error : refused("the server refused user or password", error)
            case .select:
                throw RedisError(error.code, "database \(database): \(error.message)", isTransient: error.isTransient)
            case .name, .identify, .role:
                if error.code == .noAuthentication { throw refused("the server requires a password", error) }
            case .ping:
                if error.code == .noAuthentication { throw refused("the server requires a password", error) }
                // A user that may not PING may well do everything else.
                if error.code != .noPermission { throw error }
            }
        }
        return id
    }

    /// A user that may not ask for the role finds out by its first write.
    private func checkRole(_ reply: RedisReply) throws(RedisError) {
        guard let role = reply.array?.first?.text, role != "master", let master else { return }
        throw RedisError(.readOnly, "\(master), is no master but a \(role == "slave" ? "replica" : role)")
    }

    private func refused(_ what: String, _ error: RedisError) -> RedisError {
        RedisError(.authenticationFailed, "\(what): \(error.message)", underlying: error)
    }
}
