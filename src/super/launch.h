/* SPDX-License-Identifier: MIT */
/*
 * launch: three processes, and what they tell each other
 *
 *   guardian <---stopped, ended--- supervisor <---listener--- program
 *            ----signals--------->
 *
 *   - the supervisor fails: the program dies (PDEATHSIG); what else was started
 *     falls to the guardian, a sub-reaper, which kills it and says why
 *   - the guardian dies: so do the supervisor and all below it
 *   - stop, continue and signals for `ioas run` reach the program
 *   - daemons that outlive the program keep the supervisor, not the guardian
 *
 * ioas_run() (run.h) is in launch.c, the program's side in program.c.
 */
#ifndef IOAS_SUPER_LAUNCH_H
#define IOAS_SUPER_LAUNCH_H

#include "super/super.h"

/* What the program's side is started with. */
struct ioas_program {
	pid_t pid;
	int pidfd;
	/* Notices. */
	int notify;
	bool namespace;
};

/*
 * Remember signal mask, dispositions and the limit of descriptors, before ours:
 * the program gets them.
 */
void ioas_program_inherit(void);

/*
 * Fork the program: namespaces as @opts->mode says, with @tree mounted, then
 * the filter, then execve. Returns when it is about to execute, or could not:
 * 0; enum ioas_run_exit with a message.
 */
int ioas_program_start(const struct ioas_run_options *opts, const char *tree,
		       const struct ioas_fd_range *range,
		       struct ioas_program *out);

/*
 * What the supervisor learns of the program, for the guardian. Stopped by
 * @signal; or ended, @status as waitpid(2) gives it: what the supervisor has to
 * say on stderr comes before that, since the guardian may leave.
 */
void ioas_launch_stopped(int signal);
void ioas_launch_ended(int status);
/*
 * In the supervisor, after that: end, where not everything can be taken apart, as
 * others use it and never come back.
 */
_Noreturn void ioas_launch_leave(void);

#endif
