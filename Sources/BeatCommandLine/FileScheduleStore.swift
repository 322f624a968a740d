import CeleryMessage
import FoundationEssentials
import Glibc
import Schedules
import Synchronization
import WorkerCommandLine

/// Run state in a file, for one beat without a server.
///
/// What is sent is written down before it is handed on: a beat that is killed in between loses that run, and never does it
/// twice.
final class FileScheduleStore: ScheduleStore {
    private let memory: InMemoryScheduleStore
    private let path: String
    private let pending: Outbox
    private let deliver: @Sendable (SlotEmission) -> Void

    /// Reads what an earlier beat has left.
    init(
        path: String,
        isUnfinished: @escaping @Sendable (String) -> Bool,
        deliver: @escaping @Sendable (SlotEmission) -> Void
    ) throws {
        self.path = path
        self.deliver = deliver
        let outbox = Outbox()
        pending = outbox
        memory = InMemoryScheduleStore(
            states: try Self.states(at: path),
            isUnfinished: isUnfinished,
            deliver: { emission in
                outbox.add(emission)
                return .done
            }
        )
    }

    /// What has been decided on and is still to be written down.
    private final class Outbox: Sendable {
        private let emissions = Mutex<[SlotEmission]>([])

        func add(_ emission: SlotEmission) { emissions.withLock { $0.append(emission) } }

        func take() -> [SlotEmission] {
            emissions.withLock { emissions in
                defer { emissions = [] }
                return emissions
            }
        }
    }

    /// The states in a file; none where there is no file.
    static func states(at path: String) throws -> [String: EntryState] {
        guard FileManager.default.fileExists(atPath: path) else { return [:] }
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw Complaint("The state file \(path) cannot be read: \(error.fileReason)", code: .cannotCreate)
        }
        var states: [String: EntryState] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: "\t", maxSplits: 1)
            // A line that says nothing makes its entry a new one.
            guard parts.count == 2, let state = EntryState(text: String(parts[1])) else { continue }
            states[String(parts[0])] = state
        }
        return states
    }

    private func write() throws {
        let lines = memory.states.sorted { $0.key < $1.key }.map { "\($0.key)\t\($0.value.text)\n" }
        do {
            try Data(lines.joined().utf8).write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw Complaint("The state file \(path) cannot be written: \(error.fileReason)", code: .cannotCreate)
        }
    }

    // MARK: The store

    func turn(_ request: TurnRequest) async throws -> Turn { try await memory.turn(request) }

    func register(_ entries: [EntryRegistration]) async throws -> [EntryState] {
        defer { try? write() }  // written again with the first run
        return try await memory.register(entries)
    }

    func forget(exceptFor names: Set<String>) async throws -> Int { try await memory.forget(exceptFor: names) }

    func states(of names: [String]) async throws -> [EntryState?] { try await memory.states(of: names) }

    func emit(_ emissions: [SlotEmission]) async throws -> [EmissionOutcome] {
        let outcomes = try await memory.emit(emissions)
        try write()
        for emission in pending.take() { deliver(emission) }
        return outcomes
    }

    func leave(_ beatID: String) async throws { try await memory.leave(beatID) }
}
