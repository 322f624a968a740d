import Settings
import WorkerRuntime

/// Remote control and events as the configuration and the command line want them.
extension WorkerWiring {
    var control: ControlConfiguration {
        let table = SettingsTable(configuration: configuration)
        var control = ControlConfiguration()
        control.isEnabled = configuration.worker.enableRemoteControl
        control.exchange = configuration.messaging.controlExchange + ".pidbox"
        control.gossips = !options.withoutGossip
        control.mingles = !options.withoutMingle
        control.allowsPoolRestarts = configuration.worker.poolRestarts
        control.changedSettings = table.changed
        control.allSettings = table.all
        control.report = table.report
        control.maxTasksPerChild = options.maxTasksPerChild ?? configuration.worker.maxTasksPerChild
        // Celery's names for the bounds of what is kept in memory.
        if let most = Environment.all["CELERY_WORKER_REVOKES_MAX"].flatMap({ Int($0) }), most > 0 {
            control.revokesLimit = min(most, 10_000_000)
        }
        if let seconds = Environment.all["CELERY_WORKER_REVOKE_EXPIRES"].flatMap({ Double($0) }), seconds > 0 {
            control.revokesTimeToLive = min(seconds, 10 * 365 * 86_400)
        }
        return control
    }

    var events: EventConfiguration {
        var events = EventConfiguration()
        events.exchange = configuration.messaging.eventExchange
        events.sendsTaskEvents = sendsTaskEvents
        events.sendsSentEvents = configuration.sendSentEvent
        events.heartbeatInterval = options.withoutHeartbeat ? nil : options.heartbeatInterval ?? 2
        return events
    }

    /// Whether task events are sent from the start.
    var sendsTaskEvents: Bool { options.taskEvents || configuration.worker.sendTaskEvents ?? false }
}
