import CeleryMessage
import Inspection
import RedisTransport
import Transport

/// A job's message as it lies in Redis.
struct JobMessage: Sendable {
    /// Where it lies.
    enum Place: Sendable {
        /// In a list, with so many in front of it.
        case waiting(list: String, ahead: Int)
        /// With a worker, under a tag.
        case held(tag: String)
        /// Parked, as a member with a due time.
        case parked(member: String, until: Instant)
    }

    var place: Place
    /// The item; empty where it was too large to look at.
    var item: [UInt8]

    var state: JobState {
        switch place {
        case .waiting: .waiting
        case .held: .active
        case .parked: .delayed
        }
    }

    /// The item of an entry of held messages, `[item, "", "queue"]`.
    static func item(ofHeld entry: [UInt8]) -> [UInt8] {
        guard entry.first == UInt8(ascii: "["), let close = entry.lastIndex(of: UInt8(ascii: "}")) else { return entry }
        return Array(entry[1...close])
    }

    /// The item of a parked message, behind the list's name and a newline.
    static func item(ofParked stored: [UInt8]) -> [UInt8] {
        guard let end = stored.firstIndex(of: UInt8(ascii: "\n")) else { return [] }
        return Array(stored[(end + 1)...])
    }

    /// The id in the name of a parked message: it ends with a colon and eight digits.
    static func id(ofParked member: String) -> String {
        member.lastIndex(of: ":").map { String(member[..<$0]) } ?? member
    }
}

extension RedisQueueAdministration {
    func decoded(_ item: [UInt8]) -> TaskMessage? {
        item.isEmpty ? nil : try? TaskMessage.decode(item, codecs: options.codecs, limits: options.limits)
    }

    /// A job as its message shows it.
    func summary(of message: JobMessage, in queue: String) -> JobSummary {
        let task = decoded(message.item)
        var job = JobSummary(id: task?.headers.id ?? "", task: task?.headers.task, queue: queue, state: message.state)
        switch message.place {
        case .waiting(_, let ahead): job.position = ahead + 1
        case .held: break
        case .parked(let member, let until):
            // What waits for its tenant waits for no time.
            if !RedisTenants.parks(member: member) { job.until = until }
            job.id = JobMessage.id(ofParked: member)
        }
        guard let task else {
            if !message.item.isEmpty { job.failedReason = "The message cannot be read." }
            return job
        }
        job.attempts = Self.attempts(retries: task.headers.retries) - (message.state == .active ? 0 : 1)
        job.priority = task.properties.priority
        job.arguments = argumentText(task.payload)
        return job
    }

    /// How many runs so many retries make; a message may claim any number.
    static func attempts(retries: Int) -> Int { min(max(0, retries), Int(Int32.max)) + 1 }

    /// The beginning of a message's arguments as JSON, secrets masked.
    private func argumentText(_ payload: TaskPayload) -> String {
        let parts = [
            (try? payload.arguments(limits: options.limits.json)).map { options.mask.masked(JSONValue.array($0)) },
            (try? payload.keywords(limits: options.limits.json)).map { JSONValue.object(options.mask.masked($0)) },
        ].compactMap(\.self).filter { $0 != [] && $0 != .object([:]) }
        return parts.map { JSONWriter.string($0) }.joined(separator: " ").shortened(to: 500)
    }
}

extension MessageLimits {
    /// For the arguments inside a message of this size.
    var json: JSONLimits { JSONLimits(bytes: bodyBytes) }
}

extension String {
    /// The beginning, with `…` where something is left out.
    func shortened(to length: Int) -> String {
        unicodeScalars.count <= length ? self : String(String.UnicodeScalarView(unicodeScalars.prefix(length))) + "…"
    }
}
