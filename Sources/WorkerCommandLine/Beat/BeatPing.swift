import CeleryMessage
import Logging
import NIOCore
import RedisClient
import RedisTransport
import Transport
import WorkerRuntime

/// A beat's remote control: it answers `ping` and nothing else, as Celery's beat does since 5.7.
///
/// A beat that does not come round any more is silent: that is the only sign by which a health check can tell it.
struct BeatPing {
    let nodeName: String
    let logger: Logger
    /// For how long the beat has been stuck, if it has.
    let stuck: @Sendable () -> Duration?

    /// Listens until its task is cancelled.
    func run(_ transport: RedisTransportConfiguration, on eventLoop: any EventLoop, exchange: String) async {
        let broker = RedisBroker(configuration: transport, eventLoop: eventLoop, logger: logger)
        let (requests, heard) = AsyncStream.makeStream(of: [UInt8].self, bufferingPolicy: .bufferingNewest(100))
        do {
            try await broker.start(queues: []) { _ in }
            try await broker.listen(control: exchange, elections: nil) { notice in
                if case .request(let item) = notice { heard.yield(item) }
            }
            logger.info("beat pidbox: Connected to \(transport.broker.presentURL).")
            for await item in requests { await answer(item, broker) }
        } catch {
            logger.error("beat: Remote control is off: \(error)")
        }
        await broker.stop()
    }

    private func answer(_ item: [UInt8], _ broker: RedisBroker) async {
        // Anybody may publish anything here; what cannot be read is nobody's request.
        guard item.count <= 1 << 20, let body = try? BroadcastMessage(decoding: item).value(),
            let request = try? ControlRequest(body: body), request.method == "ping",
            let address = request.replyTo, (try? request.isMeant(for: nodeName)) == true
        else { return }
        if let time = stuck() {
            logger.warning("beat: ping is not answered: the schedule has not been looked at for \(time)")
            return
        }
        let reply = BroadcastMessage(
            exchange: address.exchange,
            routingKey: address.routingKey,
            headers: ["ticket": request.ticket.map(JSONValue.string) ?? .null, "clock": 0],
            body: JSONWriter.bytes([nodeName: ["ok": "pong"]])
        )
        do {
            try await broker.reply(reply)
        } catch {
            logger.warning("beat: A reply to ping could not be sent: \(error)")
        }
    }
}
