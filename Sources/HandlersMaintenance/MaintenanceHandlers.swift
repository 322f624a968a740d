public import CeleriacTasks

/// The handlers that keep a system tidy.
public enum MaintenanceHandlers {
    /// `maintenance.cleanup_old_logs` and `maintenance.check_password_expiry`.
    public static let factories: [HandlerFactory] = [
        HandlerFactory(
            name: "maintenance.cleanup_old_logs",
            summary: "deletes old log files and old rows: cleanup_old_logs(days=None, dry_run=None)"
        ) { setup in
            CleanupOldLogs(options: try CleanupOptions(setup))
        },
        HandlerFactory(
            name: "maintenance.check_password_expiry",
            summary: "mails users whose password is about to expire: check_password_expiry(days=None)"
        ) { setup in
            CheckPasswordExpiry(options: try PasswordExpiryOptions(setup))
        },
    ]
}
