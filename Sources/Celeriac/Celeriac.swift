// Users write `import Celeriac` and nothing else. A task's code works with values of these modules all the time
// (`JSONValue`, `Signature`, `TaskContext`, its `logger`), and with `MemberImportVisibility` their members are visible only
// where their module is imported; a `typealias` would not bring the members along.
@_exported public import CeleriacTasks
@_exported public import CeleryMessage
@_exported public import Logging
