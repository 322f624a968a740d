import CeleriacTasks
import HandlersDebug
import HandlersExcel
import HandlersMail
import HandlersMaintenance
import HandlersPDF
import HandlersSMS

/// Every handler this program has.
enum Handlers {
    static let registry = HandlerRegistry(
        DebugHandlers.factories + PDFHandlers.factories + MailHandlers.factories + SMSHandlers.factories
            + ExcelHandlers.factories + MaintenanceHandlers.factories
    )
}
