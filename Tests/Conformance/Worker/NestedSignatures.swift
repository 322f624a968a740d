import Celeriac

/// Tasks that return canvases as values, without sending them, and one that reads such a value.
enum NestedSignatures {
    private static let add = Arithmetic.add.partial()

    static let tasks: [any TaskDeclaration] = [
        returning("chain_chain", .chain(.chain(add))),
        returning("chain_group", .chain(.group(add))),
        returning("chain_chord", .chain(.chord(header: [add], body: add))),
        returning("group_chain", .group(.chain(add))),
        returning("group_group", .group(.group(add))),
        returning("group_chord", .group(.chord(header: [add], body: add))),
        returning("chord_chain", .chord(header: [.chain(add)], body: add)),
        returning("chord_group", .chord(header: [.group(add)], body: add)),
        returning("chord_chord", .chord(header: [.chord(header: [add], body: add)], body: add)),
        TaskDefinition(integration("rebuild_signature"), "sig_dict") { (value: JSONValue) in try check(value) },
    ]

    private static func returning(_ name: String, _ signature: Signature) -> any TaskDeclaration {
        TaskDefinition(integration("return_nested_signature_\(name)")) { signature }
    }

    /// Refuses what is no signature, in every part of a canvas.
    private static func check(_ value: JSONValue) throws {
        let signature: Signature
        do {
            signature = try Signature(json: value)
        } catch {
            throw TaskFailure.typeError("\(value) is not a signature object")
        }
        for part in signature.kwargs["tasks"]?.array ?? [] { try check(part) }
        switch signature.kwargs["header"] {
        case .array(let parts)?: for part in parts { try check(part) }
        case let header?: try check(header)
        case nil: break
        }
        if let body = signature.kwargs["body"] { try check(body) }
    }
}
