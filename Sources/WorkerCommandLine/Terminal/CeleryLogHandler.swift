import CeleryMessage
import Glibc
package import Logging

/// Writes log lines as Celery does, `[time: LEVEL/Process] message`, or one JSON object a line.
package struct CeleryLogHandler: LogHandler {
    package enum Format: String {
        case text
        case json
    }

    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    private let format: Format
    private let file: LogFile

    package init(format: Format, level: Logger.Level, file: LogFile) {
        self.format = format
        self.file = file
        logLevel = level
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var facts = metadata
        if let more = event.metadata { facts.merge(more) { $1 } }
        let process = facts.removeValue(forKey: "process").map { "\($0)" } ?? "MainProcess"
        switch format {
        case .text: file.write(text(event, facts, process: process))
        case .json: file.write(json(event, facts, process: process))
        }
    }

    private func text(_ event: LogEvent, _ facts: Logger.Metadata, process: String) -> String {
        var line = "[\(Self.time()): \(Self.name(event.level))/\(process)] "
        // Lines of a task's own begin with its name; the worker's lines about it have it in their words.
        if facts["from_task"] != nil, let name = facts["task_name"], let id = facts["task_id"] {
            line += "\(name)[\(id)]: "
        }
        line += "\(event.message)"
        let hidden: Set<String> = ["task_id", "task_name", "from_task"]
        let shown = facts.filter { !hidden.contains($0.key) }.sorted { $0.key < $1.key }
        if !shown.isEmpty { line += " " + shown.map { "\($0.key)=\($0.value)" }.joined(separator: " ") }
        return line
    }

    private func json(_ event: LogEvent, _ facts: Logger.Metadata, process: String) -> String {
        var object: JSONObject = [
            "time": .string(ISO8601.string(.now())),
            "level": .string(Self.name(event.level)),
            "process": .string(process),
            "message": .string("\(event.message)"),
        ]
        for (key, value) in facts.sorted(by: { $0.key < $1.key }) where key != "from_task" {
            object[key] = .string("\(value)")
        }
        return JSONWriter.string(.object(object))
    }

    /// Python's names of levels.
    package static func name(_ level: Logger.Level) -> String {
        switch level {
        case .trace, .debug: "DEBUG"
        case .info, .notice: "INFO"
        case .warning: "WARNING"
        case .error: "ERROR"
        case .critical: "CRITICAL"
        }
    }

    /// Local time with milliseconds, as Python's logging writes it.
    package static func time() -> String {
        var clock = timespec()
        clock_gettime(CLOCK_REALTIME, &clock)
        var parts = tm()
        var seconds = clock.tv_sec
        localtime_r(&seconds, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let milliseconds = clock.tv_nsec / 1_000_000
        let padded =
            milliseconds < 10 ? "00\(milliseconds)" : milliseconds < 100 ? "0\(milliseconds)" : "\(milliseconds)"
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) "
            + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)),\(padded)"
    }
}
