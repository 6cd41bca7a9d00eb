/*
 * Paths of the store.
 */
#ifndef CONFIG_PATHS_H
#define CONFIG_PATHS_H

/*
 * The absolute path of what the file at `config_path` calls `given`: relative to that file's
 * directory, "~/" is $HOME. Returns 0 and *path, which the caller frees; -ENOENT when the
 * directory or HOME is unknown, -ENOMEM. Nothing is created.
 */
int store_path(const char *config_path, const char *given, char **path);

/*
 * The place when nothing is given: queues.db in the first directory of $STATE_DIRECTORY
 * (systemd separates several by colons), else in $XDG_STATE_HOME/spoolfs, else in
 * $HOME/.local/state/spoolfs. Variables that are no absolute path are passed over (XDG base
 * directory specification). Returns 0, -ENOENT when none is set, -ENOMEM.
 */
int store_default_path(char **path);

#endif
