package import BeatRuntime
import CeleryMessage
package import Inspection
import RedisClient
import RedisTransport
package import Schedules

/// Shows and changes what the beats of one schedule send.
package struct RedisScheduleAdministration: ScheduleAdministration {
    private let inspector: RedisInspector
    private let name: @Sendable () throws -> String
    private let entries: @Sendable () throws -> [ScheduleEntry]
    private let writer: MessageWriter

    /// The administration of a schedule.
    ///
    /// - Parameters:
    ///   - name: the schedule's name; asked each time, as the file may have changed.
    ///   - entries: what its file says; the same.
    package init(
        inspector: RedisInspector,
        name: @escaping @Sendable () throws -> String,
        entries: @escaping @Sendable () throws -> [ScheduleEntry],
        writer: MessageWriter
    ) {
        self.inspector = inspector
        self.name = name
        self.entries = entries
        self.writer = writer
    }

    private var transport: RedisTransportConfiguration { inspector.configuration.transport }

    private func read<Value>(_ part: () throws -> Value) throws -> Value {
        do {
            return try part()
        } catch {
            throw InspectionError(.refused, "the schedule cannot be read: \(error)")
        }
    }

    private func pausedKey(_ name: String) -> String { transport.keys.beatPaused(schedule: name) }

    package func schedule() async throws -> ScheduleFacts {
        let name = try read(name)
        let store = RedisScheduleStore(client: inspector.broker, configuration: transport, schedule: name)
        let overview: ScheduleOverview
        do {
            overview = try await store.overview()
        } catch {
            throw InspectionError(.unavailable, "\(error)")
        }
        let members = try await inspector.send([RedisCommand("SMEMBERS", pausedKey(name))], to: inspector.broker)[0]
        let paused = Set((members.array ?? []).compactMap(\.text))
        return ScheduleFacts(
            entries: try read(entries).map { entry in
                Self.facts(entry, overview.states[entry.name], paused.contains(entry.name), writer)
            }.sorted { $0.name < $1.name },
            beats: overview.beats.map { beat in
                .init(id: beat.id, lastSign: beat.lastSign, isLeading: beat.id == overview.lease)
            }
        )
    }

    private static func facts(
        _ entry: ScheduleEntry,
        _ state: EntryState?,
        _ isPaused: Bool,
        _ writer: MessageWriter
    ) -> ScheduledEntry {
        var facts = ScheduledEntry(name: entry.name, task: entry.task, times: "\(entry.schedule)")
        facts.queue = entry.options.queue ?? writer.route(entry.task).queue
        facts.purpose = entry.purpose.isEmpty ? nil : entry.purpose
        facts.isEnabled = entry.isEnabled
        facts.isPaused = isPaused
        guard let state else { return facts }
        facts.last = state.sentAt
        if entry.isEnabled { facts.next = entry.nextSlot(after: state.mark, anchor: state.anchor).map(entry.due) }
        facts.sent = state.sent
        facts.missed = state.missed
        facts.skipped = state.skipped
        facts.lastTaskID = state.taskID
        return facts
    }

    package func runNow(_ name: String) async throws -> String? {
        guard let entry = try read(entries).first(where: { $0.name == name }) else { return nil }
        let id = Identifier.uuid()
        let message: SlotEmission.Message
        do {
            message = try writer.message(entry, id: id, now: .now())
        } catch {
            throw InspectionError(.refused, "\(entry.name): \(error.message)")
        }
        let outgoing = OutgoingMessage(
            item: message.item,
            taskID: id,
            queue: message.queue,
            priority: message.priority
        )
        _ = try await inspector.send(outgoing)
        return id
    }

    package func pause(_ entry: String) async throws -> Bool? {
        let key = pausedKey(try read(name))
        return try await mark(
            entry,
            [RedisCommand("SADD", key, entry), RedisCommand("EXPIRE", key, RedisScheduleStore.timeToLive)]
        )
    }

    package func resume(_ entry: String) async throws -> Bool? {
        try await mark(entry, [RedisCommand("SREM", pausedKey(try read(name)), entry)])
    }

    private func mark(_ entry: String, _ commands: [RedisCommand]) async throws -> Bool? {
        guard try read(entries).contains(where: { $0.name == entry }) else { return nil }
        let replies = try await inspector.send(commands, to: inspector.broker)
        return try await inspector.translating { () async throws(RedisError) in try replies[0].get().int == 1 }
    }
}
