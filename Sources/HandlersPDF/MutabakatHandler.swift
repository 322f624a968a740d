import CeleriacTasks
import CeleryMessage

/// `pdf.mutabakat`: makes the PDF of one reconciliation statement, `generate_mutabakat_pdf(mutabakat_id)`.
///
/// Returns `{"mutabakat_id", "file", "pages", "bytes"}`. An unknown id is a `ValueError`.
struct MutabakatHandler: TaskHandler {
    private let producer: StatementProducer
    private let parameters: Parameters

    init(_ setup: HandlerSetup) throws {
        producer = try StatementProducer(setup)
        parameters = Parameters(setup.functionName, ["mutabakat_id"])
    }

    func run(_ arguments: TaskArguments, context: TaskContext) async throws -> JSONValue {
        let bound = try parameters.bind(arguments)
        let id = try bound.mutabakatID("mutabakat_id")
        do {
            context.progress(current: 0, total: 2, status: "Veriler okunuyor")
            let statement = try await producer.read(id)
            context.progress(current: 1, total: 2, status: "PDF oluşturuluyor: \(statement.rows.count) satır")
            let file = try await producer.print(statement, id)
            context.progress(current: 2, total: 2, status: "PDF hazır: \(file.pages) sayfa")
            return .object(file.result(id))
        } catch {
            try context.checkCancellation()
            throw StatementProducer.taskError(error, context) ?? error
        }
    }
}

extension BoundArguments {
    /// The id of a statement.
    fileprivate func mutabakatID(_ name: String) throws(TaskFailure) -> MutabakatID {
        if let id = MutabakatID(value(name)) { return id }
        guard value(name).string == nil else {
            throw wrongValue(name, "must be 1 to 100 letters, digits, '-', '_' or '.'")
        }
        throw wrongType(name, expected: "int or str")
    }
}

extension HandlerSetup {
    /// The last word of the task's name: what Python calls the function.
    var functionName: String {
        taskName.split(separator: ".").last.map(String.init) ?? taskName
    }
}
