import Glibc
import Settings
import WorkerRuntime

/// What a worker prints before it starts, in the shape people search for.
struct Banner {
    let nodeName: String
    let configuration: CeleriacConfiguration
    let wiring: WorkerWiring
    let plans: [PoolWiring.Plan]
    let showsTasks: Bool
    let app: String?
    let autoscale: (maximum: Int, minimum: Int)?

    private static let leaf = [
        "    .-\"\"-.    ", "   ( \\  / )   ", "    \\ \\/ /    ", "     )  (     ", "     |  |     ", "     |  |     ",
    ]

    var text: String {
        var lines = [
            "\(nodeName) v\(Program.version) (celeriac)", "", "\(Self.platform) \(Self.time)", "", "[config]",
            ".> app:         \(app ?? "celeriac") (\(configuration.file ?? "no configuration file"))",
            ".> transport:   \(broker)", ".> results:     \(results)", ".> concurrency: \(concurrency)",
            ".> task events: \(wiring.sendsTaskEvents ? "ON" : "OFF (enable -E to monitor tasks in this worker)")", "",
            "[queues]",
        ]
        let width = wiring.queues.map(\.name.count).max() ?? 0
        for queue in wiring.queues {
            let padded = queue.name + String(repeating: " ", count: width - queue.name.count)
            let key = configuration.queue(named: queue.name)?.routingKey ?? queue.name
            lines.append(".> \(padded) exchange=\(queue.name)(direct) key=\(key)")
        }
        var text = ""
        for (place, line) in lines.enumerated() {
            text += (place < Self.leaf.count ? Self.leaf[place] : String(repeating: " ", count: 14)) + line + "\n"
        }
        if showsTasks {
            text += "\n[tasks]\n"
            for task in configuration.tasks.map(\.name).sorted() { text += "  . \(task)\n" }
        }
        return text + "\n"
    }

    private var broker: String { configuration.broker.consumeURL.bannerText }

    private var results: String {
        switch configuration.results.backend {
        case .disabled: "disabled://"
        case .sameAsBroker: broker
        case .server(let url): url.bannerText
        }
    }

    private var concurrency: String {
        let range = autoscale.map { "{min=\($0.minimum), max=\($0.maximum)}" }
        if plans.count == 1 {
            let kind =
                plans[0].isInline
                ? "inline" : plans[0].slots == 1 ? "prefork" : "\(plans[0].processes)x\(plans[0].slots) async"
            return "\(range ?? String(plans[0].capacity)) (\(kind))"
        }
        let parts = plans.map { plan in
            "\(plan.name): " + (plan.isInline ? "inline x \(plan.slots)" : "\(plan.processes) x \(plan.slots)")
        }
        return "\(plans.map(\.capacity).reduce(0, +)) (\(parts.joined(separator: ", ")))"
    }

    private static var platform: String {
        var name = utsname()
        guard uname(&name) == 0 else { return "Linux" }
        return "\(field(&name.sysname))-\(field(&name.release))"
    }

    private static func field<Field>(_ field: inout Field) -> String {
        withUnsafeBytes(of: &field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    private static var time: String { String(CeleryLogHandler.time().prefix(19)) }
}

extension ServerURL {
    /// The URL as Celery's banner prints it: the password masked, the database always there.
    package var bannerText: String {
        var text = redacted
        guard !namesSentinels else { return text }
        let parts = parts
        guard parts.count < 2 else { return parts.map(\.bannerText).joined(separator: ";") }
        let path = text.split(separator: "/", omittingEmptySubsequences: false)
        if text.hasPrefix("redis"), !text.hasPrefix("redis+"), path.count == 3 { text += "/0" }
        if text.hasSuffix("/"), path.count == 4 { text += "0" }
        return text
    }
}
