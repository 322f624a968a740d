import CLibYAML

/// One event of libyaml's parser as a Swift value.
enum YAMLEvent {
    case streamStart
    case streamEnd
    case documentStart
    case documentEnd
    case alias(anchor: String)
    case scalar(YAMLScalar, anchor: String?, tag: String?)
    case sequenceStart(anchor: String?, tag: String?)
    case sequenceEnd
    case mappingStart(anchor: String?, tag: String?)
    case mappingEnd
}

/// libyaml's parser over bytes that outlive it; the only place that touches the C library.
struct EventStream: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let bytes: UnsafeBufferPointer<UInt8>

    /// Starts parsing; the bytes must stay where they are as long as the stream lives.
    init(_ bytes: UnsafeBufferPointer<UInt8>) throws(YAMLError) {
        self.bytes = bytes
        parser = .allocate(capacity: 1)
        parser.initialize(to: yaml_parser_t())
        guard yaml_parser_initialize(parser) == 1 else {
            parser.deallocate()
            throw YAMLError(.limit, "no memory for the parser", at: YAMLPosition(line: 1, column: 1))
        }
        yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
        // Without this libyaml would guess UTF-16 from the first bytes.
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    /// The next event and where it begins; never call it again after `streamEnd` or an error.
    func next() throws(YAMLError) -> (event: YAMLEvent, position: YAMLPosition) {
        var raw = yaml_event_t()
        guard yaml_parser_parse(parser, &raw) == 1 else { throw failure() }
        defer { yaml_event_delete(&raw) }
        return (event(raw), position(raw.start_mark))
    }

    private func event(_ raw: yaml_event_t) -> YAMLEvent {
        switch raw.type {
        case YAML_STREAM_START_EVENT: return .streamStart
        case YAML_DOCUMENT_START_EVENT: return .documentStart
        case YAML_DOCUMENT_END_EVENT: return .documentEnd
        case YAML_ALIAS_EVENT: return .alias(anchor: text(raw.data.alias.anchor) ?? "")
        case YAML_SCALAR_EVENT:
            let scalar = raw.data.scalar
            let content = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            return .scalar(
                YAMLScalar(String(decoding: content, as: UTF8.self), style: style(scalar.style)),
                anchor: text(scalar.anchor),
                tag: text(scalar.tag)
            )
        case YAML_SEQUENCE_START_EVENT:
            let start = raw.data.sequence_start
            return .sequenceStart(anchor: text(start.anchor), tag: text(start.tag))
        case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
        case YAML_MAPPING_START_EVENT:
            let start = raw.data.mapping_start
            return .mappingStart(anchor: text(start.anchor), tag: text(start.tag))
        case YAML_MAPPING_END_EVENT: return .mappingEnd
        default: return .streamEnd
        }
    }

    private func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? { pointer.map { String(cString: $0) } }

    private func style(_ raw: yaml_scalar_style_t) -> YAMLScalar.Style {
        switch raw {
        case YAML_SINGLE_QUOTED_SCALAR_STYLE: .singleQuoted
        case YAML_DOUBLE_QUOTED_SCALAR_STYLE: .doubleQuoted
        case YAML_LITERAL_SCALAR_STYLE: .literal
        case YAML_FOLDED_SCALAR_STYLE: .folded
        default: .plain
        }
    }

    private func position(_ mark: yaml_mark_t) -> YAMLPosition {
        YAMLPosition(line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    }

    // MARK: Errors

    private func failure() -> YAMLError {
        let state = parser.pointee
        switch state.error {
        case YAML_READER_ERROR:
            return YAMLError(.encoding, encodingMessage(state), at: position(ofByte: Int(state.problem_offset)))
        case YAML_MEMORY_ERROR: return YAMLError(.limit, "no memory left", at: position(state.mark))
        default: break
        }
        let place = position(state.problem_mark)
        let context = position(state.context_mark)
        let problem = state.problem.map { String(cString: $0) } ?? "the text is not YAML"
        let hint = hint(for: problem, atByte: Int(state.problem_mark.index))
        guard let words = state.context.map({ String(cString: $0) }) else {
            return YAMLError(.syntax, hint ?? problem, at: place)
        }
        let start = context.line == place.line ? "" : ", begun on line \(context.line)"
        let message = hint ?? "\(problem) \(words)\(start)"
        return YAMLError(.syntax, message, at: place, related: context == place ? nil : context)
    }

    private func encodingMessage(_ state: yaml_parser_t) -> String {
        let problem = state.problem.map { String(cString: $0) } ?? ""
        guard problem.contains("control characters") else { return "the text is not UTF-8" }
        return
            "a control character (U+\(hexadecimal(UInt32(truncatingIfNeeded: state.problem_value)))) may not stand here"
    }

    /// What to say instead where libyaml's words leave people guessing.
    private func hint(for problem: String, atByte index: Int) -> String? {
        // The mark counts characters; up to the first non-ASCII character that is the byte too.
        let character = bytes.prefix(index + 1).allSatisfy { $0 < 0x80 } && index < bytes.count ? bytes[index] : nil
        switch (problem, character) {
        case ("found character that cannot start any token", 0x09): return "a tab may not indent; use spaces"
        case ("found character that cannot start any token", let byte?):
            return "a value may not begin with '\(Character(Unicode.Scalar(byte)))'; put it in quotes"
        case ("mapping values are not allowed in this context", _):
            return "a ':' is not allowed here; quote the text, or check the indentation"
        case ("could not find expected ':'", _): return "a ':' after the key is missing"
        default: return nil
        }
    }

    private func position(ofByte offset: Int) -> YAMLPosition {
        let before = bytes.prefix(offset)
        let line = before.count { $0 == 0x0A } + 1
        let lineStart = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        let column = before[lineStart...].count { $0 & 0xC0 != 0x80 } + 1
        return YAMLPosition(line: line, column: column)
    }

    private func hexadecimal(_ value: UInt32) -> String {
        let digits = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
    }
}
