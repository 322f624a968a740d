public import CeleriacTasks

/// The handlers that make PDF documents.
public enum PDFHandlers {
    /// `pdf.mutabakat` and `pdf.mutabakat_bulk`.
    ///
    /// Making a handler reads the fonts' list once; the library for drawing is set up by the first document.
    public static var factories: [HandlerFactory] {
        [
            HandlerFactory(
                name: "pdf.mutabakat",
                summary: "makes the PDF of one reconciliation statement (mutabakat) from configured queries",
                make: { try MutabakatHandler($0) }
            ),
            HandlerFactory(
                name: "pdf.mutabakat_bulk",
                summary: "makes the PDFs of many reconciliation statements; a bad one fails by itself",
                make: { try MutabakatBulkHandler($0) }
            ),
        ]
    }
}
