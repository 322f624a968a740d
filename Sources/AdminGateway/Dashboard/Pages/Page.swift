/// A page before it is put into its frame.
struct Page {
    /// The place of a page in the navigation.
    enum Section: String, CaseIterable {
        case overview, tasks, workers, schedule, dead, audit

        /// Behind the dashboard's own address.
        var path: String {
            switch self {
            case .overview: ""
            case .dead: "/dead-letters"
            default: "/\(rawValue)"
            }
        }

        /// The key that leads there, after a `g`.
        var key: String { String(rawValue.prefix(1)) }

        /// The lines of its picture, 16 by 16.
        var icon: String {
            switch self {
            case .overview: "M2 9.5 5.5 6l3 2.5L14 3M2 13.500h12"
            case .tasks: "M5.5 4H14M5.5 8H14M5.5 12H14M2 4h.5M2 8h.5M2 12h.5"
            case .workers: "M2.5 3h11v7h-11zM5.5 13h5M8 10v3"
            case .schedule: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 5v3l2 1.5"
            case .dead: "M2 3.500h12v9H2zM2 4.5 8 9l6-4.5"
            case .audit: "M4 2h6l2.5 2.500V14H4zM6 7h4.500M6 9.500h4.500M6 12h3"
            }
        }
    }

    /// The template of what is in the frame.
    var template: String
    /// Where it stands in the navigation.
    var section: Section?
    var title: String
    var subtitle: String?
    /// The page above it: label, and path behind the dashboard's own address.
    var crumb: (label: String, path: String)?
    /// Whether it shows something that changes by itself.
    var refreshes = true
    /// What the template is filled with.
    var content: [String: Any] = [:]
}

/// A value for a template that may be missing: false, so that no value of an outer level of the same name takes its place.
func maybe(_ value: Any?) -> Any { value ?? false }

/// A text for a template; an empty one counts as missing.
func maybe(_ text: String?) -> Any { text.flatMap { $0.isEmpty ? nil : $0 } ?? false }
