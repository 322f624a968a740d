import CeleriacTasks
import CeleryMessage

/// `pdf.mutabakat_bulk`: makes the PDFs of many statements, `generate_bulk_pdfs(mutabakat_ids)`.
///
/// Reports PROGRESS after each statement. An id that is unknown, or whose data cannot be printed, fails by itself; what
/// would fail them all (database, folder, configuration) fails the task. An id that comes again is made once. Returns
/// `{"total", "succeeded", "failed", "duplicates", "files": […], "errors": [{"mutabakat_id", "error"}]}`.
struct MutabakatBulkHandler: TaskHandler {
    /// The most ids one task may ask for.
    static let mostStatements = 10_000

    private let producer: StatementProducer
    private let parameters: Parameters

    init(_ setup: HandlerSetup) throws {
        producer = try StatementProducer(setup)
        parameters = Parameters(setup.functionName, ["mutabakat_ids"])
    }

    func run(_ arguments: TaskArguments, context: TaskContext) async throws -> JSONValue {
        let bound = try parameters.bind(arguments)
        let given = try bound.array("mutabakat_ids")
        guard given.count <= Self.mostStatements else {
            throw bound.wrongValue(
                "mutabakat_ids",
                "has \(given.count) ids, at most \(Self.mostStatements) are allowed"
            )
        }
        let items = Self.unique(given)
        var outcome = Outcome(total: items.count, duplicates: given.count - items.count)
        context.progress(current: 0, total: items.count, status: "Başlıyor: \(items.count) mutabakat")
        for (index, item) in items.enumerated() {
            try context.checkCancellation()
            let status = try await make(item, &outcome, context)
            context.progress(current: index + 1, total: items.count, status: status)
        }
        return outcome.result
    }

    /// Makes one statement, notes how it ended and says so in a few words.
    private func make(_ item: JSONValue, _ outcome: inout Outcome, _ context: TaskContext) async throws -> String {
        do {
            guard let id = MutabakatID(item) else {
                throw TaskFailure.valueError("a mutabakat_id must be int or a short plain str")
            }
            let file = try await producer.print(try await producer.read(id), id)
            outcome.files.append(.object(file.result(id)))
            return "Mutabakat \(id.text): hazır"
        } catch let failure as TaskFailure {
            outcome.errors.append(["mutabakat_id": item, "error": .string(failure.message)])
            return "Mutabakat \(Self.shortText(item)): hata"
        } catch {
            try context.checkCancellation()
            throw StatementProducer.taskError(error, context) ?? error
        }
    }

    /// The list without repeated ids, in its order.
    private static func unique(_ given: [JSONValue]) -> [JSONValue] {
        var seen: Set<MutabakatID> = []
        return given.filter { MutabakatID($0).map { seen.insert($0).inserted } ?? true }
    }

    private static func shortText(_ item: JSONValue) -> String {
        MutabakatID(item)?.text ?? "?"
    }

    private struct Outcome {
        let total: Int
        let duplicates: Int
        var files: [JSONValue] = []
        var errors: [JSONValue] = []

        var result: JSONValue {
            [
                "total": .int(Int64(total)), "succeeded": .int(Int64(files.count)), "failed": .int(Int64(errors.count)),
                "duplicates": .int(Int64(duplicates)), "files": .array(files), "errors": .array(errors),
            ]
        }
    }
}
