extension Signature {
    /// Gives the signature, and every part of a canvas, the id it will run under, as Celery's `freeze`; ids that are
    /// there stay.
    ///
    /// So whoever sends it later can already say which results there will be.
    ///
    /// - Parameter makeID: makes the ids of tasks and groups.
    /// - Returns: the result to wait for: the last task of a chain with the others as parents, the body of a chord, a
    ///   group with its members.
    /// - Throws: ``MessageError`` for a canvas that lacks parts, an empty chain too.
    public mutating func freeze(
        makeID: @escaping @Sendable () -> String = { Identifier.uuid() }
    ) throws(MessageError) -> ResultTuple {
        let context = DispatchContext(parent: nil, origin: "", now: Instant(microseconds: 0), makeID: makeID)
        let result = try SignatureSender(context: context).freeze(&self, SignatureSender.Place())
        // As `group.apply_async` answers for a group whose only member ends in a group.
        if kind == .group, let only = result.members?.first, result.members?.count == 1, only.members != nil {
            return only
        }
        return result
    }
}
