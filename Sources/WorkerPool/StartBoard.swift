import CSpawn
import Glibc
import Synchronization

/// A page shared by the controller and one pool process, in which the process notes how many runs it has begun.
///
/// Outcomes travel in batches, so after a crash the frames alone cannot tell the runs that had begun, which are lost, from
/// those that had not, which run elsewhere. Runs begin in the order of their frames, so one number tells.
final class StartBoard: @unchecked Sendable {
    // Only atomic operations touch the memory, and the mapping lives as long as this object.
    private let page: UnsafeMutablePointer<Atomic<UInt64>>
    private static let size = 4096

    /// Makes a page and returns the descriptor to hand on; the caller closes it.
    static func make() throws(PoolError) -> (board: StartBoard, descriptor: Int32) {
        let descriptor = celeriac_shared_memory(size)
        guard descriptor >= 0, let board = StartBoard(descriptor: descriptor) else {
            let reason = String(cString: strerror(errno))
            if descriptor >= 0 { close(descriptor) }
            throw PoolError(code: .spawn, message: "no shared memory: \(reason)")
        }
        return (board, descriptor)
    }

    /// Maps the page behind a descriptor, or returns `nil` when it is none.
    init?(descriptor: Int32) {
        guard let memory = mmap(nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0),
            memory != UnsafeMutableRawPointer(bitPattern: -1)
        else { return nil }
        page = memory.bindMemory(to: Atomic<UInt64>.self, capacity: 1)
    }

    deinit { munmap(page, Self.size) }

    /// The place of the last run that has begun, counted from 1 in the order of run frames; 0 before the first.
    var started: UInt64 { page.pointee.load(ordering: .acquiring) }

    /// Notes that a run has begun; runs begin in order, and whoever calls sees to that.
    func start(_ ordinal: UInt64) { page.pointee.store(ordinal, ordering: .releasing) }
}
