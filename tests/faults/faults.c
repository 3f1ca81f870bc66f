/* A device that fails, for tests: stands before the C library and lets calls on the database and the anchors fail.
 *
 * SEALGATE_FAULTS names a file of 8 bytes, which is shared with the test:
 *   byte 0  what fails: 'n' nothing, 'r' reads, 'w' writes, 'h' writes, of which half is done, 's' syncs
 *   byte 1  every how many of these calls
 *   4..8    how many have failed, counted here
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

struct control {
    volatile char what;
    volatile unsigned char every;
    char unused[2];
    atomic_uint failed;
};

static struct control *control;
static atomic_uint calls;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("SEALGATE_FAULTS");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *shared = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (shared != MAP_FAILED) control = shared;
    close(file);
}

static int is_ours(int file) {
    char link[32], path[512];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    const char *name = strrchr(path, '/');
    return name && (strncmp(name, "/sealgate.db", 12) == 0 || strncmp(name, "/anchors", 8) == 0);
}

/* Whether this call is one that fails. */
static int fails(int file, char what) {
    if (!control || control->what != what || !is_ours(file)) return 0;
    unsigned every = control->every ? control->every : 1;
    if (atomic_fetch_add(&calls, 1) % every != 0) return 0;
    atomic_fetch_add(&control->failed, 1);
    errno = EIO;
    return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define READS(name, parameters, arguments)                                \
    ssize_t name parameters {                                             \
        static __typeof__(&name) real;                                    \
        if (!real) real = REAL(name);                                     \
        return fails(file, 'r') ? -1 : real arguments;                    \
    }

#define WRITES(name, parameters, arguments)                               \
    ssize_t name parameters {                                             \
        static __typeof__(&name) real;                                    \
        if (!real) real = REAL(name);                                     \
        if (fails(file, 'w')) return -1;                                  \
        if (count > 1 && fails(file, 'h')) count /= 2;                    \
        return real arguments;                                            \
    }

#define SYNCS(name)                                                       \
    int name(int file) {                                                  \
        static __typeof__(&name) real;                                    \
        if (!real) real = REAL(name);                                     \
        return fails(file, 's') ? -1 : real(file);                        \
    }

READS(read, (int file, void *bytes, size_t count), (file, bytes, count))
READS(pread, (int file, void *bytes, size_t count, off_t at), (file, bytes, count, at))
READS(pread64, (int file, void *bytes, size_t count, off64_t at), (file, bytes, count, at))
WRITES(write, (int file, const void *bytes, size_t count), (file, bytes, count))
WRITES(pwrite, (int file, const void *bytes, size_t count, off_t at), (file, bytes, count, at))
WRITES(pwrite64, (int file, const void *bytes, size_t count, off64_t at), (file, bytes, count, at))
SYNCS(fsync)
SYNCS(fdatasync)
