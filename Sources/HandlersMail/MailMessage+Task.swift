import CeleriacTasks
public import SMTP

extension MailMessage {
    /// A message id for one mail of one task: `task.place@domain`.
    public static func messageID(task: String, place: Int?, domain: String) -> String {
        TaskRequest.fileName(task) + (place.map { ".\($0)" } ?? "") + "@" + domain
    }
}
