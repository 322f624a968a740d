public import CeleriacTasks

/// The handlers that make PDF documents.
public enum PDFHandlers {
    /// `pdf.mutabakat` and `pdf.mutabakat_bulk`.
    ///
    /// The check at a start does not look for the fonts: reading the machine's list of them takes longer than the rest of
    /// the start.
    public static var factories: [HandlerFactory] {
        [
            HandlerFactory(
                name: "pdf.mutabakat",
                summary: "makes the PDF of one reconciliation statement (mutabakat) from configured queries",
                check: { try StatementProducer.check($0) },
                make: { try MutabakatHandler($0) }
            ),
            HandlerFactory(
                name: "pdf.mutabakat_bulk",
                summary: "makes the PDFs of many reconciliation statements; a bad one fails by itself",
                check: { try StatementProducer.check($0) },
                make: { try MutabakatBulkHandler($0) }
            ),
        ]
    }
}
