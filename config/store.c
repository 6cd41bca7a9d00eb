/* Which store the file means. See loading.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/loading.h"
#include "config/paths.h"

static void
set_store(struct loading *loading, const yaml_node_t *node, int error)
{
	struct place place = node ? place_of(node) : (struct place){ 0 };
	if (error == -ENOMEM)
		loading->mistakes->out_of_memory = true;
	else if (error && node)
		mistakes_add(loading->mistakes, place,
			"store: cannot tell the directory; write a path that begins with '/'");
	else if (error)
		mistakes_add(loading->mistakes, place,
			"store: no place for it: write store: PATH, or set STATE_DIRECTORY or "
			"HOME");
}

static void
read_store(struct loading *loading)
{
	const yaml_node_t *node = loading->store;
	const char *path = loading_path(loading, node, "store");
	if (!path)
		return;
	if (path[strlen(path) - 1] == '/') {
		mistakes_add(loading->mistakes, place_of(node),
			"store: expected a file, found a directory; did you mean %squeues.db?",
			shown(path).text);
		return;
	}
	set_store(loading, node, store_path(loading->path, path, &loading->config->store));
}

/* The folder that iii's builtin adapter names: the store is in it. */
static void
read_adapter_folder(struct loading *loading)
{
	const char *folder = loading_path(loading, loading->folder, "adapter: file_path");
	char *file = NULL;
	if (!folder)
		return;
	if (asprintf(&file, "%s%squeues.db", folder,
		    folder[strlen(folder) - 1] == '/' ? "" : "/") < 0) {
		loading->mistakes->out_of_memory = true;
		return;
	}
	set_store(loading, loading->folder,
		store_path(loading->path, file, &loading->config->store));
	free(file);
}

void
loading_store(struct loading *loading)
{
	if (loading->store)
		read_store(loading);
	else if (loading->folder)
		read_adapter_folder(loading);
	else
		set_store(loading, NULL, store_default_path(&loading->config->store));
}
