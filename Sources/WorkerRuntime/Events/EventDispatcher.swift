import CeleryMessage
import Transport

/// Gathers a worker's task events until the turn of the event loop ends (`celery/events/dispatcher.py`).
struct EventDispatcher: Sendable {
    /// Events in one message at most, as Celery has it.
    static let largestBatch = 24
    /// Bytes after which a batch is closed early.
    private static let largestBytes = 256 << 10
    /// Batches that may wait for Redis; more are dropped, for events are news and no records.
    static let mostWaiting = 400

    let exchange: String
    private let writer: EventWriter
    private let hostname: String
    /// Who sends what tasks of this worker send.
    private let origin: String
    private let originWriter: EventWriter
    /// Whether task events are sent at all.
    private(set) var sendsTaskEvents: Bool
    /// Whether the command line asked for them, so that no command takes them away.
    private let isFixed: Bool
    var audience = EventAudience()
    var clock = LamportClock()

    private var batch: [UInt8] = []
    private var batchCount = 0
    private var closed: [[UInt8]] = []

    init(
        configuration: EventConfiguration,
        hostname: String,
        origin: String,
        processID: Int32,
        utcOffset: Double
    ) {
        exchange = configuration.exchange
        self.hostname = hostname
        self.origin = origin
        originWriter = EventWriter(hostname: origin, processID: processID, utcOffset: utcOffset)
        sendsTaskEvents = configuration.sendsTaskEvents
        isFixed = configuration.sendsTaskEvents
        writer = EventWriter(hostname: hostname, processID: processID, utcOffset: utcOffset)
    }

    // MARK: Switching

    /// Begins to send task events; answers whether that is news.
    mutating func enable() -> Bool {
        defer { sendsTaskEvents = true }
        return !sendsTaskEvents
    }

    /// Stops sending task events, unless the command line asked for them; answers whether that is news.
    mutating func disable() -> Bool {
        guard sendsTaskEvents, !isFixed else { return false }
        sendsTaskEvents = false
        return true
    }

    // MARK: Task events

    /// Adds an event; answers whether it is the first of its turn, which is to be followed by a flush.
    mutating func add(_ event: EventDraft) -> Bool {
        guard closed.count < Self.mostWaiting else { return false }
        let isFirst = batch.isEmpty && closed.isEmpty
        batch.append(batch.isEmpty ? UInt8(ascii: "[") : UInt8(ascii: ","))
        if batch.count > 1 { batch.append(UInt8(ascii: " ")) }
        writer.write(event, clock: clock.forward(), into: &batch)
        batchCount += 1
        if batchCount >= Self.largestBatch || batch.count >= Self.largestBytes { close() }
        return isFirst
    }

    private mutating func close() {
        batch.append(UInt8(ascii: "]"))
        closed.append(batch)
        batch = []
        batchCount = 0
    }

    /// What has been gathered, as messages.
    mutating func takeBatches() -> [BroadcastMessage] {
        if batchCount > 0 { close() }
        defer { closed.removeAll(keepingCapacity: true) }
        return closed.map { message(routingKey: "task.multi", body: $0) }
    }

    // MARK: Single events

    /// An event of its own message, under a routing key that follows from its type.
    mutating func message(_ event: EventDraft) -> BroadcastMessage {
        var body: [UInt8] = []
        writer.write(event, clock: clock.forward(), into: &body)
        return message(routingKey: event.type.description.replacing("-", with: "."), body: body)
    }

    /// The announcement of a message that this worker sent.
    mutating func sent(_ event: EventDraft) -> BroadcastMessage {
        var body: [UInt8] = []
        originWriter.write(event, clock: clock.forward(), into: &body)
        return message(routingKey: "task.sent", body: body, from: origin)
    }

    private func message(routingKey: String, body: [UInt8], from sender: String? = nil) -> BroadcastMessage {
        BroadcastMessage(
            exchange: exchange,
            routingKey: routingKey,
            headers: ["hostname": .string(sender ?? hostname)],
            body: body
        )
    }
}
