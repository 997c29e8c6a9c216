/* shim.h - the parent above each rank of a guarded program
 *
 * What the launcher starts in a rank's place: `rota guard-rank ...` starts the program
 * below itself, with the preload library and a memory that the two share (state.h), and
 * outlives it. It holds a line to the monitor (liveness/line.h), on which they say,
 * besides CHALLENGE, HELLO, WELCOME, REPORT (without counts), PING and OVER:
 *
 *     kind      from     payload
 *     LOOK      monitor  number u64, what u64: 1 a whole shot, 0 its head alone
 *     SHOT      parent   a shot (shot.h)
 *     QUIET     parent   epoch u64, quiet u64: 1 this rank has stood still in MPI for a
 *                        moment, 0 it moves again
 *     ASK       monitor  what u64: bits SHIM_ASK_...
 *     SITES     parent   text: where the rank is in its source (sites.h); where stacks
 *                        were asked for, SHIM_STACK and the stack as text behind it
 *
 * All numbers as the machine has them (shot.h says why). OVER ends what is left of the
 * rank and of all that it started, and then the parent.
 */
#ifndef ROTA_GUARD_SHIM_H
#define ROTA_GUARD_SHIM_H

enum {
    SHIM_ASK_SITES = 1 << 0,  /* to be answered by SITES */
    SHIM_ASK_FLUSH = 1 << 1,  /* what the rank has printed and not yet written */
    SHIM_ASK_CORE = 1 << 2,   /* leave a core dump */
    SHIM_ASK_STACKS = 1 << 3, /* whole stacks among the sites */
    SHIM_ASK_STAY = 1 << 4,   /* the rank does nothing more: it is about to be ended */
    SHIM_ASK_STOP = 1 << 5,   /* so too, until it leaves a core dump */
};

#define SHIM_STACK '\f'

/* Start `argv` as a rank and see it to its end. Returns the exit status for the
 * launcher: 0 where the monitor has been told how the rank ended; errors are shown on
 * standard error. */
int shim_run(char **argv);

#endif
