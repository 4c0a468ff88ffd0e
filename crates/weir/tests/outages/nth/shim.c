/* Fails the n-th thing that a program asks of the files below some folders. Loaded before the C library (LD_PRELOAD).
 *
 * NTH_UNDER   the folders, each with a slash at its end, divided by colons
 * NTH_CONTROL a file of one line, read at each such thing: ROUND FROM COUNT ERRNO MILLISECONDS SHORT
 *             A new ROUND begins to count at 1. Things FROM to FROM + COUNT - 1 fail with ERRNO; with ERRNO 0 they take MILLISECONDS longer;
 *             with SHORT 1 the first of them, if it is a write, takes half of its bytes instead. Each that is met adds a line to NTH_CONTROL.hit.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long round_now = -1, counted;

static int is_under(const char *path) {
    const char *under = getenv("NTH_UNDER");
    while (under && *under) {
        size_t length = strcspn(under, ":");
        if (strncmp(path, under, length) == 0) return 1;
        under += length + (under[length] == ':');
    }
    return 0;
}

static int is_fd_under(int fd) {
    char name[64], path[4096];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(name, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return is_under(path);
}

/* What is to become of this one: 0 as ever, -1 half of it, or the errno that it fails with. */
static int fate(const char *what, int can_be_short) {
    const char *control = getenv("NTH_CONTROL");
    long round = -1, from = 0, count = 0, error = 0, pause = 0, is_short = 0;
    char text[128] = "";
    if (!control) return 0;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, control, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t length = syscall(SYS_read, fd, text, sizeof text - 1);
    syscall(SYS_close, fd);
    if (length <= 0 || sscanf(text, "%ld %ld %ld %ld %ld %ld", &round, &from, &count, &error, &pause, &is_short) != 6) return 0;
    pthread_mutex_lock(&lock);
    if (round != round_now) {
        round_now = round;
        counted = 0;
    }
    long at = ++counted;
    pthread_mutex_unlock(&lock);
    if (at < from || at >= from + count) return 0;
    char hit[4096], line[128];
    snprintf(hit, sizeof hit, "%s.hit", control);
    int to = (int)syscall(SYS_openat, AT_FDCWD, hit, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (to >= 0) {
        int bytes = snprintf(line, sizeof line, "%ld %ld %s\n", round, at, what);
        syscall(SYS_write, to, line, (size_t)bytes);
        syscall(SYS_close, to);
    }
    if (error == 0) {
        struct timespec wait = {pause / 1000, (pause % 1000) * 1000000};
        nanosleep(&wait, NULL);
        return 0;
    }
    return is_short && can_be_short && at == from ? -1 : (int)error;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define FAILS(what)                                                                                                    \
    do {                                                                                                               \
        int error = fate(what, 0);                                                                                     \
        if (error > 0) {                                                                                               \
            errno = error;                                                                                             \
            return -1;                                                                                                 \
        }                                                                                                              \
    } while (0)

ssize_t write(int fd, const void *bytes, size_t count) {
    if (is_fd_under(fd)) {
        int error = fate("write", count > 1);
        if (error > 0) {
            errno = error;
            return -1;
        }
        if (error < 0) count /= 2;
    }
    return syscall(SYS_write, fd, bytes, count);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    if (is_fd_under(fd)) FAILS("writev");
    return REAL(writev)(fd, parts, count);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
    if (is_fd_under(fd)) FAILS("pwrite");
    return REAL(pwrite64)(fd, bytes, count, at);
}

int ftruncate64(int fd, off64_t length) {
    if (is_fd_under(fd)) FAILS("ftruncate");
    return REAL(ftruncate64)(fd, length);
}

int fsync(int fd) {
    if (is_fd_under(fd)) FAILS("fsync");
    return REAL(fsync)(fd);
}

int fdatasync(int fd) {
    if (is_fd_under(fd)) FAILS("fdatasync");
    return REAL(fdatasync)(fd);
}

int rename(const char *from, const char *to) {
    if (is_under(from)) FAILS("rename");
    return REAL(rename)(from, to);
}

static mode_t mode_of(int flags, va_list rest) { return flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0; }

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_of(flags, rest);
    va_end(rest);
    if ((flags & O_ACCMODE) != O_RDONLY && is_under(path)) FAILS("open");
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_LARGEFILE, mode);
}

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_of(flags, rest);
    va_end(rest);
    return open64(path, flags, mode);
}
