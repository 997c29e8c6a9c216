/* file.c - a file in memory, for a target */
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

int fuzz_file(const void *data, size_t size)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    must(fd >= 0);
    must(size == 0 || write(fd, data, size) == (ssize_t)size);
    must(lseek(fd, 0, SEEK_SET) == 0);
    return fd;
}
