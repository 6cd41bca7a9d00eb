/*
 * The command line: that of spoolfs, and that of a mount(8) helper.
 */
#ifndef FS_OPTIONS_H
#define FS_OPTIONS_H

#include <fuse_lowlevel.h>
#include <stdbool.h>

struct options {
	bool foreground, debug, check, help, version;
	bool fake;          /* mount -f: do all but the mounting */
	const char *config; /* of argv */
	char *mountpoint;   /* malloc'ed */
	char *log_path;
	struct fuse_args mount; /* the options of the mount, for libfuse */
};

/* Returns 0, or 64 (EX_USAGE) after saying on stderr what is wrong. */
int options_parse(struct options *options, int argc, char **argv);
void options_release(struct options *options);
void options_usage(void);

#endif
