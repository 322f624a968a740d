#ifndef CELERIAC_CSPAWN_H
#define CELERIAC_CSPAWN_H

#include <stdbool.h>
#include <sys/types.h>

/// How many descriptors beyond the standard ones a program can be given.
#define CELERIAC_MOST_DESCRIPTORS 4

/// A program to start.
///
/// Its signals are unblocked and at their defaults, it leads a process group of its own, so that one kill also ends what
/// it starts, and no descriptor is open in it but those named here.
struct celeriac_start {
    /// The file to run.
    const char *path;
    /// Its words, the first being its name, as `execve` takes them.
    char *const *arguments;
    /// Its environment as `execve` takes it, or NULL for the caller's.
    char *const *environment;
    /// Its standard input, or -1 for /dev/null.
    int input;
    /// A file that its output and errors are appended to, made with mode 0644; NULL leaves it the caller's.
    const char *output;
    /// What it finds as descriptors 3, 4, …
    const int *descriptors;
    int descriptor_count;
    /// Whether it leads a session of its own too, out of the terminal's reach.
    bool leads_session;
};

/// Starts a program. Returns 0 and sets `pid`, or returns an errno.
int celeriac_spawn(pid_t *pid, const struct celeriac_start *start);

/// Makes a connected pair of stream sockets, both closed on exec. Returns 0 or an errno.
int celeriac_socket_pair(int ends[2]);

/// Makes an anonymous shared-memory file of `size` zero bytes, closed on exec. Returns the descriptor or -1 (errno).
int celeriac_shared_memory(size_t size);

/// Makes these signals interrupt nothing and end nothing, without the inheritance by exec that ignoring them has.
void celeriac_disarm_signal(int signal);

#endif
