/* thread_end.c - a function that ends the thread it runs in ends the process */
#include "execute/thread_end.h"

#include <stdlib.h>

#include "rota.h"

/* Called by the thread that ends, if it is watched. */
static void end_process(void *watched)
{
    (void)watched;
    exit(0);
}

int thread_end_init(struct thread_end *t)
{
    return pthread_key_create(&t->key, end_process) == 0 ? 0 : ROTA_E_NOMEM;
}

void thread_end_done(struct thread_end *t)
{
    pthread_key_delete(t->key);
}

int thread_end_watch(const struct thread_end *t, bool watch)
{
    return pthread_setspecific(t->key, watch ? t : NULL) == 0 ? 0 : ROTA_E_NOMEM;
}
