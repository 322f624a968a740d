/// The language of the texts that a task's status has before the task itself says something.
package enum StatusLocale: String, Sendable, Hashable, CaseIterable {
    /// Turkish: the texts that front ends of document 003 show.
    case turkish = "tr"
    /// English.
    case english = "en"

    /// Nothing is stored yet.
    var waiting: String {
        switch self {
        case .turkish: "Bekliyor..."
        case .english: "Waiting..."
        }
    }

    /// The task returned.
    var done: String {
        switch self {
        case .turkish: "Tamamlandı"
        case .english: "Completed"
        }
    }
}
