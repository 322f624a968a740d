import Celeriac

@main
enum OwnWorker {
    static func main() async { await CeleriacWorker(tasks: Shop.tasks).main() }
}
