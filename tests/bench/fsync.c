/*
 * The disk's floor: overwrite 4 KiB of a file that is all there, and fdatasync. One such step
 * is the least that one durable job can cost alone. Prints the line of measure.h.
 *
 * usage: fsync FILE STEPS
 */
#include <fcntl.h>
#include <unistd.h>

#include "tests/bench/measure.h"

#define BLOCK 4096
#define RING 1024 /* blocks of the file */

static int
file_new(const char *path)
{
	static const char zeros[RING * BLOCK];
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);

	if (fd < 0 || write(fd, zeros, sizeof zeros) != sizeof zeros || fsync(fd))
		die(path);
	return fd;
}

int
main(int argc, char **argv)
{
	long steps = argc == 3 ? atol(argv[2]) : 0;
	char block[BLOCK];
	struct samples samples;

	if (steps < 1) {
		fputs("usage: fsync FILE STEPS\n", stderr);
		return 64;
	}
	int fd = file_new(argv[1]);
	memset(block, 'x', sizeof block);
	samples_init(&samples, (size_t)steps);
	uint64_t begin_ns = now_ns();
	for (off_t i = 0; i < steps; i++) {
		uint64_t step_ns = now_ns();

		if (pwrite(fd, block, BLOCK, i % RING * BLOCK) != BLOCK || fdatasync(fd))
			die(argv[1]);
		sample_add(&samples, step_ns);
	}
	samples_print(&samples, (double)steps * 1e9 / (double)(now_ns() - begin_ns));
	return 0;
}
