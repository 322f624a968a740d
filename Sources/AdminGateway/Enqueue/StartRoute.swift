/// An address of an application's own that starts one task.
package struct StartRoute: Sendable, Hashable {
    /// The address, `/api/mutabakat/generate-pdf-async`.
    package var path: String
    /// The task it starts; the body's members are its keyword arguments.
    package var task: String
    /// The queue; by default the task's own.
    package var queue: String?
    /// The arguments it takes, each of them needed; `nil` takes any.
    package var arguments: [String]?
    /// Who may use it.
    package var access = GatewayConfiguration.Access.token

    /// A route for users with a token.
    package init(path: String, task: String) {
        self.path = path
        self.task = task
    }
}
