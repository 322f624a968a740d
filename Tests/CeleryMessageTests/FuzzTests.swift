import CeleryMessage
import Foundation
import Testing

/// Makes inputs that are almost right, the same ones in every run.
private struct Mutator {
    var generator: SplitMix
    private static let pieces: [[UInt8]] = [
        "\"", "\\", "\\u", "\\ud83d", "{", "}", "[", "]", ",", ":", "null", "true", "1e999", "-", "0", "NaN",
        "-Infinity",
        "__type__", "\"a\":", "\u{10FFFF}", "é",
    ].map { Array($0.utf8) }

    mutating func mutate(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let place = Int.random(in: 0...bytes.count, using: &generator)
            switch Int.random(in: 0..<6, using: &generator) {
            case 0 where place < bytes.count: bytes[place] = UInt8(truncatingIfNeeded: generator.next())
            case 1 where place < bytes.count: bytes.remove(at: place)
            case 2: bytes.insert(UInt8(truncatingIfNeeded: generator.next()), at: place)
            case 3: bytes.insert(contentsOf: Self.pieces.randomElement(using: &generator) ?? [], at: place)
            case 4: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 0...20, using: &generator)))
            default:
                let end = min(bytes.count, place + Int.random(in: 0...20, using: &generator))
                bytes.insert(contentsOf: bytes[place..<end], at: Int.random(in: 0...bytes.count, using: &generator))
            }
        }
        return bytes
    }
}

@Suite struct Fuzzing {
    @Test(arguments: 0..<4 as Range<UInt64>)
    func `of JSON agrees with Foundation and never traps`(seed: UInt64) throws {
        var mutator = Mutator(generator: SplitMix(state: seed))
        let seeds = [
            #"{"a": [1, -2.5e3, "x\u00e9\n", null, true], "b": {"c": "é😀", "d": []}, "long key of text": 123456789012}"#,
            #"[[2, 3], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]"#,
            #"["0123456789abcdef\\\"\/", 0, 0.5, 1e10, {"": {}}]"#,
        ].map { Array($0.utf8) }
        var agreed = 0
        for round in 0..<4000 {
            let bytes = mutator.mutate(seeds[round % seeds.count])
            let ours = try? JSONReader.value(bytes)
            if let ours {
                let written = JSONWriter.bytes(ours)
                #expect(JSONWriter.bytes(try JSONReader.value(written)) == written)
            }
            guard isCommonGround(bytes) else { continue }
            let theirs = try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
            #expect((ours == nil) == (theirs == nil), "\(text(bytes))")
            if ours != nil { agreed += 1 }
        }
        #expect(agreed > 200)
    }

    /// Whether the dialects agree: Python has more numbers and lone surrogates, decodes tags and reads UTF-8 only,
    /// while Foundation refuses numbers beyond a double, strips a byte order mark and lets a comma end a container.
    private func isCommonGround(_ bytes: [UInt8]) -> Bool {
        guard String(validating: bytes, as: UTF8.self) != nil, !bytes.contains(0), !bytes.starts(with: [0xEF, 0xBB])
        else {
            return false
        }
        let written = text(bytes)
        return !["NaN", "Infinity", "__type__", "\\ud", "\\uD"].contains { written.contains($0) }
            && !written.contains(/[eE][+-]?\d{3,}|,\s*[\]}]/)
    }

    @Test(arguments: 0..<4 as Range<UInt64>)
    func `of messages ends in a message or a reason`(seed: UInt64) throws {
        var mutator = Mutator(generator: SplitMix(state: 100 + seed))
        let names = ["delay_args", "chain", "stamped_visitor", "json_types", "unicode_args", "expires_seconds"]
        let seeds =
            try names.map { try Fixture.item("messages/\($0)") } + [
                try Fixture.item("messages_protocol1/link_and_link_error"),
                envelope(
                    body: #"[[1, {"__type__": "bytes", "__value__": "x"}], {"a": "b"}, {"chain": [{"task": "t"}]}]"#,
                    headers: #"{"task": "t", "id": "1"}"#
                ),
            ]
        let limits = MessageLimits(itemBytes: 1 << 20, bodyBytes: 1 << 20, depth: 60)
        var decoded = 0
        for round in 0..<3000 {
            let item = mutator.mutate(seeds[round % seeds.count])
            do throws(MessageError) {
                let message = try TaskMessage.decode(item, limits: limits)
                let written = try message.encode()
                var again = try TaskMessage.decode(written, limits: limits)
                #expect(again.headers.task == message.headers.task)
                #expect(again.payload.args == message.payload.args)
                again = message.retried(now: Instant(seconds: 0))
                #expect(again.headers.retries == min(message.headers.retries, .max - 1) + 1)
                decoded += 1
            } catch {
                #expect(!error.message.isEmpty)
            }
            if let marked = Redelivery.mark(item) {
                #expect(throws: Never.self) { try JSONReader.value(marked.isEmpty ? [] : Array("[]".utf8)) }
                #expect(marked.count >= item.count - 64)
            }
        }
        #expect(decoded > 100)
    }

    @Test func `of results ends in a record or a reason`() throws {
        var mutator = Mutator(generator: SplitMix(state: 200))
        let seeds = try ["success_children", "extended_stamped", "success_types"].map {
            try Fixture.record("results/\($0)")
        }
        for round in 0..<3000 {
            let bytes = mutator.mutate(seeds[round % seeds.count])
            guard let record = try? ResultRecord(decoding: bytes) else { continue }
            #expect(throws: Never.self) { try ResultRecord(decoding: record.encoded()) }
        }
    }

    @Test func `of dates and base64 never traps`() {
        var mutator = Mutator(generator: SplitMix(state: 300))
        let date = Array("2024-01-02T03:04:05.678901+05:30".utf8)
        for _ in 0..<5000 {
            let written = mutator.mutate(date)
            if let instant = ISO8601.date(text(written)) { #expect(ISO8601.date(ISO8601.string(instant)) == instant) }
            _ = Base64.decode(written)
        }
    }
}
