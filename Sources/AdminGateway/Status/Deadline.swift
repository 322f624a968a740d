/// Runs `body`, and calls `onDeadline` when it takes longer; what `body` then does is its own affair.
func withDeadline<Value: Sendable>(
    _ limit: Duration,
    onDeadline: @escaping @Sendable () -> Void,
    _ body: () async throws -> Value
) async throws -> Value {
    let timer = Task {
        guard (try? await Task.sleep(for: limit)) != nil else { return }  // cancelled: the body was quicker
        onDeadline()
    }
    defer { timer.cancel() }
    return try await body()
}
