/* answer.h - what a rank does when its parent asks, after the verdict
 *
 * The parent writes what it wants into `asked` and sends SIGNAL to the thread that has
 * called MPI_Init. If that thread is inside MPI, the handler writes Python's stack into
 * the shared memory, and flushes what the program has printed and not yet written. It
 * is not asked before the verdict has been made: until then nothing differs for the
 * program but that one real-time signal, if the program leaves it alone, has a handler.
 */
#ifndef ROTA_GUARD_PRELOAD_ANSWER_H
#define ROTA_GUARD_PRELOAD_ANSWER_H

/* Be ready to answer, unless the program uses the signal itself. */
void answer_begin(void);

#endif
