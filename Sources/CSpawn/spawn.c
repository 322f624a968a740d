#define _GNU_SOURCE
#include "CSpawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

int celeriac_spawn(pid_t *pid, const char *path, char *const argv[], char *const envp[], int channel, int board) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);

    int failed = posix_spawn_file_actions_init(&actions);
    if (failed) return failed;
    failed = posix_spawnattr_init(&attributes);
    if (failed) {
        posix_spawn_file_actions_destroy(&actions);
        return failed;
    }
    // The caller keeps `channel` and `board` above 4, so that neither copy overwrites the other's source.
    if (!failed) failed = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    if (!failed) failed = posix_spawn_file_actions_adddup2(&actions, channel, 3);
    if (!failed) failed = posix_spawn_file_actions_adddup2(&actions, board, 4);
    if (!failed) failed = posix_spawn_file_actions_addclosefrom_np(&actions, 5);
    if (!failed) failed = posix_spawnattr_setsigmask(&attributes, &none);
    if (!failed) failed = posix_spawnattr_setsigdefault(&attributes, &all);
    if (!failed) failed = posix_spawnattr_setpgroup(&attributes, 0);
    if (!failed)
        failed = posix_spawnattr_setflags(
            &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    if (!failed) failed = posix_spawn(pid, path, &actions, &attributes, argv, envp);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

// Descriptors 3 and 4 may be free in the caller; moving ours above them keeps the copies in the child apart.
static int above_fixed(int descriptor) {
    if (descriptor > 4) return descriptor;
    int moved = fcntl(descriptor, F_DUPFD_CLOEXEC, 5);
    int saved = errno;
    close(descriptor);
    errno = saved;
    return moved;
}

int celeriac_socket_pair(int ends[2]) {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return errno;
    ends[1] = above_fixed(ends[1]);
    if (ends[1] >= 0) return 0;
    int failed = errno;
    close(ends[0]);
    return failed;
}

int celeriac_shared_memory(size_t size) {
    int descriptor = memfd_create("celeriac-pool", MFD_CLOEXEC);
    if (descriptor < 0) return -1;
    if (ftruncate(descriptor, (off_t)size) != 0) {
        int failed = errno;
        close(descriptor);
        errno = failed;
        return -1;
    }
    return above_fixed(descriptor);
}

static void do_nothing(int signal) { (void)signal; }

void celeriac_disarm_signal(int signal) {
    struct sigaction action = {0};
    action.sa_handler = do_nothing;
    action.sa_flags = SA_RESTART;
    sigaction(signal, &action, 0);
}
