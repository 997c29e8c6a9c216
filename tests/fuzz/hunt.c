/* hunt.c - a fuzz target under libFuzzer, which has the main() */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_one(data, size);
    return 0;
}

/* Seeds are replay.c's to write. */
void fuzz_seed(const char *name, const void *data, size_t size)
{
    (void)name;
    (void)data;
    (void)size;
}
