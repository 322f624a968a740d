#ifndef CELERIAC_CSPAWN_H
#define CELERIAC_CSPAWN_H

#include <sys/types.h>

/// Starts `path` as a pool process: descriptor 3 is `channel`, descriptor 4 is `board`, standard input is /dev/null,
/// output and error are inherited and everything above 4 is closed. Signals are unblocked and at their defaults, and the
/// process leads a process group of its own, so that one kill also ends what it started.
///
/// Returns 0 and sets `pid`, or returns an errno.
int celeriac_spawn(pid_t *pid, const char *path, char *const argv[], char *const envp[], int channel, int board);

/// Makes a connected pair of stream sockets, both closed on exec. Returns 0 or an errno.
int celeriac_socket_pair(int ends[2]);

/// Makes an anonymous shared-memory file of `size` zero bytes, closed on exec. Returns the descriptor or -1 (errno).
int celeriac_shared_memory(size_t size);

/// Makes these signals interrupt nothing and end nothing, without the inheritance by exec that ignoring them has.
void celeriac_disarm_signal(int signal);

#endif
