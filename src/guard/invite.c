/* invite.c - how the ranks' parents learn where the monitor is */
#include "guard/invite.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "rota.h"

int invite_put(const struct liveness_invitation *invitation)
{
    char text[2 * sizeof(*invitation) + 1];
    sodium_bin2hex(text, sizeof(text), (const unsigned char *)invitation,
                   sizeof(*invitation));
    return setenv(INVITE_VARIABLE, text, 1) == 0 ? 0 : ROTA_E_NOMEM;
}

int invite_take(struct liveness_invitation *out)
{
    size_t size = 0;
    const char *text = getenv(INVITE_VARIABLE);
    if (text == NULL ||
        sodium_hex2bin((unsigned char *)out, sizeof(*out), text, strlen(text), NULL,
                       &size, NULL) != 0 ||
        size != sizeof(*out) || out->valid != 1 || out->address_count > NET_ADDRESSES)
        return ROTA_E_STATE;
    unsetenv(INVITE_VARIABLE);
    return 0;
}
