/* patience.c - how long one waits for others before a verdict on them */
#include "base/patience.h"

#include <stdlib.h>

#include "base/clock.h"

/* A century: who writes many nines means never, and a deadline that far off is
 * still a number. */
#define MOST_MS INT64_C(3153600000000)

static int64_t from_env(const char *name, int64_t otherwise_ms)
{
    const char *text = getenv(name);
    char *end;
    if (text == NULL)
        return otherwise_ms * NS_PER_MS;
    long long ms = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || ms <= 0)
        return otherwise_ms * NS_PER_MS;
    return (ms < MOST_MS ? ms : MOST_MS) * NS_PER_MS;
}

struct patience patience_from_env(void)
{
    return (struct patience){
        .silence_ns = from_env("ROTA_SILENCE_MS", 10000),
        .freeze_ns = from_env("ROTA_FREEZE_MS", 10000),
        .join_ns = from_env("ROTA_JOIN_MS", 60000),
        .outlive_ns = from_env("ROTA_OUTLIVE_MS", 60000),
    };
}
