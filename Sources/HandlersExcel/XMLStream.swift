import CExpat
import Glibc

/// Receives the parts of an XML document in order.
protocol XMLEvents: AnyObject {
    /// An element begins.
    func start(_ name: XMLName, _ attributes: XMLAttributes) throws(WorkbookError)
    /// The innermost open element ends.
    func end(_ name: XMLName) throws(WorkbookError)
    /// A piece of text, UTF-8; one text may come in many pieces.
    func text(_ piece: UnsafeBufferPointer<UInt8>) throws(WorkbookError)
}

/// An element's name with its namespace resolved, whatever prefix the producer chose.
struct XMLName {
    /// Between namespace and name; no URI can hold it.
    static let separator = CChar(UInt8(ascii: "|"))
    private static let transitional: StaticString = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    private static let strict: StaticString = "http://purl.oclc.org/ooxml/spreadsheetml/main"

    private let local: UnsafePointer<CChar>
    /// Whether the element is one of SpreadsheetML's own (transitional, strict, or in no namespace at all); others
    /// are extensions that only share names.
    let isSpreadsheet: Bool

    init(_ full: UnsafePointer<CChar>) {
        guard let bar = strrchr(full, Int32(Self.separator)) else {
            local = full
            isSpreadsheet = true
            return
        }
        let length = UnsafePointer(bar) - full
        local = UnsafePointer(bar) + 1
        isSpreadsheet = Self.equal(full, length, Self.transitional) || Self.equal(full, length, Self.strict)
    }

    /// Compares the name without its namespace.
    static func == (name: XMLName, text: StaticString) -> Bool {
        name.local.pointee == CChar(text.utf8Start.pointee) && cEqual(name.local, text)
    }

    private static func equal(_ bytes: UnsafePointer<CChar>, _ count: Int, _ text: StaticString) -> Bool {
        count == text.utf8CodeUnitCount && memcmp(bytes, text.utf8Start, count) == 0
    }
}

/// The attributes of one element, read in place.
struct XMLAttributes {
    private let list: UnsafeMutablePointer<UnsafePointer<CChar>?>

    init(_ list: UnsafeMutablePointer<UnsafePointer<CChar>?>) { self.list = list }

    /// The bytes of the attribute without a prefix, ended by a zero, or `nil`.
    func bytes(_ name: StaticString) -> UnsafePointer<CChar>? {
        first { cEqual($0, name) }
    }

    /// The attribute without a prefix, or `nil`.
    func text(_ name: StaticString) -> String? { bytes(name).map { String(cString: $0) } }

    /// A whole number of at most nine digits, or `nil`.
    func int(_ name: StaticString) -> Int? {
        guard let bytes = bytes(name), strlen(bytes) <= 9 else { return nil }
        return Int(String(cString: bytes))
    }

    /// The attribute that refers to a relationship, `r:id` by its usual prefix.
    var relationship: String? {
        let end: StaticString = "/relationships|id"
        let found = first { name in
            let length = strlen(name)
            return length >= end.utf8CodeUnitCount && cEqual(name + (length - end.utf8CodeUnitCount), end)
        }
        return found.map { String(cString: $0) }
    }

    private func first(where matches: (UnsafePointer<CChar>) -> Bool) -> UnsafePointer<CChar>? {
        var place = list
        while let name = place.pointee {
            if matches(name) { return place[1] }
            place += 2
        }
        return nil
    }
}

private func cEqual(_ bytes: UnsafePointer<CChar>, _ text: StaticString) -> Bool {
    text.utf8Start.withMemoryRebound(to: CChar.self, capacity: text.utf8CodeUnitCount + 1) { strcmp(bytes, $0) == 0 }
}

/// A push parser for one XML document from an untrusted file: expat with namespaces, no DOCTYPE, bounded depth and
/// markup.
final class XMLStream {
    private let parser: XML_Parser
    private let part: String
    private let limits: WorkbookLimits
    private var receiver: (any XMLEvents)?
    private var failure: WorkbookError?
    private var depth = 0
    private var fed = 0

