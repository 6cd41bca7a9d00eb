/*
 * Paths that somebody else may have prepared: the store and the log in a folder where others can
 * make files, the mount point below one. What is refused here is what would make us write to a
 * file, or mount on a directory, that was not meant.
 *
 * Whoever can rename the folders above a path can always do so a moment later, and is trusted:
 * root, and the owners of these folders.
 */
#ifndef FS_PATH_H
#define FS_PATH_H

#include <stdbool.h>

/* Checks the store at `store`, a path without symbolic links, as realpath(3) gives it: no folder
 * of it may be open to everybody, but for those with the sticky bit; what is there of its files
 * must be regular, without a second name (two daemons would not see each other's lock), and
 * belong to us, to root or to the owner of the folder. Returns 0, or an exit code after a line
 * on the log. */
int path_check_store(const char *store);

/* Opens a file to append to it, and makes it with mode 0640. Follows a symbolic link only when
 * it is root's or ours (ELOOP), and in a folder that is open to everybody takes no file that is
 * another's or has a second name (EPERM). Returns a descriptor or -errno. */
int path_open_log(const char *path);

/* The folder that holds `path`, which has no symbolic links: a descriptor to be closed, or
 * -errno. It stays the same folder whatever is renamed. */
int path_pin(const char *path);
/* Is something mounted on that name of the pinned folder? Asks no file system. */
bool path_is_mount(int folder, const char *path);

#endif
