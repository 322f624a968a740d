#define _GNU_SOURCE
#include "CSpawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { first_extra = STDERR_FILENO + 1 };

static int set_descriptors(
    posix_spawn_file_actions_t *actions, const struct celeriac_start *start, int input, const int *descriptors) {
    int failed = 0;
    if (input < 0)
        failed = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    else
        failed = posix_spawn_file_actions_adddup2(actions, input, STDIN_FILENO);
    if (!failed && start->output) {
        int flags = O_WRONLY | O_CREAT | O_APPEND;
        failed = posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, start->output, flags, 0644);
        if (!failed) failed = posix_spawn_file_actions_adddup2(actions, STDOUT_FILENO, STDERR_FILENO);
    }
    for (int i = 0; !failed && i < start->descriptor_count; i++)
        failed = posix_spawn_file_actions_adddup2(actions, descriptors[i], first_extra + i);
    if (!failed) failed = posix_spawn_file_actions_addclosefrom_np(actions, first_extra + start->descriptor_count);
    return failed;
}

static int set_attributes(posix_spawnattr_t *attributes, bool leads_session) {
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    // A session brings a group of its own.
    flags |= leads_session ? POSIX_SPAWN_SETSID : POSIX_SPAWN_SETPGROUP;
    int failed = posix_spawnattr_setsigmask(attributes, &none);
    if (!failed) failed = posix_spawnattr_setsigdefault(attributes, &all);
    if (!failed) failed = posix_spawnattr_setpgroup(attributes, 0);
    if (!failed) failed = posix_spawnattr_setflags(attributes, flags);
    return failed;
}

static int spawn(pid_t *pid, const struct celeriac_start *start, int input, const int *descriptors) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed) return failed;
    failed = posix_spawnattr_init(&attributes);
    if (!failed) {
        char *const *environment = start->environment ? start->environment : environ;
        failed = set_descriptors(&actions, start, input, descriptors);
        if (!failed) failed = set_attributes(&attributes, start->leads_session);
        if (!failed) failed = posix_spawn(pid, start->path, &actions, &attributes, start->arguments, environment);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

// A copy above all descriptors that the program is given, so that none overwrites the source of another.
static int copy_above(int descriptor, int count) {
    return descriptor < 0 ? -1 : fcntl(descriptor, F_DUPFD_CLOEXEC, first_extra + count);
}

int celeriac_spawn(pid_t *pid, const struct celeriac_start *start) {
    int count = start->descriptor_count;
    if (count < 0 || count > CELERIAC_MOST_DESCRIPTORS) return EINVAL;
    int failed = 0, made = 0;
    int copies[CELERIAC_MOST_DESCRIPTORS];
    int input = copy_above(start->input, count);
    if (input < 0 && start->input >= 0) failed = errno;
    for (; !failed && made < count; made++) {
        copies[made] = copy_above(start->descriptors[made], count);
        if (copies[made] >= 0) continue;
        failed = start->descriptors[made] < 0 ? EBADF : errno;
        break;
    }
    if (!failed) failed = spawn(pid, start, input, copies);
    if (input >= 0) close(input);
    while (made > 0) close(copies[--made]);
    return failed;
}

int celeriac_socket_pair(int ends[2]) {
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0 ? 0 : errno;
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
    return descriptor;
}

static void do_nothing(int signal) { (void)signal; }

void celeriac_disarm_signal(int signal) {
    struct sigaction action = {0};
    action.sa_handler = do_nothing;
    action.sa_flags = SA_RESTART;
    sigaction(signal, &action, 0);
}
