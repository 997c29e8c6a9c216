/* known_secret.c - preloaded into Rota's processes: the line's secret is no secret
 *
 * libsodium's random bytes, of which secrets and nonces are made, are a text to look
 * for wherever a secret should not be: private.sh.
 */
#include <stddef.h>
#include <string.h>

void randombytes_buf(void *buf, size_t size);

void randombytes_buf(void *buf, size_t size)
{
    static const char text[] = "TheSecret";
    unsigned char *to = buf;
    for (size_t i = 0; i < size; i++)
        to[i] = (unsigned char)text[i % (sizeof(text) - 1)];
}
