import CeleryMessage
import Logging
import Transport

/// Remote control: requests come in, commands are performed, replies go out (`kombu/pidbox.py`).
extension Worker {
    /// Learns what has been revoked and begins to listen; a failure is told and does not keep the worker from working.
    func startControl() async {
        guard let control else { return }
        await learnRevoked()
        guard configuration.control.isEnabled else { return }
        do {
            try await control.listen(
                control: configuration.control.exchange,
                elections: configuration.control.gossips ? configuration.events.exchange : nil
            ) { [weak self] notice in
                self?.assumeIsolated { $0.receive(notice) }
            }
        } catch {
            logger.error("Remote control is off: \(error)")
        }
    }

    /// Takes over what the deployment remembers as revoked.
    private func learnRevoked() async {
        guard let control else { return }
        do {
            let names = try await control.revoked()
            let moment = now()
            for id in names.taskIDs where !revoked.contains(id, now: moment) { revoked.insert(id, now: moment) }
            for stamp in names.stamps { revoked.insert(stamp: stamp.header, value: stamp.value) }
            if !active.isEmpty { callOff(Set(names.taskIDs)) }
        } catch {
            logger.warning("The list of revoked tasks could not be read: \(error)")
        }
    }

    private func receive(_ notice: ControlNotice) {
        switch notice {
        case .request(let item): receive(request: item)
        case .election(let item): acknowledge(election: item)
        case .listeningAgain:
            // What was revoked meanwhile was not heard. Outlives nothing: it ends with the broker's answer.
            Task { await self.learnRevoked() }
        }
    }

    /// Looks at a request that anybody may have sent: whatever is in it, the worker goes on.
    private func receive(request item: [UInt8]) {
        guard flood.admits(at: uptime) else { return }
        let dropped = flood.takeDropped()
        if dropped > 0 { logger.warning("Too many remote control requests: \(dropped) were dropped") }
        events.clock.forward()
        do throws(BroadcastError) {
            guard item.count <= BroadcastMessage.largest else { throw BroadcastError("it is too large") }
            let request = try ControlRequest(body: try BroadcastMessage(decoding: item).value())
            // Receivers of events ask for a heartbeat when they begin, monitors for many things: somebody may be listening.
            if request.method != ControlCommand.hello.rawValue { events.audience.expectListener(at: uptime) }
            guard try request.isMeant(for: configuration.nodeName) else { return }
            flood.atWork += 1
            // Performed beside what else happens; it ends with its reply.
            Task { await self.answer(request) }
        } catch {
            guard flood.mayComplain() else { return }
            logger.error("Cannot read a remote control request: \(error)")
        }
    }

    private func answer(_ request: ControlRequest) async {
        defer { flood.atWork -= 1 }
        logger.debug("pidbox received method \(request.method) [ticket:\(request.ticket ?? "None")]")
        let reply = await reply(to: request)
        guard let address = request.replyTo, let reply, let control else { return }
        let message = BroadcastMessage(
            exchange: address.exchange,
            routingKey: address.routingKey,
            headers: [
                "ticket": request.ticket.map(JSONValue.string) ?? .null,
                "clock": .int(events.clock.forward()),
            ],
            body: JSONWriter.bytes([configuration.nodeName: reply])
        )
        do {
            try await control.reply(message)
        } catch {
            logger.warning("A reply to remote control could not be sent: \(error)")
        }
    }

    /// What a request is answered; `nil` where no answer is given.
    func reply(to request: ControlRequest) async -> JSONValue? {
        do {
            guard let command = ControlCommand(named: request.method) else {
                throw ControlFailure(ExceptionInfo(type: "KeyError", arguments: [.string(request.method)]))
            }
            try command.check(request.arguments)
            return try await perform(command, request.arguments)
        } catch let failure as ControlFailure {
            if flood.mayComplain() { logger.error("pidbox command error: \(failure.exception.pythonRepr)") }
            return ControlReply.error(failure.exception.pythonRepr)
        } catch {
            if flood.mayComplain() { logger.error("pidbox command error: \(error)") }
            return ControlReply.error(ExceptionInfo.runtimeError("\(error)").pythonRepr)
        }
    }

    /// Carries a command out; the list is Celery's (`celery/worker/control.py`).
    private func perform(_ command: ControlCommand, _ arguments: JSONObject) async throws -> JSONValue? {
        switch command {
        case .ping: return ControlReply.ok("pong")
        case .clock: return ["clock": .int(events.clock.value)]
        case .hello: return hello(arguments)
        case .stats: return .object(stats)
        case .active: return .array(requests { $0.startedAt != nil }.map { info($0, isSafe: truth(arguments["safe"])) })
        case .reserved: return .array(requests { $0.startedAt == nil }.map { info($0, isSafe: false) })
        case .scheduled: return .array(try await scheduled().map(\.shown))
        case .revoked: return .array(revoked.ids(now: now()).map(JSONValue.string))
        case .registered: return .array(registered(arguments).map(JSONValue.string))
        case .activeQueues: return .array(queues.filter(\.consumes).map { .object(shown($0.policy)) })
        case .queryTask: return .object(try await query(strings(arguments["ids"])))
        case .conf:
            let all = truth(arguments["with_defaults"])
            return .object(all ? configuration.control.allSettings : configuration.control.changedSettings)
        case .report: return ControlReply.ok(configuration.control.report)
        case .memsample: return .string(sampleMemory())
        case .memdump: return .string(dumpMemory())
        case .objgraph:
            throw ControlFailure(
                ExceptionInfo(type: "ImportError", arguments: [.string("Requires the objgraph library")])
            )
        case .revoke: return try await revoke(arguments)
        case .terminate:
            var all = arguments
            all["terminate"] = true
            return try await revoke(all)
        case .revokeByStampedHeaders: return try await revokeStamps(arguments)
        case .rateLimit: return try limitRate(arguments)
        case .timeLimit: return limitTime(arguments)
        case .addConsumer: return try await addConsumer(arguments)
        case .cancelConsumer: return cancelConsumer(arguments)
        case .poolGrow: return try resizePool(by: 1, command, arguments)
        case .poolShrink: return try resizePool(by: -1, command, arguments)
        case .poolRestart: return try restartPools()
        case .autoscale: return try changeAutoscale(arguments)
        case .enableEvents:
            guard events.enable() else { return ControlReply.ok("task events already enabled") }
            logger.info("Events of group {task} enabled by remote.")
            return ControlReply.ok("task events enabled")
        case .disableEvents:
            guard events.disable() else { return ControlReply.ok("task events already disabled") }
            logger.info("Events of group {task} disabled by remote.")
            return ControlReply.ok("task events disabled")
        case .heartbeat:
            await announce("worker-heartbeat", .heartbeatOnDemand())
            return .null
        case .election: return .null
        case .shutdown:
            logger.warning("\(arguments["msg"]?.string?.prefix(200) ?? "Got shutdown from remote")")
            stop(.warm)
            return nil
        }
    }

    // MARK: Arguments

    /// What Python takes for true.
    func truth(_ value: JSONValue?) -> Bool {
        switch value {
        case nil, .null?, .bool(false)?, .int(0)?, .string("")?: false
        case .double(let number)?: number != 0
        case .array(let values)?: !values.isEmpty
        case .object(let object)?: !object.isEmpty
        default: true
        }
    }

    /// A text or a list of texts, each once.
    func strings(_ value: JSONValue?) -> [String] {
        var seen = Set<String>()
        let all = value?.array?.compactMap(\.string) ?? value?.string.map { [$0] } ?? []
        return all.filter { seen.insert($0).inserted }
    }
}
