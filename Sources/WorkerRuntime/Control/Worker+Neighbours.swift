import CeleryMessage
import Logging
import NIOCore
import Transport

/// What workers say to each other: mingle at the start, and what gossip needs of a worker that does not gossip
/// (`celery/worker/consumer/mingle.py`, `gossip.py`).
extension Worker {
    /// The most revoked ids told to a neighbour, the newest; workers of this kind find all of them in Redis.
    private static let mostTold = 10_000

    /// Asks the neighbours for revoked tasks and clocks; the worker takes messages meanwhile.
    func mingle() async {
        guard let control, configuration.control.isEnabled, configuration.control.mingles, phase == .running else {
            return
        }
        logger.info("mingle: searching for neighbors")
        let exchange = configuration.control.replyExchange
        let mailbox = Identifier.uuid()
        do {
            try await control.openMailbox(exchange: exchange, routingKey: mailbox)
            let receivers = try await control.publish([greeting(exchange: exchange, mailbox: mailbox)])
            // One of them is this worker itself.
            if receivers.first ?? 0 > 1 { await wait(.seconds(1), or: wantsMingle) }
            let replies = try await control.closeMailbox(exchange: exchange, routingKey: mailbox)
            let count = replies.count { learn(from: $0) }
            guard count > 0 else { return logger.info("mingle: all alone") }
            logger.info("mingle: sync with \(count) nodes")
            logger.info("mingle: sync complete")
        } catch {
            logger.debug("mingle failed: \(error)")
        }
    }

    private func greeting(exchange: String, mailbox: String) -> BroadcastMessage {
        let request = ControlRequest(
            method: "hello",
            arguments: ["from_node": .string(configuration.nodeName), "revoked": toldRevoked],
            ticket: Identifier.uuid(),
            replyTo: ControlRequest.ReplyAddress(exchange: exchange, routingKey: mailbox)
        )
        return BroadcastMessage(
            exchange: configuration.control.exchange,
            headers: ["clock": .int(events.clock.forward()), "expires": .double(now().seconds + 1)],
            body: JSONWriter.bytes(request.body),
            deliveryMode: 2
        )
    }

    private var toldRevoked: JSONValue {
        .array(revoked.ids(now: now()).suffix(Self.mostTold).map(JSONValue.string))
    }

    /// Takes over what a neighbour replied; answers whether it was one.
    private func learn(from item: [UInt8]) -> Bool {
        // A reply that cannot be read is nobody's.
        guard item.count <= BroadcastMessage.largest, let body = try? BroadcastMessage(decoding: item).value(),
            let nodes = body.object
        else { return false }
        var isNeighbour = false
        for (node, reply) in nodes where node != configuration.nodeName && reply.object != nil {
            isNeighbour = true
            if let clock = reply["clock"]?.int { events.clock.adjust(to: clock) }
            merge(reply["revoked"])
        }
        return isNeighbour
    }

    /// Ids as a list, or as the keys of an object, which is how Celery 5.6 and older send them.
    private func merge(_ ids: JSONValue?) {
        let moment = now()
        let names = ids?.array?.compactMap(\.string) ?? ids?.object?.keys ?? []
        for id in names.prefix(50_000) where !revoked.contains(id, now: moment) { revoked.insert(id, now: moment) }
    }

    /// The answer to a neighbour that starts.
    func hello(_ arguments: JSONObject) -> JSONValue {
        guard let node = arguments["from_node"]?.string, node != configuration.nodeName else { return .null }
        logger.info("sync with \(node)")
        merge(arguments["revoked"])
        return ["revoked": toldRevoked, "clock": .int(events.clock.forward())]
    }

    /// Lets an election of other workers go on, for which this one never stands.
    ///
    /// It waits for every node that is alive.
    func acknowledge(election item: [UInt8]) {
        guard flood.admits(at: uptime), item.count <= 1 << 16,
            // What cannot be read is no election.
            let event = try? BroadcastMessage(decoding: item).value(), let id = event["id"]?.string,
            event["hostname"]?.string != configuration.nodeName
        else { return }
        if let clock = event["clock"]?.int { events.clock.adjust(to: clock) }
        // It ends with the broker's answer.
        Task { await self.announce("worker-elect-ack", .electionAcknowledged(id)) }
    }
}
