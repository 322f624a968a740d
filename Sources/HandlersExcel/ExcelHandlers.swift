public import CeleriacTasks

/// The handlers of this module, for a program's registry.
public enum ExcelHandlers {
    /// `excel.process_upload`.
    public static let factories: [HandlerFactory] = [
        HandlerFactory(
            name: "excel.process_upload",
            summary: "checks an uploaded .xlsx file row by row: process_excel_upload(file_path, sheet_name=None)"
        ) { setup in
            ProcessUpload(options: try UploadOptions(setup))
        }
    ]
}
