import CeleryMessage
import Inspection

/// Who changed what.
struct AuditListPage {
    /// How many changes one page has.
    static let size = 100

    var changes: AuditPage
    var offset = 0

    func page(_ frame: PageFrame) -> Page {
        let words = frame.words
        return Page(
            template: "audit",
            section: .audit,
            title: words["audit"],
            content: [
                "hasEntries": !changes.entries.isEmpty,
                "entries": changes.entries.map { entry in
                    [
                        "when": frame.humanizer.time(entry.at), "who": entry.who, "action": entry.action,
                        "target": entry.target, "outcome": entry.outcome, "address": entry.address,
                        "detail": maybe(entry.detail.isEmpty ? nil : WebJSON.string(.object(entry.detail))),
                    ]
                },
                "pager": frame.pager(
                    offset: offset,
                    shown: changes.entries.count,
                    total: changes.total,
                    size: Self.size
                ) { PageFrame.address(frame.home + "/audit", ["offset": $0 == 0 ? nil : String($0)]) },
            ]
        )
    }
}
