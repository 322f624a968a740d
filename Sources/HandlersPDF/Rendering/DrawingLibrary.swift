import CPangoCairo

/// cairo, Pango and fontconfig, loaded by the first document or check that needs them.
///
/// Every pool process is this program, and few of them ever draw: linked, these libraries and the thirty they bring would
/// cost each process five milliseconds at its start and a megabyte of memory.
enum DrawingLibrary {
    private static let loaded: Result<celeriac_drawing, RenderingError> = {
        let table = UnsafeMutablePointer<celeriac_drawing>.allocate(capacity: 1)
        defer { table.deallocate() }
        guard let problem = celeriac_load_drawing(table) else { return .success(table.pointee) }
        let message = "Pango cannot be loaded (Debian: install libpangocairo-1.0-0): \(String(cString: problem))"
        return .failure(RenderingError(message: message))
    }()

    /// The libraries' functions.
    static func functions() throws(RenderingError) -> celeriac_drawing {
        try loaded.get()
    }
}
