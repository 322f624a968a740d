/// First in, first out, without moving elements at each removal.
struct Queue<Element> {
    private var elements: [Element?] = []
    private var head = 0

    /// The number of elements.
    var count: Int { elements.count - head }
    /// Whether there are none.
    var isEmpty: Bool { head == elements.count }
    /// The element that leaves next.
    var first: Element? { isEmpty ? nil : elements[head] }

    /// Adds an element at the end.
    mutating func append(_ element: Element) { elements.append(element) }

    /// Removes the first element.
    mutating func popFirst() -> Element? {
        guard !isEmpty else { return nil }
        let element = elements[head]
        elements[head] = nil
        head += 1
        if head == elements.count {
            elements.removeAll(keepingCapacity: elements.count <= 1024)
            head = 0
        } else if head >= 64, head * 2 >= elements.count {
            elements.removeFirst(head)
            head = 0
        }
        return element
    }

    /// Removes the first element for which `matches` holds, and says whether there was one.
    mutating func remove(where matches: (Element) -> Bool) -> Bool {
        guard let place = elements[head...].firstIndex(where: { $0.map(matches) ?? false }) else { return false }
        elements.remove(at: place)
        return true
    }

    /// Removes all elements but the first few and returns them in order.
    mutating func removeAll(keeping kept: Int = 0) -> [Element] {
        let end = min(head + kept, elements.count)
        defer { elements.removeSubrange(end...) }
        return elements[end...].compactMap(\.self)
    }

    /// Calls `body` with each element in order.
    func forEach(_ body: (Element) -> Void) {
        for element in elements[head...] { if let element { body(element) } }
    }
}
