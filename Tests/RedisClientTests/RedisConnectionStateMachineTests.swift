import NIOCore
import Testing

@testable import RedisClient

struct RedisConnectionStateMachineTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
    private let refused = RedisError(.connectFailed, "refused")
    private let wrongPassword = RedisError(.authenticationFailed, "wrong")

    private func machine(supervised: Bool = true) -> RedisConnectionStateMachine {
        var machine = RedisConnectionStateMachine(
            backoff: RedisBackoff(first: .seconds(1), ceiling: .seconds(4), jitter: 0)
        )
        machine.isSupervised = supervised
        return machine
    }

    private func connected(supervised: Bool = true) -> RedisConnectionStateMachine {
        var machine = machine(supervised: supervised)
        #expect(machine.beginConnecting() == true)
        #expect(machine.didConnect(at: start) == true)
        return machine
    }

    @Test func `connects first, then watches`() {
        var machine = machine()
        #expect(machine.next(random: 0) == .connect)
        #expect(machine.beginConnecting() == true)
        #expect(machine.next(random: 0) == .watch)
        #expect(machine.didConnect(at: start) == true)
        #expect(machine.next(random: 0) == .watch)
        #expect(machine.disposition == .write)
    }

    @Test func `waits longer after each failure, up to the ceiling`() {
        var machine = machine()
        for seconds in [1, 2, 4, 4] {
            #expect(machine.beginConnecting() == true)
            machine.didFailToConnect(refused)
            #expect(machine.next(random: 0) == .wait(.seconds(seconds)))
            #expect(machine.next(random: 0) == .connect)
        }
    }

    @Test func `starts the backoff anew after a sound connection`() {
        var machine = machine()
        for _ in 0..<3 {
            #expect(machine.beginConnecting() == true)
            machine.didFailToConnect(refused)
        }
        #expect(machine.beginConnecting() == true)
        #expect(machine.didConnect(at: start) == true)
        machine.didLose(refused, at: start + .seconds(11))
        #expect(machine.next(random: 0) == .wait(.seconds(1)))
    }

    @Test func `keeps the backoff after a connection that soon broke`() {
        var machine = machine()
        for seconds in [1, 2, 4] {
            #expect(machine.beginConnecting() == true)
            #expect(machine.didConnect(at: start) == true)
            machine.didLose(RedisError(.readOnly, ""), at: start + .seconds(1))
            #expect(machine.next(random: 0) == .wait(.seconds(seconds)))
        }
    }

    @Test func `stops at a permanent failure until asked again`() {
        var machine = machine()
        #expect(machine.beginConnecting() == true)
        machine.didFailToConnect(wrongPassword)
        #expect(machine.next(random: 0) == .stop(wrongPassword))
        #expect(machine.next(random: 0) == .stop(wrongPassword))
        machine.isSupervised = false
        #expect(machine.disposition == .refuse(wrongPassword))
        machine.forgive()
        #expect(machine.next(random: 0) == .wait(.seconds(1)))
        #expect(machine.next(random: 0) == .connect)
    }

    @Test func `holds commands while somebody keeps the connection up`() {
        var machine = machine()
        #expect(machine.disposition == .hold)
        #expect(machine.beginConnecting() == true)
        #expect(machine.disposition == .hold)
        machine.didFailToConnect(refused)
        #expect(machine.disposition == .hold)
    }

    @Test func `refuses commands when nobody will connect again`() {
        var machine = connected(supervised: false)
        machine.didLose(refused, at: start)
        #expect(machine.disposition == .refuse(RedisError(.connectionClosed, "")))
    }

    @Test func `holds commands while draining`() {
        var machine = connected()
        #expect(machine.beginDraining() == true)
        #expect(machine.beginDraining() == false)
        #expect(machine.disposition == .hold)
        #expect(machine.next(random: 0) == .watch)
        machine.didLose(RedisError(.readOnly, ""), at: start)
        #expect(machine.phase == .disconnected)
    }

    @Test func `makes one attempt at a time`() {
        var machine = machine()
        #expect(machine.beginConnecting() == true)
        #expect(machine.beginConnecting() == false)
        #expect(machine.didConnect(at: start) == true)
        #expect(machine.beginConnecting() == false)
    }

    @Test func `closes once, from anywhere, for good`() {
        var connecting = machine()
        #expect(connecting.beginConnecting() == true)
        for var machine in [machine(), connecting, connected()] {
            #expect(machine.beginClosing() == true)
            #expect(machine.beginClosing() == false)
            #expect(machine.disposition == .refuse(RedisError(.connectionClosed, "")))
            machine.didClose()
            #expect(machine.beginClosing() == false)
            #expect(machine.beginConnecting() == false)
            #expect(machine.didConnect(at: start) == false)
            machine.didFailToConnect(refused)
            machine.didLose(refused, at: start)
            #expect(machine.phase == .closed)
            #expect(machine.next(random: 0) == .stop(nil))
        }
    }

    @Test func `spreads waits by the random number`() {
        var machine = RedisConnectionStateMachine(
            backoff: RedisBackoff(first: .seconds(1), ceiling: .seconds(4), jitter: 1)
        )
        #expect(machine.beginConnecting() == true)
        machine.didFailToConnect(refused)
        #expect(machine.next(random: 0.75) == .wait(.milliseconds(250)))
    }
}
