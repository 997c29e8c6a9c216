/* scratch.h - a folder of temporary files for a command, removed as a whole */
#ifndef ROTA_BASE_SCRATCH_H
#define ROTA_BASE_SCRATCH_H

/* Where temporary files go: what TMPDIR names, else /tmp. Valid until that changes. */
const char *scratch_above(void);

/* Make a folder there and let the environment's TMPDIR name it, for
 * the commands that are started from now on. On success *out is its path, the
 * caller's: scratch_remove(). Fails with ROTA_E_IO or ROTA_E_NOMEM. */
int scratch_make(char **out);

/* Remove the folder with all that it holds, and free `path` (NULL is accepted).
 * Returns how many files and folders there were in it; each is shown to `found`,
 * which may be NULL, before it goes. Not from two threads at once. */
int scratch_remove(char *path, void (*found)(const char *path));

#endif
