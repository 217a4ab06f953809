/* A disk that refuses to sync, for LD_PRELOAD: while the file named by FAIL_SYNC exists, fsync and
 * fdatasync fail, and what was written since the last sync is gone, as after a real refusal: a
 * second sync would succeed and prove nothing. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define MOST 65536
static struct { int fd; off_t at; size_t size; } dirty[MOST];
static int count;

static void note(int fd, off_t at, ssize_t size) {
    if (size > 0 && count < MOST) {
        dirty[count].fd = fd;
        dirty[count].at = at;
        dirty[count++].size = (size_t)size;
    }
}

static ssize_t real_pwrite(int fd, const void *body, size_t size, off_t at) {
    static ssize_t (*next)(int, const void *, size_t, off_t);
    if (!next) next = (ssize_t (*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite64");
    return next(fd, body, size, at);
}

ssize_t pwrite64(int fd, const void *body, size_t size, off_t at) {
    ssize_t done = real_pwrite(fd, body, size, at);
    note(fd, at, done);
    return done;
}

ssize_t pwrite(int fd, const void *body, size_t size, off_t at) {
    return pwrite64(fd, body, size, at);
}

/* One part after the other: what matters here is where the bytes are, not how they came. */
static ssize_t parts(int fd, const struct iovec *each, int parts, off_t at) {
    ssize_t all = 0;
    for (int i = 0; i < parts; i++) {
        ssize_t done = pwrite64(fd, each[i].iov_base, each[i].iov_len, at + all);
        if (done < 0) return all ? all : -1;
        all += done;
        if ((size_t)done < each[i].iov_len) break;
    }
    return all;
}

ssize_t pwritev(int fd, const struct iovec *each, int n, off_t at) { return parts(fd, each, n, at); }
ssize_t pwritev64(int fd, const struct iovec *each, int n, off_t at) { return parts(fd, each, n, at); }
ssize_t pwritev2(int fd, const struct iovec *each, int n, off_t at, int flags) {
    (void)flags;
    return parts(fd, each, n, at);
}
ssize_t pwritev64v2(int fd, const struct iovec *each, int n, off_t at, int flags) {
    (void)flags;
    return parts(fd, each, n, at);
}

static int settle(int fd, const char *name) {
    static const char zeros[65536];
    const char *path = getenv("FAIL_SYNC");
    int fails = path && access(path, F_OK) == 0, left = 0;
    for (int i = 0; i < count; i++) {
        if (dirty[i].fd != fd) {
            dirty[left++] = dirty[i];
            continue;
        }
        for (size_t done = 0; fails && done < dirty[i].size;) {
            size_t size = dirty[i].size - done;
            if (size > sizeof zeros) size = sizeof zeros;
            ssize_t wrote = real_pwrite(fd, zeros, size, dirty[i].at + (off_t)done);
            if (wrote <= 0) break;
            done += (size_t)wrote;
        }
    }
    count = left;
    if (fails) {
        errno = EIO;
        return -1;
    }
    return ((int (*)(int))dlsym(RTLD_NEXT, name))(fd);
}

int fsync(int fd) { return settle(fd, "fsync"); }
int fdatasync(int fd) { return settle(fd, "fdatasync"); }
