import Testing

@testable import Schedules

struct CrontabGrammarTests {
    private static let grammars: [CrontabGrammar] = [.minute, .hour, .dayOfWeek, .dayOfMonth, .monthOfYear]

    @Test func `expands and refuses every field as Celery does`() throws {
        let lines = try Vectors.lines("crontab_fields")
        #expect(lines.count > 80)
        for line in lines {
            let (field, text) = (try line.text("field"), try line.text("spec"))
            let grammar = try #require(Self.grammars.first { $0.name == field })
            if line.has("error") {
                #expect(throws: ScheduleError(.field, ""), "\(field) \(text)") { try grammar.bits(.text(text)) }
            } else {
                let bits = try grammar.bits(.text(text))
                #expect((0..<64).filter { bits & 1 << UInt64($0) != 0 } == (try line.integers("values")), "\(text)")
            }
        }
    }

    @Test func `makes and refuses whole crontabs as Celery does`() throws {
        for line in try Vectors.lines("crontab_construct") {
            if line.has("from_string") {
                let text = try line.text("from_string")
                if line.has("error") {
                    #expect(throws: ScheduleError(.fieldCount, ""), "\(text)") { try Crontab(text) }
                } else {
                    #expect(try Crontab(text).description == (try line.text("repr")))
                }
            } else if line.has("error") {
                #expect((try? line.crontab("kwargs")) == nil, "\(line)")
            } else {
                #expect(try line.crontab("kwargs")?.description == (try line.text("repr")))
            }
        }
    }

    @Test(arguments: [
        ("5/10", "a step needs a range before it: 5-59/10"), ("*/0", "step of 0"), ("60", "outside 0-59"),
        ("-1", "negative"),
        ("1,,2", "nothing between"), ("1-5/", "no number after its slash"), ("*/x", "not a whole number"),
        ("99999999999999999999", "outside"), ("*/99999999999999999999", ""), ("1-5 and more", ""), ("0-٣", "neither"),
    ])
    func `says what is wrong with a field, and how it would be right`(text: String, part: String) throws {
        if part.isEmpty {
            _ = try CrontabGrammar.minute.bits(.text(text))
        } else {
            let error = #expect(throws: ScheduleError.self) { try CrontabGrammar.minute.bits(.text(text)) }
            #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
            #expect(error?.field == "minute")
        }
    }

    @Test func `refuses an empty list and a value outside its field`() {
        #expect(throws: ScheduleError(.field, "")) { try Crontab(hour: []) }
        #expect(throws: ScheduleError(.field, "")) { try Crontab(hour: [0, 24]) }
        #expect(throws: ScheduleError(.field, "")) { try Crontab(dayOfWeek: 7) }
        #expect(throws: ScheduleError(.field, "")) { try Crontab(minute: .values([.max, .min])) }
        #expect(throws: ScheduleError(.field, "")) { try Crontab(minute: .text(String(repeating: "1,", count: 9999))) }
    }

    @Test(arguments: [("30", "2"), ("31", "4,6,9,11"), ("30-31", "feb")])
    func `refuses a day that never comes`(day: String, month: String) {
        #expect(throws: ScheduleError(.impossibleDate, "")) {
            try Crontab(dayOfMonth: .text(day), monthOfYear: .text(month))
        }
    }

    @Test func `holds two ways to write the same times for equal`() throws {
        #expect(try Crontab("*/30 8-10 * * mon-fri") == Crontab("0,30 8,9,10 */1 1-12 1-5"))
        #expect(try Crontab("*/30 * * * *") != Crontab("*/20 * * * *"))
    }
}
