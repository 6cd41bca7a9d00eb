/*
 * Copies a file as programs do that map what they write: sets the size, maps, copies, unmaps. What
 * cannot be mapped is removed again.
 *
 * usage: mapper FROM TO
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int
map_copy(int from, int to)
{
	struct stat attr;
	void *map;
	ssize_t copied;

	if (fstat(from, &attr) || ftruncate(to, attr.st_size))
		return -1;
	map = mmap(NULL, (size_t)attr.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, to, 0);
	if (map == MAP_FAILED)
		return -1;
	copied = read(from, map, (size_t)attr.st_size);
	if (munmap(map, (size_t)attr.st_size) || copied != attr.st_size)
		return -1;
	return 0;
}

int
main(int argc, char **argv)
{
	int from = argc == 3 ? open(argv[1], O_RDONLY) : -1;
	int to = from >= 0 ? open(argv[2], O_RDWR | O_CREAT | O_TRUNC, 0644) : -1;

	if (to < 0 || map_copy(from, to)) {
		perror("mapper");
		if (to >= 0)
			(void)unlink(argv[2]); /* it has failed either way */
		return 1;
	}
	return close(to) == 0 ? 0 : 1;
}
