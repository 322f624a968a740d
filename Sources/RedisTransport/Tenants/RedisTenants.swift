import CeleryMessage
package import RedisClient
package import Transport

/// How the plans of tenants are asked of Redis: keys and arguments of the scripts, and what their answers say.
package struct RedisTenants: Sendable {
    /// Seconds after which a message that waits for its tenant goes back by itself, should nobody release it.
    static let longestWait = 3600
    /// Seconds for which a slot is kept for a message that is on its way back to its queue.
    static let keptSeconds = 30
    /// Seconds for which the keys of a tenant are kept after their last change.
    static let lifetime = 7 * 86_400
    /// The most tenants that are remembered as seen.
    static let mostSeen = 10_000
    /// The most bytes of a tenant's name in a key; what goes beyond is cut.
    static let longestName = 255

    let keys: RedisKeys
    let deadAfter: Int

    /// Those of a deployment.
    package init(_ transport: RedisTransportConfiguration) {
        keys = transport.keys
        deadAfter = transport.deadAfter
    }

    /// A tenant's name as keys have it.
    package static func name(_ tenant: String) -> String {
        guard tenant.utf8.count > longestName else { return tenant }
        return String(decoding: tenant.utf8.prefix(longestName), as: UTF8.self)
    }

    /// The plans as the scripts read them: `{"free":[2,10]}`.
    package static func json(_ plans: TenantPlans) -> String {
        let all = plans.plans.sorted { $0.key < $1.key }
            .map { name, plan in
                let bounds = [plan.concurrency, plan.perMinute].map { JSONValue.int(Int64($0 ?? 0)) }
                return (name, JSONValue.array(bounds))
            }
        return JSONWriter.string(.object(JSONObject(all)))
    }

    // MARK: What a worker asks

    func admission(_ entries: [TenantEntry], _ plans: TenantPlans) -> (keys: [String], arguments: RedisArguments) {
        var arguments = RedisArguments(
            keys.tenantPrefix,
            deadAfter,
            Self.json(plans),
            plans.defaultPlan,
            Self.longestWait,
            Self.lifetime,
            Self.mostSeen
        )
        for entry in entries {
            let tenant = Self.name(entry.tenant)
            let step = keys.step(priority: entry.priority)
            arguments.append(entry.tag.text)
            arguments.append(entry.isEarly ? "2" : "1")
            arguments.append(tenant)
            arguments.append(plans.name(of: entry.tenant))
            arguments.append(entry.taskID)
            arguments.append(step)
            arguments.append(keys.list(queue: entry.queue, step: step))
            // As claim.lua ends what it holds.
            arguments.append(", \"\", " + JSONWriter.string(.string(entry.queue)) + "]")
            // Other parked messages end with eight hexadecimal digits.
            arguments.append(entry.taskID + ":t" + Identifier.uuid().prefix(7))
            arguments.append(entry.isRedelivered ? "1" : "0")
        }
        let names = [
            keys.unacked, keys.unackedIndex, keys.workers, keys.parked, keys.parkedMessages, keys.tenants,
            keys.tenantsSeen, keys.tenantsWaiting, keys.tenantSequence,
        ]
        return (names, arguments)
    }

    /// Whether a parked message waits for its tenant, as its member tells.
    package static func parks(member: String) -> Bool {
        member.lastIndex(of: ":").map { member[$0...].hasPrefix(":t") } ?? false
    }

    static func admission(_ reply: RedisReply, count: Int) throws -> TenantAdmission {
        guard let parts = reply.array, parts.count == 2, let answers = parts[1].array, answers.count == count else {
            throw TransportError(.protocolViolation, "the admit_tenants script answered something unexpected")
        }
        let verdicts = answers.map { answer -> TenantVerdict in
            guard let bound = answer.array else { return answer.int == 1 ? .admitted : .lost }
            let kind = TenantBound.Kind(rawValue: bound.first?.text ?? "") ?? .concurrency
            return .parked(
                TenantBound(kind, limit: bound.count > 1 ? bound[1].int ?? 0 : 0, plan: bound.last?.text ?? "")
            )
        }
        return TenantAdmission(verdicts: verdicts, nextLook: parts[0].double.map(Instant.init(seconds:)))
    }

    func release(
        _ slots: [TenantSlot],
        of tenants: [String],
        _ plans: TenantPlans
    ) -> (keys: [String], arguments: RedisArguments) {
        var arguments = RedisArguments(
            keys.tenantPrefix,
            deadAfter,
            Self.json(plans),
            plans.defaultPlan,
            Self.keptSeconds,
            Self.lifetime,
            slots.count
        )
        for slot in slots {
            switch slot {
            case .held(let tag, let tenant):
                arguments.append(Self.name(tenant))
                arguments.append(tag.text)
            case .kept(let taskID, let tenant):
                arguments.append(Self.name(tenant))
                arguments.append("kept:" + taskID)
            }
        }
        for tenant in tenants {
            arguments.append(Self.name(tenant))
            arguments.append(plans.name(of: tenant))
        }
        let names = [
            keys.unackedIndex, keys.workers, keys.parked, keys.parkedMessages, keys.tenants, keys.tenantsWaiting,
        ]
        return (names, arguments)
    }

    // MARK: What an administration asks

    /// What a tenant uses.
    package struct Usage: Sendable, Hashable {
        /// The plan that was set for it at run time.
        package var assigned: String?
        /// How many of its tasks run or are about to.
        package var running: Int
        /// How many of its tasks started in the last minute, where its plan bounds that.
        package var started: Int
        /// How many of its tasks wait for room.
        package var waiting: Int
        /// How many tasks the gateway sent for it in the last minute, where its plan bounds that.
        package var sent: Int
    }

    /// The script that counts, its keys and arguments.
    package func usage(of tenants: [String]) -> (script: RedisScript, keys: [String], arguments: RedisArguments) {
        var arguments = RedisArguments(keys.tenantPrefix, deadAfter)
        for tenant in tenants { arguments.append(Self.name(tenant)) }
        return (Scripts.tenantUsage, [keys.unackedIndex, keys.workers, keys.tenants], arguments)
    }

    /// What the script counted, in the order asked for.
    package static func usage(_ reply: RedisReply) -> [Usage] {
        (reply.array ?? []).map { entry in
            let parts = entry.array ?? []
            func number(_ place: Int) -> Int { place < parts.count ? parts[place].int ?? 0 : 0 }
            return Usage(
                assigned: parts.first?.text.flatMap { $0.isEmpty ? nil : $0 },
                running: number(1),
                started: number(2),
                waiting: number(3),
                sent: number(4)
            )
        }
    }
}
