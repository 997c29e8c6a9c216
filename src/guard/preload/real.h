/* real.h - the MPI library behind the wrappers, found at the first call
 *
 * The preload library is not linked with MPI: it is loaded into every program that a
 * rank starts, most of which have none, and into programs that load MPI later and for
 * themselves alone (Python's mpi4py).
 */
#ifndef ROTA_GUARD_PRELOAD_REAL_H
#define ROTA_GUARD_PRELOAD_REAL_H

/* Write the address of MPI's function `name` to the function pointer at `function`.
 * `caller` is an address in what calls it, or NULL once one has been found. Ends the
 * process, with a word, where MPI has no such function. Keeps errno. */
void real_find(void *function, const char *name, const void *caller);

/* MPI's object of that name; ends the process where there is none. */
void *real_object(const char *name);

#endif
