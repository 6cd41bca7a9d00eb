/* The command line. See options.h. */
#include "fs/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static const char usage[] =
	"usage: spoolfs [-f] [-d] [-o option,...] CONFIG MOUNTPOINT\n"
	"       spoolfs -n CONFIG\n"
	"       spoolfs -h | -V\n"
	"\n"
	"Mounts the job queues that CONFIG defines at MOUNTPOINT, each as a directory.\n"
	"\n"
	"  -f          stay in the foreground and log to standard error\n"
	"  -d          the same, and show every request\n"
	"  -n          check CONFIG, print what it means, and exit: 0, or 78 if it is wrong\n"
	"  -o option   a mount option, or log=FILE: append the log to FILE\n"
	"  -h, -V      show this help, the version\n"
	"\n"
	"Unmount with: fusermount3 -u MOUNTPOINT. More: man 1 spoolfs, man 7 spoolfs.\n";

void
options_usage(void)
{
	(void)fputs(usage, stdout);
}

/* What mount(8), fstab(5) and systemd.mount(5) say to each other. */
static bool
option_is_for_others(const char *option)
{
	static const char *const words[] = { "auto", "noauto", "user", "nouser", "users",
		"owner", "group", "defaults", "_netdev", "nofail", "relatime", "norelatime",
		"strictatime", "nostrictatime", "lazytime", "nolazytime", "silent", "loud",
		"diratime", "mand", "nomand", "iversion", "noiversion", "remount",
		"default_permissions" };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(option, words[i]) == 0)
			return true;
	/* libfuse fails on this one unless the program asks for the same. */
	if (strncmp(option, "max_read=", strlen("max_read=")) == 0)
		return true;
	return strncmp(option, "x-", 2) == 0 || strncmp(option, "X-", 2) == 0 ||
	       strncmp(option, "comment=", strlen("comment=")) == 0;
}

static int
options_add(struct options *options, char *list)
{
	char *rest = NULL;

	for (char *option = strtok_r(list, ",", &rest); option;
		option = strtok_r(NULL, ",", &rest)) {
		if (strncmp(option, "log=", strlen("log=")) == 0) {
			free(options->log_path);
			options->log_path = strdup(option + strlen("log="));
			if (!options->log_path)
				return -1;
		} else if (!option_is_for_others(option) &&
			   (fuse_opt_add_arg(&options->mount, "-o") ||
				   fuse_opt_add_arg(&options->mount, option))) {
			return -1;
		}
	}
	return 0;
}

/* mount.spoolfs CONFIG MOUNTPOINT [-sfnv] [-N namespace] [-o options] [-t type]: mount(8) */
static bool
is_mount_helper(const char *program)
{
	const char *slash = strrchr(program, '/');

	return strcmp(slash ? slash + 1 : program, "mount.spoolfs") == 0;
}

static int
options_letter(struct options *options, int letter, bool helper)
{
	switch (letter) {
	case 'f':
		*(helper ? &options->fake : &options->foreground) = true;
		return 0;
	case 'd':
		options->debug = options->foreground = true;
		return 0;
	case 'n':
		options->check = !helper;
		return 0;
	case 'h':
		options->help = true;
		return 0;
	case 'V':
		options->version = true;
		return 0;
	case 'o':
		return options_add(options, optarg);
	case 's':
	case 'v':
	case 'N':
	case 't':
		return 0;
	default:
		return -1;
	}
}

static int
options_operands(struct options *options, int count, char **operands)
{
	int wanted = options->check ? 1 : 2;

	if (options->help || options->version)
		return 0;
	if (count != wanted) {
		(void)fprintf(stderr, "spoolfs: %s: want %s (spoolfs -h tells more)\n",
			count < wanted ? "something is missing" : "too many arguments",
			options->check ? "CONFIG" : "CONFIG and MOUNTPOINT");
		return EX_USAGE;
	}
	options->config = operands[0];
	options->mountpoint = options->check ? NULL : strdup(operands[1]);
	return options->check || options->mountpoint ? 0 : EX_OSERR;
}

int
options_parse(struct options *options, int argc, char **argv)
{
	bool helper = is_mount_helper(argv[0]);
	int letter;

	*options = (struct options){ 0 };
	if (fuse_opt_add_arg(&options->mount, "spoolfs"))
		return EX_OSERR;
	while ((letter = getopt(argc, argv, helper ? "sfnvN:o:t:hV" : "fdno:hVst:")) >= 0)
		if (options_letter(options, letter, helper)) {
			(void)fprintf(stderr, "spoolfs: spoolfs -h tells the options\n");
			return EX_USAGE;
		}
	return options_operands(options, argc - optind, argv + optind);
}

void
options_release(struct options *options)
{
	fuse_opt_free_args(&options->mount);
	free(options->log_path);
	free(options->mountpoint);
}
