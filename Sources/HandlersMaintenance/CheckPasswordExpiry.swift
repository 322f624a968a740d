import CeleriacTasks
import CeleryMessage
import Databases
import Foundation
import Logging

/// Mails the users whose password is about to expire: `check_password_expiry(days=None)`.
///
/// Each mail is a task of its own, published in one step with the end of this one. Who was told about a password is
/// not told again before `repeat_days` have passed, however often this task runs.
struct CheckPasswordExpiry: TaskHandler {
    private static let parameters = Parameters("check_password_expiry", [.optional("days", nil)])
    /// Users named in the result.
    private static let listed = 100
    let options: PasswordExpiryOptions

    /// The facts of one run.
    private struct Run {
        let now: Instant
        let until: Instant
        var checked = 0
        var unusable = 0
        var expiring: [PasswordUser] = []
    }

    func run(_ arguments: TaskArguments, context: TaskContext) async throws -> JSONValue {
        let bound = try Self.parameters.bind(arguments)
        let days = try bound.optionalInt("days") ?? options.warnDays
        guard (0...3_650).contains(days) else { throw bound.wrongValue("days", "must be between 0 and 3650") }
        let now = options.now()
        var run = Run(now: now, until: now + .seconds(days * 86_400))
        do {
            try await find(&run, days: days, context: context)
            let (told, skipped) = try await choose(run, context: context)
            try await options.notices.add(told, by: context.request.id, at: now)
            for user in told { context.enqueue(mail(to: user, now: now)) }
            return result(of: run, told: told, skipped: skipped, days: days, context: context)
        } catch let error as SQLError {
            throw TaskFailure.runtimeError("checking passwords: \(error.message)")
        }
    }

    /// Gathers the users whose password ends in the window; the query may return more than those.
    private func find(_ run: inout Run, days: Int, context: TaskContext) async throws {
        var found = run
        try await options.database.read(options.query, Self.arguments(run, options, days: days)) { rows in
            try context.checkCancellation()
            for row in rows {
                found.checked += 1
                do throws(PasswordUser.Problem) {
                    let user = try PasswordUser(row, maxAgeDays: options.maxAgeDays)
                    if user.expires <= found.until, options.includesExpired || user.expires > found.now {
                        found.expiring.append(user)
                    }
                } catch {
                    found.unusable += 1
                }
            }
            guard found.expiring.count <= 100_000 else {
                throw TaskFailure.runtimeError("more than 100000 passwords expire at once: is the query right?")
            }
        }
        run = found
    }

    /// Divides the users into those to tell now and those told lately; the soonest to expire come first.
    private func choose(
        _ run: Run,
        context: TaskContext
    ) async throws -> (told: [PasswordUser], skipped: Int) {
        try await options.notices.prepare()
        // Half a day less, or a weekly run a second early would skip everybody for another week.
        let since = run.now - .seconds(options.repeatDays * 86_400 - 43_200)
        var told: [PasswordUser] = []
        var keys: Set<String> = []
        var skipped = 0
        for user in run.expiring.sorted(by: { $0.expires < $1.expires }) where keys.insert(user.key).inserted {
            try context.checkCancellation()
            guard told.count < options.maxMails else { break }
            if try await options.notices.wasTold(user, since: since, byOtherThan: context.request.id) {
                skipped += 1
            } else {
                told.append(user)
                context.progress(current: told.count, total: run.expiring.count, status: "\(told.count) users to tell")
            }
        }
        return (told, skipped)
    }

    private func mail(to user: PasswordUser, now: Instant) -> Signature {
        let isExpired = user.expires <= now
        let facts: [MailText.Placeholder: String] = [
            .name: user.name, .email: user.email, .date: Self.date(user.expires),
            .days: String(Self.days(from: min(now, user.expires), to: max(now, user.expires), roundingUp: !isExpired)),
        ]
        return Signature(
            task: options.sendTask,
            kwargs: [
                "to_email": .string(user.email),
                "subject": .string((isExpired ? options.expiredSubject : options.subject).filled(facts)),
                "body": .string((isExpired ? options.expiredBody : options.body).filled(facts)),
            ],
            options: options.queue.map { ["queue": .string($0)] } ?? [:],
            immutable: true
        )
    }

    private static func days(from: Instant, to: Instant, roundingUp: Bool) -> Int64 {
        let day: Int64 = 86_400_000_000
        return (to.microseconds - from.microseconds + (roundingUp ? day - 1 : 0)) / day
    }

    /// `31.12.2027`.
    private static func date(_ instant: Instant) -> String {
        let parts = ISO8601.string(instant).prefix(10).split(separator: "-")
        return parts.reversed().joined(separator: ".")
    }

    private static func arguments(_ run: Run, _ options: PasswordExpiryOptions, days: Int) -> [String: SQLValue] {
        let age = Duration.seconds(options.maxAgeDays * 86_400)
        return [
            "now": .timestamp(run.now.date), "until": .timestamp(run.until.date),
            "changed_before": .timestamp((run.until - age).date), "changed_after": .timestamp((run.now - age).date),
            "max_age_days": .int(Int64(options.maxAgeDays)), "warn_days": .int(Int64(days)),
        ]
    }

    private func result(
        of run: Run,
        told: [PasswordUser],
        skipped: Int,
        days: Int,
        context: TaskContext
    ) -> JSONValue {
        context.logger.info(
            "password expiry checked",
            metadata: [
                "checked": "\(run.checked)", "expiring": "\(run.expiring.count)", "mailed": "\(told.count)",
                "told_before": "\(skipped)", "unusable": "\(run.unusable)",
            ]
        )
        return [
            "days": .int(Int64(days)), "checked": .int(Int64(run.checked)),
            "expiring": .int(Int64(run.expiring.count)), "mailed": .int(Int64(told.count)),
            "told_before": .int(Int64(skipped)), "unusable": .int(Int64(run.unusable)),
            "users": .array(told.prefix(Self.listed).map { .string($0.maskedEmail) }),
        ]
    }
}

extension Instant {
    fileprivate var date: Date { Date(timeIntervalSince1970: seconds) }
}
