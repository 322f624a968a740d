import HTMLTemplates
import Mustache

/// The pages' templates, parsed once; everything they are given is escaped.
struct Templates: Sendable {
    static let shared = Templates()

    /// All of them by name.
    static let sources: [(name: String, source: [UInt8])] = [
        ("layout", PackageResources.layout_mustache), ("gate", PackageResources.gate_mustache),
        ("overview", PackageResources.overview_mustache), ("pager", PackageResources.pager_mustache),
        ("tasks", PackageResources.tasks_mustache), ("tasktable", PackageResources.tasktable_mustache),
        ("bulk", PackageResources.bulk_mustache), ("queue", PackageResources.queue_mustache),
        ("task", PackageResources.task_mustache), ("branch", PackageResources.branch_mustache),
        ("workers", PackageResources.workers_mustache), ("worker", PackageResources.worker_mustache),
        ("schedule", PackageResources.schedule_mustache), ("audit", PackageResources.audit_mustache),
        ("deadletters", PackageResources.deadletters_mustache), ("deadgroup", PackageResources.deadgroup_mustache),
        ("confirm", PackageResources.confirm_mustache), ("problem", PackageResources.problem_mustache),
    ]

    private let library: MustacheLibrary

    private init() {
        var library = MustacheLibrary()
        for (name, source) in Self.sources {
            do {
                library.register(try MustacheTemplate(html: String(decoding: source, as: UTF8.self)), named: name)
            } catch {
                preconditionFailure("the template \(name): \(error)")  // Part of this program: every test parses it.
            }
        }
        self.library = library
    }

    /// A template filled.
    func page(_ name: String, _ context: [String: Any]) -> String { library.render(context, withTemplate: name) ?? "" }
}
