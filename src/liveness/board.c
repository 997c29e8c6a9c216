/* board.c - the memory that a rank shares with its parent */
#include "liveness/board.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"

static size_t board_bytes(uint32_t size)
{
    return sizeof(struct board) + size * sizeof(struct board_peer);
}

int board_create(int *fd)
{
    int made = fault(FAULT_SHARED) ? -1 : memfd_create("rota-board", 0);
    if (made < 0)
        return ROTA_E_IO;
    *fd = made;
    return 0;
}

int board_map(int fd, int size, struct board **out)
{
    size_t bytes = board_bytes((uint32_t)size);
    int flags = fd < 0 ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED;
    if (fd >= 0 && ftruncate(fd, (off_t)bytes) != 0)
        return ROTA_E_IO;
    void *at = fault(FAULT_SHARED)
                   ? MAP_FAILED
                   : mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (at == MAP_FAILED)
        return ROTA_E_IO;
    struct board *b = at;
    b->size = (uint32_t)size;
    *out = b;
    return 0;
}

void board_unmap(struct board *b)
{
    if (b != NULL)
        munmap(b, board_bytes(b->size));
}

void board_post(struct board *b, int peer, struct rota_fate fate, uint64_t due)
{
    struct board_peer *p = &b->peers[peer];
    __atomic_store_n(&p->due, due, __ATOMIC_RELAXED);
    uint64_t word = (uint64_t)(uint32_t)fate.code << 32 | (uint32_t)fate.how;
    __atomic_store_n(&p->fate, word, __ATOMIC_RELEASE);
    __atomic_add_fetch(&b->epoch, 1, __ATOMIC_RELEASE);
    syscall(SYS_futex, &b->epoch, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void board_sleep(const struct board *b, uint32_t seen, int64_t timeout_ns)
{
    struct timespec t = {.tv_sec = timeout_ns / NS_PER_SEC,
                         .tv_nsec = timeout_ns % NS_PER_SEC};
    syscall(SYS_futex, &b->epoch, FUTEX_WAIT, seen, &t, NULL, 0);
}
