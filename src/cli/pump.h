/* pump.h - a terminal's input for who is not in the foreground
 *
 * Only the foreground's processes may read a terminal. The launcher and the ranks are
 * not among them, so that what is typed to stop a run reaches the front alone; what is
 * typed as a list, the front passes on through a pipe.
 */
#ifndef ROTA_CLI_PUMP_H
#define ROTA_CLI_PUMP_H

/* Have a thread write what can be read from `from` to `to`, up to its end; it takes
 * both, and ends with them, or with the process. Returns 0, or an errno, and both are
 * then still the caller's. */
int pump_begin(int from, int to);

/* A pipe of which what is read from `from` (taken) can be read, up to its end, by a
 * thread that ends with it, or with the process. Returns the pipe's end, or -1 with
 * errno. */
int pump_open(int from);

#endif
