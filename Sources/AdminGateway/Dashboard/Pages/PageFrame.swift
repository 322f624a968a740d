import CeleryMessage

/// What every page is shown in: who sees it, in which words, at which moment and address.
struct PageFrame: Sendable {
    /// How often pages refresh themselves, in seconds.
    static let refreshSeconds = 5

    /// A note that is shown once, after something was done.
    struct Notice: Sendable, Hashable {
        var text: String
        var isBad = false
    }

    var visitor: Visitor
    var now: Instant
    /// The dashboard's own address, `/admin/jobs` behind the base path.
    var home: String
    /// The address of this page, behind the origin.
    var here: String
    var notice: Notice?
    /// How many dead letters there are; 0 shows no number.
    var dead = 0

    var words: Words { Words.of(visitor.locale) }
    var humanizer: Humanizer { Humanizer(words: words, now: now) }

    /// The page in HTML.
    func html(_ page: Page) -> String {
        var context = common(page.title)
        context["subtitle"] = maybe(page.subtitle)
        context["crumb"] = page.crumb.map { ["label": $0.label, "path": $0.path] } ?? false as Any
        context["refresh"] = page.refreshes ? Self.refreshSeconds as Any : false
        context["notice"] = notice.map { ["text": $0.text, "kind": $0.isBad ? "bad" : ""] } ?? false as Any
        context["nav"] = navigation(page.section)
        context["user"] = visitor.user?.name ?? ""
        context["role"] = visitor.user.map { words["role.\($0.role.rawValue)"] } ?? ""
        context["canOperate"] = visitor.has(.operator)
        context["canAdmin"] = visitor.has(.admin)
        context["canLeave"] = !visitor.formToken.isEmpty
        context["csrf"] = visitor.formToken
        context["here"] = here
        return Templates.shared.page(page.template, context.merging(page.content) { $1 })
    }

    /// The page on which a token is typed.
    func gate(hasUsers: Bool, problem: String?, next: String) -> String {
        var context = common(words["login"])
        context["hasUsers"] = hasUsers
        context["problem"] = maybe(problem)
        context["next"] = next
        return Templates.shared.page("gate", context)
    }

    private func common(_ title: String) -> [String: Any] {
        [
            "t": words.texts, "lang": visitor.locale.rawValue, "theme": maybe(visitor.theme), "title": title,
            "home": home, "version": Assets.version, "next": PercentEncoding.encoded(here),
            "otherTheme": visitor.theme == "dark" ? "light" : "dark", "languages": languages,
        ]
    }

    private var languages: [[String: Any]] {
        [("en", "English", "EN"), ("tr", "Türkçe", "TR")].map { code, name, short in
            ["code": code, "name": name, "short": short, "isCurrent": code == visitor.locale.rawValue]
        }
    }

    private func navigation(_ current: Page.Section?) -> [[String: Any]] {
        Page.Section.allCases.map { section in
            [
                "path": section.path, "key": section.key, "icon": section.icon, "label": words[section.rawValue],
                "isCurrent": section == current,
                "count": section == .dead && dead > 0 ? humanizer.count(dead) as Any : false,
            ]
        }
    }

    // MARK: Addresses

    func path(queue: String) -> String { "\(home)/queues/\(PercentEncoding.encoded(queue))" }

    func path(worker: String) -> String { "\(home)/workers/\(PercentEncoding.encoded(worker))" }

    func path(task: String, queue: String? = nil) -> String {
        let query = queue.flatMap { $0.isEmpty ? nil : "?queue=\(PercentEncoding.encoded($0))" } ?? ""
        return "\(home)/tasks/\(PercentEncoding.encoded(task))\(query)"
    }

    /// An address with the fields that are not empty.
    static func address(_ path: String, _ fields: KeyValuePairs<String, String?>) -> String {
        let parts = fields.compactMap { name, value in
            value.flatMap { $0.isEmpty ? nil : "\(name)=\(PercentEncoding.encoded($0))" }
        }
        return parts.isEmpty ? path : "\(path)?\(parts.joined(separator: "&"))"
    }

    /// Where a part of a list goes on, and where it came from.
    func pager(offset: Int, shown: Int, total: Int?, size: Int, _ address: (Int) -> String) -> Any {
        guard offset > 0 || total.map({ $0 > shown }) ?? (shown >= size) else { return false }
        let range = words[
            total == nil ? "range" : "rangeOf",
            [
                "from": humanizer.count(shown == 0 ? offset : offset + 1), "to": humanizer.count(offset + shown),
                "n": humanizer.count(total ?? 0),
            ]
        ]
        let isMore = total.map { offset + shown < $0 } ?? (shown >= size)
        return [
            "text": range, "previous": offset > 0 ? address(max(0, offset - size)) as Any : false,
            "following": isMore && shown > 0 ? address(offset + size) as Any : false,
        ] as [String: Any]
    }

    /// A name in the form that an element's id may have.
    static func key(_ name: String) -> String { PercentEncoding.encoded(name) }

    /// The last part of a task's name, which tells most.
    static func short(_ task: String) -> String { task.split(separator: ".").last.map(String.init) ?? task }
}
