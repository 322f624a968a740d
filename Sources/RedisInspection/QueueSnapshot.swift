import CeleryMessage
import Inspection
import RedisClient
import RedisTransport

/// Where the messages of many tasks are, as seen in one step.
struct QueueSnapshot: Sendable {
    /// How much is looked at for one snapshot.
    struct Budget: Sendable {
        var perList = 1000
        var held = 5000
        var parked = 5000
        var bytes = 8 << 20
    }

    /// Whether everything was looked at.
    let isComplete: Bool
    private(set) var places: [String: Whereabouts] = [:]
    /// The members of the parked set by task id: the queue of a parked message has to be read from the message itself.
    private(set) var parkedMembers: [String: String] = [:]

    /// The keys and arguments for `look.lua`.
    static func request(queues: [String], keys: RedisKeys, _ budget: Budget) -> (keys: [String], RedisArguments) {
        let lists = queues.flatMap { queue in keys.prioritySteps.map { keys.list(queue: queue, step: $0) } }
        return (
            [keys.unacked, keys.parked] + lists,
            RedisArguments(budget.perList, budget.held, budget.parked, budget.bytes)
        )
    }

    /// Reads what `look.lua` answered; `nil` when that is something else.
    init?(_ reply: RedisReply, queues: [String], keys: RedisKeys) {
        let steps = keys.prioritySteps.count
        guard let parts = reply.array, parts.count == 3 + queues.count * steps, let complete = parts[0].int,
            let held = parts[1].array, let parked = parts[2].array
        else { return nil }
        isComplete = complete == 1
        for place in stride(from: 0, to: parked.count - 1, by: 2) {
            guard let member = parked[place].text, let due = parked[place + 1].double else { continue }
            let id = Self.taskID(ofParked: member)
            parkedMembers[id] = member
            places[id] = Whereabouts(.parked(until: Instant(seconds: due)))
        }
        for (number, queue) in queues.enumerated() {
            var ahead = 0
            for list in parts[(3 + number * steps)..<(3 + (number + 1) * steps)] {
                guard let items = list.array, let length = items.first?.int else { continue }
                add(items.dropFirst(), of: queue, ahead: ahead)
                ahead += length
            }
        }
        for place in stride(from: 0, to: held.count - 2, by: 3) {
            // Kombu may hold anything there.
            let queue = held[place + 2].text.flatMap { (try? JSONReader.value($0))?.string }
            guard let id = held[place].text, !id.isEmpty else { continue }
            places[id] = Whereabouts(.held, queue: queue, retries: Self.retries(held[place + 1]))
        }
    }

    private mutating func add(_ items: ArraySlice<RedisReply>, of queue: String, ahead: Int) {
        var position = ahead
        for place in stride(from: items.startIndex, to: items.endIndex - 1, by: 2) {
            position += 1
            guard let id = items[place].text, !id.isEmpty, places[id]?.isWaiting != true else { continue }
            places[id] = Whereabouts(
                .waiting(position: position),
                queue: queue,
                retries: Self.retries(items[place + 1])
            )
        }
    }

    private static func retries(_ reply: RedisReply) -> Int? { reply.int.flatMap { $0 < 0 ? nil : $0 } }

    /// A member is the task's id, a colon and eight digits.
    private static func taskID(ofParked member: String) -> String {
        member.lastIndex(of: ":").map { String(member[..<$0]) } ?? member
    }
}

extension Whereabouts {
    fileprivate var isWaiting: Bool { if case .waiting = place { true } else { false } }
}
