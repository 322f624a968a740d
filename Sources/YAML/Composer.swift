/// Builds nodes from events: expands aliases, merges merge keys, refuses repeated keys, counts what it builds.
struct Composer: ~Copyable {
    private let events: EventStream
    private let limits: YAMLLimits
    private var anchors: [String: Anchor] = [:]
    private var total = Weight()

    /// What a node costs when it is expanded once more.
    private struct Weight {
        var nodes = 0
        var bytes = 0
        /// Levels of nesting, 1 for a scalar.
        var height = 0

        mutating func add(_ part: Weight) {
            nodes += part.nodes
            bytes += part.bytes
            height = max(height, part.height)
        }
    }

    private enum Anchor {
        /// Its node is still being read: an alias now would contain itself.
        case open
        case complete(YAMLNode, Weight)
    }

    /// A block at the top whose entries are handed on as they are read, and kept by nobody here.
    struct Handing {
        var key: String
        /// Takes an entry, and the entries that stand above the block.
        var take: (_ entry: YAMLEntry, _ above: [YAMLEntry]) -> Void
    }

    private typealias Weighed = (node: YAMLNode, weight: Weight)

    init(events: consuming EventStream, limits: YAMLLimits) {
        self.events = events
        self.limits = limits
    }

    /// The only document of the stream, but for what stands in the block that `handing` names.
    mutating func document(_ handing: Handing? = nil) throws(YAMLError) -> YAMLNode {
        _ = try events.next()
        let start = try events.next()
        guard case .documentStart = start.event else {
            return YAMLNode(.scalar(YAMLScalar("")), position: start.position)
        }
        let first = try events.next()
        let root: YAMLNode
        if let handing, case .mappingStart(nil, nil) = first.event {
            root = try mapping(tag: nil, at: first.position, depth: 1, handing).node
        } else {
            root = try node(first.event, at: first.position, depth: 1).node
        }
        _ = try events.next()
        let end = try events.next()
        guard case .streamEnd = end.event else {
            throw YAMLError(.severalDocuments, "a second document begins here; only one is read", at: end.position)
        }
        return root
    }

    private mutating func node(_ event: YAMLEvent, at position: YAMLPosition, depth: Int) throws(YAMLError) -> Weighed {
        switch event {
        case .alias(let name): return try alias(name, at: position, depth: depth)
        case .scalar(let scalar, let anchor, let tag):
            let node = YAMLNode(.scalar(scalar), tag: tag, position: position)
            let weight = Weight(nodes: 1, bytes: scalar.text.utf8.count, height: 1)
            try count(weight, at: position, depth: depth)
            if let anchor { anchors[anchor] = .complete(node, weight) }
            return (node, weight)
        case .sequenceStart(let anchor, let tag):
            if let anchor { anchors[anchor] = .open }
            let list = try sequence(tag: tag, at: position, depth: depth)
            if let anchor { anchors[anchor] = .complete(list.node, list.weight) }
            return list
        case .mappingStart(let anchor, let tag):
            if let anchor { anchors[anchor] = .open }
            let mapping = try mapping(tag: tag, at: position, depth: depth)
            if let anchor { anchors[anchor] = .complete(mapping.node, mapping.weight) }
            return mapping
        default: throw YAMLError(.syntax, "a value is missing here", at: position)
        }
    }

    private mutating func alias(_ name: String, at position: YAMLPosition, depth: Int) throws(YAMLError) -> Weighed {
        switch anchors[name] {
        case .complete(let node, let weight):
            try count(weight, at: position, depth: depth)
            return (node, weight)
        case .open: throw YAMLError(.alias, "the alias *\(name) stands inside the value it names", at: position)
        case nil: throw YAMLError(.alias, "no anchor &\(name) stands before the alias *\(name)", at: position)
        }
    }

    private mutating func sequence(tag: String?, at position: YAMLPosition, depth: Int) throws(YAMLError) -> Weighed {
        try count(Weight(nodes: 1, bytes: 0, height: 1), at: position, depth: depth)
        var items: [YAMLNode] = []
        var inside = Weight()
        while true {
            let (event, place) = try events.next()
            if case .sequenceEnd = event { break }
            let item = try node(event, at: place, depth: depth + 1)
            items.append(item.node)
            inside.add(item.weight)
        }
        return (YAMLNode(.sequence(items), tag: tag, position: position), outer(inside))
    }

