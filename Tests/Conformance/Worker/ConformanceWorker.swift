import Celeriac

/// A worker with the tasks of Celery's own test suites, written with the public API alone.
///
/// `Scripts/conformance` runs Celery's suites, unmodified, with this program as the only worker.
@main
enum ConformanceWorker {
    static func main() async {
        await CeleriacWorker(name: "conformance-worker", tasks: tasks).main()
    }

    /// The tasks of `t/integration/tasks.py`, and once more under the names that `t/smoke/tasks.py` gives them.
    private static var tasks: [any TaskDeclaration] {
        Arithmetic.tasks + Replacements.tasks + ChordAdditions.tasks + Failures.tasks + Retries.tasks + Rejections.tasks
            + RequestFacts.tasks + RedisMarks.tasks + Errbacks.tasks + NestedSignatures.tasks + Waiting.tasks
            + Terminations.tasks
    }
}

/// The name that a task of `t/integration/tasks.py` has on the wire.
func integration(_ name: String) -> String { "t.integration.tasks.\(name)" }

/// The name that a task of `t/smoke/tasks.py` has on the wire.
func smoke(_ name: String) -> String { "t.smoke.tasks.\(name)" }
