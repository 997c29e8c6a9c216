/* tree.h - a process tree, ended as a whole
 *
 * Launchers put their ranks into process groups and sessions of their own, so no
 * one signal reaches them all. What holds them together is descent: a process
 * that made itself the reaper of its orphans (tree_adopt) stays the ancestor of
 * whatever is started below it, however it detaches itself, and can end it all.
 */
#ifndef ROTA_BASE_TREE_H
#define ROTA_BASE_TREE_H

#include <stdint.h>
#include <sys/types.h>

/* Become the reaper of orphaned descendants (PR_SET_CHILD_SUBREAPER, Linux).
 * Returns 0, or ROTA_E_IO where the kernel refuses. */
int tree_adopt(void);

/* Write the ids of all living descendants of `root` (0: of the caller), itself
 * not included, to `pids`, at most `cap`. Returns how many there are, which may
 * be more than `cap`, or ROTA_E_IO when /proc cannot be read. Zombies are left
 * out. */
int tree_list(pid_t root, pid_t *pids, int cap);

/* Kill (SIGKILL) every descendant of the caller and reap them, again and again
 * until none is left, zombies neither, or `deadline_ns` (clock.h) has passed. Returns
 * 0, or ROTA_E_TIMEOUT if some are still there, or ROTA_E_IO. The caller must be the
 * reaper of its orphans, and loses the exit statuses of its children. */
int tree_kill(int64_t deadline_ns);

#endif
