import Celeriac

/// Errbacks of the old style, called with the failed task's id, and of the new one, called with what failed.
enum Errbacks {
    static let tasks: [any TaskDeclaration] = [
        TaskDefinition(integration("errback_old_style"), "request_id") { (id: String) in
            try await RedisMarks.increment(id)
            return id
        },
        TaskDefinition(integration("errback_old_style_with_args"), "request_id", "label") {
            (id: String, label: String) in
            try await RedisMarks.push(label, to: id)
        },
        TaskDefinition(
            integration("errback_new_style"),
            "request",
            "exc",
            "tb",
            options: TaskOptions(takesFailureDetails: true)
        ) { (request: Failed, _: JSONValue, _: JSONValue) in
            try await RedisMarks.increment(request.id)
            return request.id
        },
        TaskDefinition(
            integration("errback_new_style_with_args"),
            "request",
            "exc",
            "tb",
            "label",
            options: TaskOptions(takesFailureDetails: true)
        ) { (request: Failed, _: JSONValue, _: JSONValue, label: String) in
            try await RedisMarks.push(label, to: request.id)
        },
    ]

    /// What these errbacks need of the failed task.
    struct Failed: Codable {
        var id: String
    }
}
