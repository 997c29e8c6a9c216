/* patience.c - how long the liveness part waits before it gives a verdict */
#include "liveness/patience.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"

static int64_t from_env(const char *name, int64_t otherwise_ms)
{
    const char *text = getenv(name);
    char *end;
    if (text == NULL)
        return otherwise_ms * NS_PER_MS;
    errno = 0;
    long long ms = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || ms <= 0 ||
        ms > INT64_MAX / NS_PER_MS)
        return otherwise_ms * NS_PER_MS;
    return ms * NS_PER_MS;
}

struct patience patience_from_env(void)
{
    return (struct patience){
        .silence_ns = from_env("ROTA_SILENCE_MS", 10000),
        .freeze_ns = from_env("ROTA_FREEZE_MS", 10000),
        .join_ns = from_env("ROTA_JOIN_MS", 60000),
    };
}