    /// Starts a document; `part` names it in errors.
    init(part: String, limits: WorkbookLimits) throws(WorkbookError) {
        guard let parser = XML_ParserCreateNS(nil, XMLName.separator) else {
            throw WorkbookError(.tooLarge, "no memory for another XML parser")
        }
        self.parser = parser
        self.part = part
        self.limits = limits
        XML_SetUserData(parser, Unmanaged.passUnretained(self).toOpaque())
        XML_SetElementHandler(
            parser,
            { context, name, attributes in
                guard let stream = XMLStream.from(context), let name, let attributes else { return }
                stream.start(name, attributes)
            },
            { context, name in
                guard let stream = XMLStream.from(context), let name else { return }
                stream.depth -= 1
                stream.deliver { (events) throws(WorkbookError) in try events.end(XMLName(name)) }
            }
        )
        XML_SetCharacterDataHandler(parser) { context, bytes, count in
            guard let stream = XMLStream.from(context), let bytes else { return }
            bytes.withMemoryRebound(to: UInt8.self, capacity: Int(count)) { bytes in
                let piece = UnsafeBufferPointer(start: bytes, count: Int(count))
                stream.deliver { (events) throws(WorkbookError) in try events.text(piece) }
            }
        }
        // No workbook has a document type; entities, external files and their bombs all start with one.
        XML_SetStartDoctypeDeclHandler(parser) { context, _, _, _, _ in
            guard let stream = XMLStream.from(context) else { return }
            stream.fail(WorkbookError(.hostile, "\(stream.part) has a DOCTYPE, which no workbook needs"))
        }
    }

    deinit { XML_ParserFree(parser) }

    /// Parses the next bytes; an empty chunk ends the document.
    func feed(_ chunk: UnsafeRawBufferPointer, to events: any XMLEvents) throws(WorkbookError) {
        receiver = events
        defer { receiver = nil }
        fed += chunk.count
        let bytes = chunk.baseAddress?.assumingMemoryBound(to: CChar.self)
        let status = XML_Parse(parser, bytes, Int32(chunk.count), chunk.isEmpty ? 1 : 0)
        if let failure { throw failure }
        guard status == XML_STATUS_OK else {
            let code = XML_GetErrorCode(parser)
            let text = XML_ErrorString(code).map { String(cString: $0) } ?? "error \(code.rawValue)"
            throw WorkbookError(
                .damaged,
                "\(part) is damaged at line \(XML_GetCurrentLineNumber(parser)): \(text)"
            )
        }
        // What follows the last event is one unfinished tag or comment.
        guard chunk.isEmpty || fed - Int(XML_GetCurrentByteIndex(parser)) <= limits.markupBytes + chunk.count else {
            throw WorkbookError(.hostile, "\(part) has a tag or comment of more than \(limits.markupBytes) bytes")
        }
    }

    /// Parses a whole entry.
    static func parse(_ entry: ZipEntry, to events: any XMLEvents, limits: WorkbookLimits) throws(WorkbookError) {
        let stream = try XMLStream(part: entry.name, limits: limits)
        while true {
            let chunk = try entry.read()
            try stream.feed(chunk, to: events)
            if chunk.isEmpty { return }
        }
    }

    private func start(_ name: UnsafePointer<CChar>, _ attributes: UnsafeMutablePointer<UnsafePointer<CChar>?>) {
        depth += 1
        guard depth <= limits.depth else {
            return fail(WorkbookError(.hostile, "\(part) nests elements more than \(limits.depth) deep"))
        }
        deliver { (events) throws(WorkbookError) in try events.start(XMLName(name), XMLAttributes(attributes)) }
    }

    private func deliver(_ event: (any XMLEvents) throws(WorkbookError) -> Void) {
        guard failure == nil, let receiver else { return }
        do throws(WorkbookError) { try event(receiver) } catch { fail(error) }
    }

    /// Errors cannot pass through expat's frames: keep the first, stop the parser, throw in ``feed(_:to:)``.
    private func fail(_ error: WorkbookError) {
        if failure == nil { failure = error }
        XML_StopParser(parser, XML_Bool(0))
    }

    private static func from(_ context: UnsafeMutableRawPointer?) -> XMLStream? {
        context.map { Unmanaged<XMLStream>.fromOpaque($0).takeUnretainedValue() }
    }
}
