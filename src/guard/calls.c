/* calls.c - the MPI calls that the guard knows, each with a number */
#include "guard/calls.h"

#include <stddef.h>

#define CALL_NAME(name) [CALL_##name] = "MPI_" #name,
static const char *const names[CALL_COUNT] = {CALLS(CALL_NAME)};

const char *call_name(unsigned call)
{
    return call < CALL_COUNT ? names[call] : NULL;
}
