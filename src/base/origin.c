/* origin.c - the return addresses on the stack, as one number */
#include "base/origin.h"

#include <dlfcn.h>
#include <execinfo.h>

enum {
    DEPTH = 64, /* calls; what is further out does not count */
};

/* Offset of `address` in the file that has this code too; -1 if another has it. */
static int64_t offset_in_own(const void *address)
{
    Dl_info own;
    Dl_info there;
    if (dladdr(__builtin_return_address(0), &own) == 0 ||
        dladdr(address, &there) == 0 || own.dli_fbase != there.dli_fbase)
        return -1;
    return (const char *)address - (const char *)there.dli_fbase;
}

uint32_t origin_of_call(void)
{
    void *calls[DEPTH];
    int count = backtrace(calls, DEPTH);
    uint64_t sum = 14695981039346656037U; /* FNV-1a, of offsets */
    for (int i = 0; i < count; i++) {
        int64_t offset = offset_in_own(calls[i]);
        if (offset >= 0)
            sum = (sum ^ (uint64_t)offset) * 1099511628211U;
    }
    uint32_t folded = (uint32_t)(sum ^ sum >> 32);
    return folded != 0 ? folded : 1;
}
