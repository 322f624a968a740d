import Celeriac

/// The tasks of a small shop, by the names under which Python calls them.
enum Shop {
    static let tasks: [any TaskDeclaration] = [
        price, total, reserve, invoice, quote, order, import_, failed, slow, tally, whoAmI,
    ]

    // MARK: Plain functions

    /// `shop.price(item, quantity=1)`.
    static let price = TaskDefinition("shop.price", "item", TaskParameter("quantity", default: 1)) {
        (item: String, quantity: Int) in
        guard let cents = prices[item] else { throw UnknownItem(item: item) }
        return cents * quantity
    }

    /// `shop.total(prices)`: the body of a chord, or the step after a group.
    static let total = TaskDefinition("shop.total", "prices") { (prices: [Int]) in prices.reduce(0, +) }

    private static let prices = ["pen": 120, "book": 1450, "lamp": 3900]

    // MARK: The context

    /// `shop.reserve(item)`: finds the stock busy the first two times, and is retried.
    static let reserve = TaskDefinition("shop.reserve", "item", options: TaskOptions(maxRetries: 3)) {
        (context: TaskContext, item: String) in
        guard context.request.retries >= 2 else {
            throw context.retry(countdown: .milliseconds(50), cause: StockBusy(item: item))
        }
        return ["item": item, "retries": String(context.request.retries)]
    }

    /// What `shop.invoice` is called with.
    struct Invoice: Codable, Sendable {
        struct Line: Codable, Sendable {
            var item: String
            var quantity: Int
        }
        var customer: String
        var lines: [Line]
        var note: String?
    }

    /// `shop.invoice(customer, lines, note=None)`: reports how far it is.
    static let invoice = ArgumentsTask("shop.invoice", Invoice.self, positional: ["customer", "lines"]) {
        invoice,
        context in
        var sum = 0
        for (place, line) in invoice.lines.enumerated() {
            try context.checkCancellation()
            sum += (prices[line.item] ?? 0) * line.quantity
            context.progress(current: place + 1, total: invoice.lines.count, status: line.item)
        }
        context.logger.info("invoice for \(invoice.customer)")
        return ["customer": .string(invoice.customer), "cents": .int(Int64(sum))] as JSONObject
    }

    // MARK: Tasks that send tasks

    /// `shop.quote(items)`: gives its place to a chord, whose body's result becomes its own.
    static let quote = TaskDefinition("shop.quote", "items") { (context: TaskContext, items: [String]) -> Int in
        let prices = try items.map { try price.s($0, 1) }
        throw context.replace(by: .chord(header: prices, body: total.partial()))
    }

    /// `shop.order(items)`: sends a chain and answers at once which results it will have, as an `AsyncResult` in Python.
    static let order = TaskDefinition("shop.order", "items") { (context: TaskContext, items: [String]) in
        let prices = try items.map { try price.s($0, 1) }
        return try context.apply(.group(prices) | total.partial() | tally.partial("order"))
    }

    /// `shop.tally(cents, what)`: a text.
    static let tally = TaskDefinition("shop.tally", "cents", "what") { (cents: Int, what: String) in
        "\(what): \(cents / 100).\(cents % 100 < 10 ? "0" : "")\(cents % 100)"
    }

    // MARK: Options and failures

    /// `shop.import(line)`: retried by itself when the stock is busy.
    static let import_ = TaskDefinition(
        "shop.import",
        "line",
        options: TaskOptions(maxRetries: 1, autoretryFor: ["shop.errors.StockBusy"], retryBackoff: .milliseconds(1))
    ) { (context: TaskContext, line: String) -> Int in
        guard context.request.retries > 0 else { throw StockBusy(item: line) }
        return context.request.retries
    }

    /// `shop.slow(seconds)`: cancelled after a second, and then answers what it has.
    static let slow = TaskDefinition(
        "shop.slow",
        "seconds",
        options: TaskOptions(queue: "slow", timeLimit: .seconds(20), softTimeLimit: .seconds(1))
    ) { (context: TaskContext, seconds: Double) in
        do {
            try await Task.sleep(for: .seconds(seconds))
            return "slept"
        } catch is CancellationError {
            return "stopped: \(context.cancellation.reason?.rawValue ?? "unknown")"
        }
    }

    /// `shop.failed(request, exc, traceback)`: an errback that is told what failed.
    static let failed = TaskDefinition(
        "shop.failed",
        "request",
        "exc",
        "traceback",
        options: TaskOptions(takesFailureDetails: true)
    ) { (request: JSONObject, exception: ExceptionInfo, traceback: String?) in
        ["task": request["task"] ?? nil, "type": .string(exception.type), "traced": .bool(traceback != nil)]
            as JSONObject
    }

    /// `shop.whoami(…)`: the request, as Python's `self.request` has it.
    static let whoAmI = RawTask("shop.whoami") { arguments, context in
        let request = context.request
        return [
            "args": .array(arguments.positional),
            "kwargs": .object(arguments.keyword),
            "id": .string(request.id),
            "root_id": .string(request.rootID),
            "parent_id": request.parentID.map(JSONValue.string) ?? nil,
            "properties": request.properties.json,
            "headers": .object(request.headers.extra),
            "stamps": .object(request.headers.stamps),
            "queue": .string(request.queue),
        ] as JSONObject
    }
}

/// No such item: `shop.errors.UnknownItem(item)` in Python.
struct UnknownItem: PythonError {
    static let pythonModule = "shop.errors"
    var item: String
    var pythonArguments: [JSONValue] { [.string(item), "is not for sale"] }
}

/// Somebody else counts the stock: `shop.errors.StockBusy(item)` in Python.
struct StockBusy: PythonError {
    static let pythonModule = "shop.errors"
    var item: String
    var pythonArguments: [JSONValue] { [.string(item)] }
}
