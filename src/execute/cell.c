/* cell.c - the memory that a rank shares with the child of one of its slots
 *
 * One file without a name is mapped as the front's page and then, for each slot:
 *
 *     cell (two pages) | trays | ring | the same ring again
 */
#include "execute/cell.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/fault.h"
#include "execute/futex.h"

#define FRONT_BYTES ((size_t)CELL_PAGE)
#define CELL_BYTES  ((size_t)2 * CELL_PAGE)
#define TRAYS_BYTES ((size_t)CELL_TRAYS * CELL_TRAY_BYTES)
#define FILE_BYTES                                                                     \
    (CELL_BYTES + TRAYS_BYTES + CELL_RING_BYTES)  /* a slot's, in the file */
#define SLOT_BYTES (FILE_BYTES + CELL_RING_BYTES) /* and when mapped */

_Static_assert(offsetof(struct cell, asleep) == CELL_PAGE, "the child's has its page");
_Static_assert(sizeof(struct cell) <= CELL_BYTES, "a cell fits in its pages");

static int map_file(int fd, size_t offset, size_t bytes, unsigned char *to)
{
    void *p = mmap(to, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
                   (off_t)offset);
    return p == MAP_FAILED ? ROTA_E_NOMEM : 0;
}

static int map_slots(const struct cells *c, int fd)
{
    int rc = map_file(fd, 0, FRONT_BYTES, c->memory);
    for (int i = 0; rc == 0 && i < c->slots; i++) {
        size_t offset = FRONT_BYTES + (size_t)i * FILE_BYTES;
        unsigned char *to = (unsigned char *)cells_at(c, i);
        rc = map_file(fd, offset, FILE_BYTES, to);
        if (rc == 0)
            rc = map_file(fd, offset + FILE_BYTES - CELL_RING_BYTES, CELL_RING_BYTES,
                          to + FILE_BYTES);
    }
    return rc;
}

int cells_map(struct cells *out, int slots, struct rota_error *err)
{
    struct cells c = {.slots = slots,
                      .bytes = FRONT_BYTES + (size_t)slots * SLOT_BYTES};
    size_t file_bytes = FRONT_BYTES + (size_t)slots * FILE_BYTES;
    rota_auto(fd) int fd = memfd_create("rota-tasks", MFD_CLOEXEC);
    if (fault(FAULT_SHARED) || fd < 0 || ftruncate(fd, (off_t)file_bytes) != 0)
        return error_set(err, ROTA_E_IO, "cannot make shared memory for tasks: %s",
                         strerror(errno));
    void *p = mmap(NULL, c.bytes, PROT_NONE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return error_set(err, ROTA_E_NOMEM, "cannot map shared memory for tasks: %s",
                         strerror(errno));
    c.memory = p;
    if (map_slots(&c, fd) != 0) {
        int error = errno;
        cells_unmap(&c);
        return error_set(err, ROTA_E_NOMEM, "cannot map shared memory for tasks: %s",
                         strerror(error));
    }
    *out = c;
    return 0;
}

void cells_unmap(struct cells *c)
{
    if (c->memory != NULL)
        munmap(c->memory, c->bytes);
    *c = (struct cells){0};
}

void cells_become(const struct cells *c, int slot)
{
    unsigned char *first = (unsigned char *)cells_at(c, 0);
    unsigned char *own = (unsigned char *)cells_at(c, slot);
    if (own > first)
        munmap(first, (size_t)(own - first));
    mprotect(own, CELL_PAGE, PROT_READ);
    own += SLOT_BYTES;
    if (own < c->memory + c->bytes)
        munmap(own, (size_t)(c->memory + c->bytes - own));
}

struct cell_front *cells_front(const struct cells *c)
{
    return (struct cell_front *)(void *)c->memory;
}

struct cell *cells_at(const struct cells *c, int slot)
{
    return (struct cell *)(void *)(c->memory + FRONT_BYTES + (size_t)slot * SLOT_BYTES);
}

unsigned char *cell_tray_bytes(struct cell *c, unsigned tray)
{
    return (unsigned char *)c + CELL_BYTES + (size_t)tray * CELL_TRAY_BYTES;
}

unsigned char *cell_ring(struct cell *c)
{
    return (unsigned char *)c + CELL_BYTES + TRAYS_BYTES;
}

/* Both sides exchange `asleep`, so one is the first: the sleeper, and is woken, or the
 * waker, and then the sleeper sees what it has changed. */
static void wake(_Atomic uint32_t *asleep, _Atomic uint32_t *bell)
{
    if (atomic_exchange(asleep, 0) == 0)
        return;
    atomic_fetch_add(bell, 1);
    futex_wake(bell);
}

void cell_wake(struct cell *c)
{
    wake(&c->asleep, &c->bell);
}

void cell_front_wake(struct cell_front *f)
{
    wake(&f->asleep, &f->bell);
}
