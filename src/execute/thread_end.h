/* thread_end.h - a function that ends the thread it runs in ends the process
 *
 * With pthread_exit() it would leave a process that runs nothing, and whose end nobody
 * hears of as long as another of its threads is there.
 */
#ifndef ROTA_EXECUTE_THREAD_END_H
#define ROTA_EXECUTE_THREAD_END_H

#include <pthread.h>
#include <stdbool.h>

struct thread_end {
    pthread_key_t key;
};

/* Fails with ROTA_E_NOMEM: this process has as many keys as there can be. */
int thread_end_init(struct thread_end *t);
void thread_end_done(struct thread_end *t);

/* From now on the end of the calling thread is that of the process, with status 0, as
 * by exit(); or no longer. Fails with ROTA_E_NOMEM, the first time for a thread. */
int thread_end_watch(const struct thread_end *t, bool watch);

#endif
