public import CeleriacTasks
import HandlersDebug
import HandlersExcel
import HandlersMail
import HandlersMaintenance
import HandlersPDF
import HandlersSMS

/// Every handler that the shipped programs have.
public enum ShippedHandlers {
    /// The handlers by name.
    public static let registry = HandlerRegistry(
        DebugHandlers.factories + PDFHandlers.factories + MailHandlers.factories + SMSHandlers.factories
            + ExcelHandlers.factories + MaintenanceHandlers.factories
    )
}
