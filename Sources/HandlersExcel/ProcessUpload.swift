import CeleriacTasks
import CeleryMessage
import Logging

/// Checks an uploaded workbook row by row: `process_excel_upload(file_path, sheet_name=None)`.
///
/// The result lists what is wrong; a file that cannot be read at all is a `ValueError` that says why. Rows are
/// provisional until the file was read to its end, so a damaged file never yields half of its rows.
struct ProcessUpload: TaskHandler {
    private static let parameters = Parameters("process_excel_upload", ["file_path", .optional("sheet_name", nil)])
    let options: UploadOptions

    func run(_ arguments: TaskArguments, context: TaskContext) async throws -> JSONValue {
        let bound = try Self.parameters.bind(arguments)
        let path = try bound.string("file_path")
        let name = try bound.optionalString("sheet_name")
        let descriptor = try open(path, bound)
        do {
            return try await process(descriptor, path: path, name: name, context: context)
        } catch let error as WorkbookError {
            throw TaskFailure.valueError("\(excerpt(path)): \(error.message)")
        } catch let error as RowValidator.HeaderError {
            throw TaskFailure.valueError("\(excerpt(path)): the sheet \(error.message)")
        } catch let error as AcceptedRows.WriteError {
            throw TaskFailure.runtimeError(error.message)
        }
    }

    private func open(_ path: String, _ bound: BoundArguments) throws(TaskFailure) -> Int32 {
        do throws(UploadRoots.Refusal) {
            return try options.roots.open(path)
        } catch {
            switch error {
            case .outside: throw bound.wrongValue("file_path", "does not lie in the upload folder")
            case .missing: throw .fileNotFound("no uploaded file '\(excerpt(path))'")
            case .notAFile: throw bound.wrongValue("file_path", "is not a file")
            case .unreadable: throw .runtimeError("the uploaded file '\(excerpt(path))' cannot be read")
            }
        }
    }

    /// Reads the whole sheet, off the caller's executor: this is CPU work from end to end.
    @concurrent
    private func process(
        _ descriptor: Int32,
        path: String,
        name: String?,
        context: TaskContext
    ) async throws -> JSONValue {
        let workbook = try Workbook(descriptor: descriptor, limits: options.limits)
        let sheet = try workbook.sheet(name)
        let reader = try workbook.rows(of: sheet)
        let accepted = try options.acceptedFolder.map {
            try AcceptedRows(
                folder: $0,
                name: fileName(of: context.request.id),
                limit: options.acceptedBytes
            )
        }
        var upload = SheetUpload(options: options, accepted: accepted)
        var reported = -1
        while let rows = try reader.next() {
            try context.checkCancellation()
            for row in rows { try upload.take(row, from: reader) }
            let percent = Int(reader.fraction * 100)
            if percent > reported, percent < 100 {
                reported = percent
                context.progress(
                    current: percent,
                    total: 100,
                    status: "\(upload.rows) rows read",
                    more: ["rows": .int(Int64(upload.rows)), "invalid": .int(Int64(upload.invalid))]
                )
            }
            // Others share this thread; a chunk is a few hundred microseconds.
            await Task.yield()
        }
        let result = try upload.finish(file: path, sheet: sheet.name)
        context.logger.info(
            "workbook checked",
            metadata: ["rows": "\(upload.rows)", "valid": "\(upload.valid)", "invalid": "\(upload.invalid)"]
        )
        return result
    }

    /// Task ids come from the network: only one that is a plain word names a file.
    private func fileName(of id: String) -> String {
        let isPlain = id.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        return isPlain && (1...64).contains(id.utf8.count) ? id : Identifier.uuid()
    }

    private func excerpt(_ path: String) -> String { path.count > 200 ? "…" + path.suffix(200) : path }
}