    private mutating func mapping(
        tag: String?,
        at position: YAMLPosition,
        depth: Int,
        _ handing: Handing? = nil
    ) throws(YAMLError) -> Weighed {
        try count(Weight(nodes: 1, bytes: 0, height: 1), at: position, depth: depth)
        var entries: [YAMLEntry] = []
        var places = KeyPlaces()
        var merged: Weighed?
        var inside = Weight()
        while let key = try nextKey(&places, depth: depth + 1) {
            let next = try events.next()
            if let handing, key.text == handing.key, !key.isMerge, case .mappingStart(nil, nil) = next.event {
                try handOn(at: next.position, above: entries, handing)
                entries.append(key.entry(YAMLNode(.mapping([]), position: next.position)))
                continue
            }
            let value = try node(next.event, at: next.position, depth: depth + 1)
            inside.add(Weight(nodes: 1, bytes: key.text.utf8.count, height: 1))
            if key.isMerge {
                merged = value
                // libyaml gives an alias' target, whose own place may be lines away.
                merged?.node.position = next.position
            } else {
                inside.add(value.weight)
                entries.append(key.entry(value.node))
            }
        }
        if let merged {
            inside.add(merged.weight)
            entries += try inherited(from: merged.node, except: places)
        }
        return (YAMLNode(.mapping(entries), tag: tag, position: position), outer(inside))
    }

    /// Reads a mapping at the top and hands its entries on, one after another; those of a merge key last.
    private mutating func handOn(
        at position: YAMLPosition,
        above: [YAMLEntry],
        _ handing: Handing
    ) throws(YAMLError) {
        try count(Weight(nodes: 1, bytes: 0, height: 1), at: position, depth: 2)
        var places = KeyPlaces()
        var merged: YAMLNode?
        while let key = try nextKey(&places, depth: 3) {
            let next = try events.next()
            let value = try node(next.event, at: next.position, depth: 3).node
            guard key.isMerge else {
                handing.take(key.entry(value), above)
                continue
            }
            merged = value
            merged?.position = next.position
        }
        guard let merged else { return }
        for entry in try inherited(from: merged, except: places) { handing.take(entry, above) }
    }

    /// A key of a mapping.
    private struct Key {
        var text: String
        var style: YAMLScalar.Style
        var position: YAMLPosition
        var isMerge: Bool

        func entry(_ value: YAMLNode) -> YAMLEntry {
            YAMLEntry(key: text, keyStyle: style, keyPosition: position, value: value)
        }
    }

    /// The next key of a mapping, which must not have stood in it before; `nil` at its end.
    private mutating func nextKey(_ places: inout KeyPlaces, depth: Int) throws(YAMLError) -> Key? {
        let (event, place) = try events.next()
        if case .mappingEnd = event { return nil }
        let (key, isMerge) = try key(event, at: place, depth: depth)
        if let first = places.note(key.text, at: place) {
            let message = "the key '\(Self.shortened(key.text))' stands here twice; first on line \(first.line)"
            throw YAMLError(.duplicateKey, message, at: place, related: first)
        }
        return Key(text: key.text, style: key.style, position: place, isMerge: isMerge)
    }

    private mutating func key(
        _ event: YAMLEvent,
        at position: YAMLPosition,
        depth: Int
    ) throws(YAMLError) -> (scalar: YAMLScalar, isMerge: Bool) {
        let node = try node(event, at: position, depth: depth).node
        guard let scalar = node.scalar else {
            throw YAMLError(.unsupportedKey, "a key must be a single value, not a list or a mapping", at: position)
        }
        return (scalar, scalar.text == "<<" && scalar.style == .plain && node.tag == nil)
    }

    /// The entries a merge key adds: those of the first mapping that has the key, never one that stands there itself.
    private func inherited(from node: YAMLNode, except own: KeyPlaces) throws(YAMLError) -> [YAMLEntry] {
        let sources: [YAMLNode]
        switch node.content {
        case .mapping: sources = [node]
        case .sequence(let items): sources = items
        case .scalar: sources = []
        }
        guard !sources.isEmpty || node.sequence != nil, sources.allSatisfy({ $0.mapping != nil }) else {
            throw YAMLError(.merge, "the merge key << takes a mapping or a list of mappings", at: node.position)
        }
        var seen = own
        return sources.flatMap { $0.mapping ?? [] }.filter { seen.note($0.key, at: $0.keyPosition) == nil }
    }

    private func outer(_ inside: Weight) -> Weight {
        Weight(nodes: inside.nodes + 1, bytes: inside.bytes, height: inside.height + 1)
    }

    private mutating func count(_ weight: Weight, at position: YAMLPosition, depth: Int) throws(YAMLError) {
        total.nodes += weight.nodes
        total.bytes += weight.bytes
        guard depth + weight.height - 1 <= limits.depth else {
            throw YAMLError(.limit, "nested deeper than \(limits.depth) levels", at: position)
        }
        guard total.nodes <= limits.nodes else {
            throw YAMLError(.limit, "more than \(limits.nodes) values, aliases expanded", at: position)
        }
        guard total.bytes <= limits.expandedBytes else {
            throw YAMLError(.limit, "more than \(limits.expandedBytes) bytes of values, aliases expanded", at: position)
        }
    }

    private static func shortened(_ text: String) -> String {
        text.unicodeScalars.count > 60 ? String(text.prefix(60)) + "…" : text
    }
}
