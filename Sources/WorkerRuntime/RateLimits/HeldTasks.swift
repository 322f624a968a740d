import DequeModule

/// The tasks that wait for their rate limits, by task name and in the order in which they came.
struct HeldTasks: Sendable {
    private struct Line: Sendable {
        var bucket: TokenBucket
        var jobs: Deque<UInt64> = []
    }

    private var lines: [String: Line] = [:]
    /// How many tasks wait.
    private(set) var count = 0

    /// Whether no task is limited at all: the usual case, to be settled quickly.
    var isIdle: Bool { lines.isEmpty }

    /// Sets or lifts a task's limit; answers the jobs that need not wait any more.
    mutating func limit(_ task: String, to rate: RateLimit?, at moment: Double) -> [UInt64] {
        guard let rate, rate.isOn else {
            let freed = lines.removeValue(forKey: task)?.jobs ?? []
            count -= freed.count
            return Array(freed)
        }
        if lines[task] == nil {
            lines[task] = Line(bucket: TokenBucket(fillRate: rate.perSecond))
        } else {
            lines[task]?.bucket.change(fillRate: rate.perSecond, at: moment)
        }
        return []
    }

    /// Whether a task that came just now has to wait; one that need not has taken its token.
    mutating func holds(_ job: UInt64, of task: String, at moment: Double) -> Bool {
        guard lines[task] != nil else { return false }
        if lines[task]?.jobs.isEmpty == true, lines[task]?.bucket.take(at: moment) == true { return false }
        lines[task]?.jobs.append(job)
        count += 1
        return true
    }

    /// Takes a job out that ends before its turn.
    mutating func remove(_ job: UInt64, of task: String) {
        guard let place = lines[task]?.jobs.firstIndex(of: job) else { return }
        lines[task]?.jobs.remove(at: place)
        count -= 1
    }

    /// Forgets all jobs; the limits stay.
    mutating func removeAll() {
        for task in lines.keys { lines[task]?.jobs.removeAll() }
        count = 0
    }

    /// Takes out what may start at this moment, in order; `mayStart` says whether there is room for a job.
    mutating func release(at moment: Double, mayStart: (UInt64) -> Bool) -> [UInt64] {
        var released: [UInt64] = []
        for task in lines.keys {
            while let job = lines[task]?.jobs.first, mayStart(job), lines[task]?.bucket.take(at: moment) == true {
                lines[task]?.jobs.removeFirst()
                released.append(job)
            }
        }
        count -= released.count
        return released
    }

    /// When the next token comes for which somebody waits.
    var nextToken: Double? {
        lines.values.filter { !$0.jobs.isEmpty }.map(\.bucket.nextToken).min()
    }
}
