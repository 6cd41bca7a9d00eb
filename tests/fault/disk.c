#include "tests/fault/disk.h"

#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/hash.h"

#define SECTOR 512

volatile bool disk_allocates; /* the compiler knows that realloc() looks at no bool */

static void *
take(void *old, size_t size)
{
	disk_allocates = true;
	void *memory = realloc(old, size);
	disk_allocates = false;
	assert(memory);
	return memory;
}

/* ---- bytes ---- */

static void
bytes_resize(struct bytes *bytes, size_t size)
{
	if (size > bytes->room) {
		bytes->room = size * 2 + 4096;
		bytes->at = take(bytes->at, bytes->room);
	}
	if (size > bytes->size)
		memset(bytes->at + bytes->size, 0, size - bytes->size);
	bytes->size = size;
}

static void
bytes_write(struct bytes *bytes, size_t offset, const void *from, size_t size)
{
	if (offset + size > bytes->size)
		bytes_resize(bytes, offset + size);
	memcpy(bytes->at + offset, from, size);
}

static void
bytes_copy(struct bytes *to, const struct bytes *from)
{
	bytes_resize(to, 0);
	if (from->size > 0)
		bytes_write(to, 0, from->at, from->size);
}

/* ---- what is not synced ---- */

static void
change_add(struct disk_file *file, bool truncate, size_t offset, const void *bytes, size_t size)
{
	struct disk_change *change = take(NULL, sizeof *change + size);
	*change = (struct disk_change){ .truncate = truncate, .offset = offset, .size = size };
	if (size > 0)
		memcpy(change->bytes, bytes, size);
	if (file->last)
		file->last->next = change;
	else
		file->first = change;
	file->last = change;
}

static void
changes_drop(struct disk_file *file)
{
	for (struct disk_change *next; file->first; file->first = next) {
		next = file->first->next;
		free(file->first);
	}
	file->last = NULL;
}

static void
file_sync(struct disk_file *file)
{
	for (const struct disk_change *it = file->first; it; it = it->next) {
		if (it->truncate)
			bytes_resize(&file->synced, it->offset);
		else
			bytes_write(&file->synced, it->offset, it->bytes, it->size);
	}
	changes_drop(file);
}

/* The folder's entries are on disk. */
static void
folder_sync(struct disk *disk)
{
	for (struct disk_file *file = disk->files; file < disk->files + DISK_FILES; file++) {
		file->there_synced = file->there;
		if (file->there)
			continue;
		changes_drop(file);
		bytes_resize(&file->synced, 0);
	}
}

static void
shm_drop(struct disk_file *file)
{
	for (size_t i = 0; i < sizeof file->shm / sizeof *file->shm; i++) {
		free(file->shm[i]);
		file->shm[i] = NULL;
	}
}

static void
file_clear(struct disk_file *file)
{
	changes_drop(file);
	shm_drop(file);
	free(file->now.at);
	free(file->synced.at);
	*file = (struct disk_file){ .name = "" };
}

/* ---- crashes ---- */

static void
change_tear(struct bytes *bytes, const struct disk_change *change, uint64_t *random)
{
	uint64_t luck = hash_sequence(random);
	if (change->truncate) {
		if (luck & 1)
			bytes_resize(bytes, change->offset);
		return;
	}
	/* Whole, or not at all, or sector by sector. */
	for (size_t done = 0; done < change->size;) {
		size_t sector = SECTOR - (change->offset + done) % SECTOR;
		size_t size = change->size - done < sector ? change->size - done : sector;
		uint64_t draw = luck % 4 < 2 ? luck >> 8 : hash_sequence(random);
		size_t offset = change->offset + done;
		if (draw & 1)
			bytes_write(bytes, offset, change->bytes + done, size);
		else if (draw % 64 == 2 && offset + size <= bytes->size)
			memset(bytes->at + offset, 0xa5, size);
		done += size;
	}
}

/* Later changes may be there without earlier ones: each is drawn by itself. What overlaps is
 * written in order, as a disk's cache would. */
static void
file_tear(const struct disk_file *from, struct bytes *to, uint64_t *random)
{
	bytes_copy(to, &from->synced);
	for (const struct disk_change *it = from->first; it; it = it->next)
		change_tear(to, it, random);
}

static bool
file_survives(const struct disk_file *file, enum disk_crash crash, uint64_t *random)
{
	if (crash == DISK_KILLED || file->there == file->there_synced)
		return file->there;
	return crash == DISK_LOST ? file->there_synced : hash_sequence(random) & 1;
}

void
disk_image(const struct disk *from, struct disk *to, enum disk_crash crash, uint64_t *random)
{
	disk_clear(to);
	for (int i = 0; i < DISK_FILES; i++) {
		const struct disk_file *file = &from->files[i];
		struct disk_file *copy = &to->files[i];
		if (!file->name[0] || !file_survives(file, crash, random))
			continue;
		(void)snprintf(copy->name, sizeof copy->name, "%s", file->name);
		copy->there = copy->there_synced = true;
		copy->hollow = file->hollow;
		if (file->hollow) {
			copy->now.size = file->now.size;
			continue;
		}
		if (crash == DISK_KILLED)
			bytes_copy(&copy->now, &file->now);
		else if (crash == DISK_LOST)
			bytes_copy(&copy->now, &file->synced);
		else
			file_tear(file, &copy->now, random);
		bytes_copy(&copy->synced, &copy->now);
	}
}

/* ---- faults ---- */

static bool
is_due(struct disk *disk, enum disk_call call)
{
	if (!(call & DISK_LOOKS))
		disk->calls++;
	if (disk->dead) {
		errno = EIO;
		return true;
	}
	if (disk->fail_after < 0 || !(disk->fail_calls & (int)call))
		return false;
	if (disk->fail_after > 0) {
		disk->fail_after--;
		return false;
	}
	if (!disk->lasting)
		disk->fail_after = -1;
	disk->failed = true;
	disk->sync_failed |= call == DISK_SYNC;
	errno = disk->fail_code == SQLITE_FULL ? ENOSPC : EIO;
	return true;
}

static int
code_of(const struct disk *disk, int code)
{
	return disk->fail_code == SQLITE_FULL && !disk->dead ? SQLITE_FULL : code;
}

static void
tell(struct disk *disk, enum disk_call call)
{
	if (disk->watch)
		disk->watch(disk->context, call);
}

int64_t
disk_used(const struct disk *disk)
{
	int64_t used = 0;
	for (int i = 0; i < DISK_FILES; i++)
		if (disk->files[i].there)
			used += (int64_t)disk->files[i].now.size;
	return used;
}

static bool
has_room(const struct disk *disk, const struct disk_file *file, size_t end)
{
	if (disk->capacity < 0 || end <= file->now.size)
		return true;
	return disk_used(disk) + (int64_t)(end - file->now.size) <= disk->capacity;
}

/* ---- files ---- */

struct handle {
	sqlite3_file base;
	struct disk *disk;
	struct disk_file *file;
	struct disk_file *own; /* without a name: goes with the handle */
	bool remove;
};

static struct handle *
handle_of(sqlite3_file *file)
{
	return (struct handle *)(void *)file;
}

static int
io_close(sqlite3_file *base)
{
	struct handle *handle = handle_of(base);
	if (handle->own) {
		file_clear(handle->own);
		free(handle->own);
	} else if (handle->remove) {
		handle->file->there = false;
		bytes_resize(&handle->file->now, 0);
	}
	return SQLITE_OK;
}

static int
io_read(sqlite3_file *base, void *to, int size, sqlite3_int64 offset)
{
	const struct handle *handle = handle_of(base);
	const struct bytes *now = &handle->file->now;
	if (is_due(handle->disk, DISK_READ))
		return SQLITE_IOERR_READ;
	size_t there = (size_t)offset < now->size ? now->size - (size_t)offset : 0;
	size_t some = there < (size_t)size ? there : (size_t)size;
	if (some > 0)
		memcpy(to, now->at + offset, some);
	memset((char *)to + some, 0, (size_t)size - some);
	return some == (size_t)size ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int
io_write(sqlite3_file *base, const void *from, int size, sqlite3_int64 offset)
{
	struct handle *handle = handle_of(base);
	if (is_due(handle->disk, DISK_WRITE))
		return code_of(handle->disk, SQLITE_IOERR_WRITE);
	if (!has_room(handle->disk, handle->file, (size_t)offset + (size_t)size))
		return SQLITE_FULL;
	if (handle->file->hollow) {
		if (handle->file->now.size < (size_t)offset + (size_t)size)
			handle->file->now.size = (size_t)offset + (size_t)size;
	} else {
		change_add(handle->file, false, (size_t)offset, from, (size_t)size);
		bytes_write(&handle->file->now, (size_t)offset, from, (size_t)size);
	}
	tell(handle->disk, DISK_WRITE);
	return SQLITE_OK;
}

static size_t
in_chunks(const struct disk_file *file, sqlite3_int64 size)
{
	sqlite3_int64 chunk = file->chunk > 0 ? file->chunk : 1;
	return (size_t)((size + chunk - 1) / chunk * chunk);
}

static int
io_truncate(sqlite3_file *base, sqlite3_int64 size)
{
	struct handle *handle = handle_of(base);
	size_t end = in_chunks(handle->file, size);
	if (is_due(handle->disk, DISK_TRUNCATE))
		return SQLITE_IOERR_TRUNCATE;
	if (!has_room(handle->disk, handle->file, end))
		return SQLITE_IOERR_TRUNCATE;
	if (handle->file->hollow) {
		handle->file->now.size = end;
	} else {
		change_add(handle->file, true, end, NULL, 0);
		bytes_resize(&handle->file->now, end);
	}
	tell(handle->disk, DISK_TRUNCATE);
	return SQLITE_OK;
}

static int
io_sync(sqlite3_file *base, int flags)
{
	struct handle *handle = handle_of(base);
	(void)flags;
	if (!handle->own)
		tell(handle->disk, DISK_SYNC);
	if (is_due(handle->disk, DISK_SYNC))
		return code_of(handle->disk, SQLITE_IOERR_FSYNC);
	file_sync(handle->file);
	/* SQLite syncs the folder with a journal it made, not with the database. */
	if (strchr(handle->file->name, '-'))
		folder_sync(handle->disk);
	return SQLITE_OK;
}

static int
io_size(sqlite3_file *base, sqlite3_int64 *size)
{
	const struct handle *handle = handle_of(base);
	if (is_due(handle->disk, DISK_SIZE))
		return SQLITE_IOERR_FSTAT;
	*size = (sqlite3_int64)handle->file->now.size;
	return SQLITE_OK;
}

static int
io_lock(sqlite3_file *base, int level)
{
	(void)base;
	(void)level;
	return SQLITE_OK;
}

static int
io_reserved(sqlite3_file *base, int *out)
{
	(void)base;
	*out = 0;
	return SQLITE_OK;
}

static int
size_hint(struct handle *handle, sqlite3_int64 size)
{
	if (handle->file->chunk <= 0)
		return SQLITE_OK;
	size_t end = in_chunks(handle->file, size);
	if (end <= handle->file->now.size)
		return SQLITE_OK;
	if (is_due(handle->disk, DISK_WRITE))
		return code_of(handle->disk, SQLITE_IOERR_WRITE);
	if (!has_room(handle->disk, handle->file, end)) {
		errno = ENOSPC; /* as the VFS of Unix has it */
		return SQLITE_IOERR_WRITE;
	}
	change_add(handle->file, true, end, NULL, 0);
	bytes_resize(&handle->file->now, end);
	return SQLITE_OK;
}

static int
io_control(sqlite3_file *base, int op, void *arg)
{
	struct handle *handle = handle_of(base);
	switch (op) {
	case SQLITE_FCNTL_CHUNK_SIZE:
		handle->file->chunk = *(int *)arg;
		return SQLITE_OK;
	case SQLITE_FCNTL_SIZE_HINT:
		return size_hint(handle, *(sqlite3_int64 *)arg);
	default:
		return SQLITE_NOTFOUND;
	}
}

static int
io_sector(sqlite3_file *base)
{
	(void)base;
	return 4096;
}

static int
io_characteristics(sqlite3_file *base)
{
	(void)base;
	return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int
io_shm_map(sqlite3_file *base, int region, int size, int extend, void volatile **out)
{
	struct handle *handle = handle_of(base);
	*out = NULL;
	if (is_due(handle->disk, DISK_SHM))
		return code_of(handle->disk, SQLITE_IOERR_SHMMAP);
	assert(region < (int)(sizeof handle->file->shm / sizeof *handle->file->shm));
	void **at = &handle->file->shm[region];
	if (!*at && extend)
		*at = memset(take(NULL, (size_t)size), 0, (size_t)size);
	*out = *at;
	return SQLITE_OK;
}

static int
io_shm_lock(sqlite3_file *base, int offset, int count, int flags)
{
	(void)base;
	(void)offset;
	(void)count;
	(void)flags;
	return SQLITE_OK;
}

static void
io_shm_barrier(sqlite3_file *base)
{
	(void)base;
}

static int
io_shm_unmap(sqlite3_file *base, int remove)
{
	(void)remove;
	shm_drop(handle_of(base)->file);
	return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = io_close,
	.xRead = io_read,
	.xWrite = io_write,
	.xTruncate = io_truncate,
	.xSync = io_sync,
	.xFileSize = io_size,
	.xLock = io_lock,
	.xUnlock = io_lock,
	.xCheckReservedLock = io_reserved,
	.xFileControl = io_control,
	.xSectorSize = io_sector,
	.xDeviceCharacteristics = io_characteristics,
	.xShmMap = io_shm_map,
	.xShmLock = io_shm_lock,
	.xShmBarrier = io_shm_barrier,
	.xShmUnmap = io_shm_unmap,
};

/* ---- the folder ---- */

static struct disk *
disk_of(sqlite3_vfs *vfs)
{
	return vfs->pAppData;
}

static struct disk_file *
file_find(struct disk *disk, const char *name)
{
	for (int i = 0; i < DISK_FILES; i++)
		if (strcmp(disk->files[i].name, name) == 0)
			return &disk->files[i];
	return NULL;
}

static struct disk_file *
file_make(struct disk *disk, const char *name)
{
	struct disk_file *file = file_find(disk, name);
	if (!file) {
		file = file_find(disk, "");
		assert(file);
		(void)snprintf(file->name, sizeof file->name, "%s", name);
		file->hollow = strstr(name, "-reserve") != NULL;
	} else if (!file->there) {
		change_add(file, true, 0, NULL, 0); /* the entry may point to the old one yet */
		bytes_resize(&file->now, 0);
	}
	file->there = true;
	return file;
}

static int
vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *out)
{
	struct handle *handle = handle_of(base);
	struct disk *disk = disk_of(vfs);
	*handle = (struct handle){ .disk = disk };
	if (is_due(disk, DISK_OPEN))
		return SQLITE_CANTOPEN;
	if (!name)
		handle->file = handle->own =
			memset(take(NULL, sizeof *handle->own), 0, sizeof *handle->own);
	else
		handle->file = file_find(disk, name);
	if (!handle->own && (!handle->file || !handle->file->there)) {
		if (!(flags & SQLITE_OPEN_CREATE))
			return SQLITE_CANTOPEN;
		handle->file = file_make(disk, name);
	}
	handle->remove = flags & SQLITE_OPEN_DELETEONCLOSE;
	handle->base.pMethods = &methods;
	if (out)
		*out = flags;
	return SQLITE_OK;
}

static int
vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	struct disk *disk = disk_of(vfs);
	struct disk_file *file = file_find(disk, name);
	if (is_due(disk, DISK_DELETE))
		return SQLITE_IOERR_DELETE;
	if (!file || !file->there)
		return SQLITE_IOERR_DELETE_NOENT;
	file->there = false;
	bytes_resize(&file->now, 0);
	if (sync)
		folder_sync(disk);
	return SQLITE_OK;
}

static int
vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
	const struct disk_file *file = file_find(disk_of(vfs), name);
	bool there = file && file->there;
	if (is_due(disk_of(vfs), DISK_ACCESS))
		return SQLITE_IOERR_ACCESS;
	*out = flags == SQLITE_ACCESS_EXISTS ? there && file->now.size > 0 : there;
	return SQLITE_OK;
}

static int
vfs_path(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
	(void)vfs;
	(void)snprintf(out, (size_t)size, "%s", name);
	return SQLITE_OK;
}

static int
vfs_random(sqlite3_vfs *vfs, int size, char *out)
{
	(void)vfs;
	memset(out, 7, (size_t)size);
	return size;
}

static int
vfs_sleep(sqlite3_vfs *vfs, int microseconds)
{
	(void)vfs;
	return microseconds;
}

static int
vfs_time(sqlite3_vfs *vfs, sqlite3_int64 *out)
{
	(void)vfs;
	*out = INT64_C(212000000000000);
	return SQLITE_OK;
}

static int
vfs_error(sqlite3_vfs *vfs, int size, char *out)
{
	(void)vfs;
	(void)size;
	(void)out;
	return errno;
}

struct disk *
disk_new(const char *name)
{
	/* Files come and go by the thousand: their memory is kept, not given back each time. */
	(void)mallopt(M_MMAP_THRESHOLD, 64 << 20);
	(void)mallopt(M_TRIM_THRESHOLD, 256 << 20);
	struct disk *disk = calloc(1, sizeof *disk);
	assert(disk);
	disk->vfs = (sqlite3_vfs){
		.iVersion = 2,
		.szOsFile = sizeof(struct handle),
		.mxPathname = 256,
		.zName = name,
		.pAppData = disk,
		.xOpen = vfs_open,
		.xDelete = vfs_delete,
		.xAccess = vfs_access,
		.xFullPathname = vfs_path,
		.xRandomness = vfs_random,
		.xSleep = vfs_sleep,
		.xCurrentTimeInt64 = vfs_time,
		.xGetLastError = vfs_error,
	};
	int code = sqlite3_vfs_register(&disk->vfs, 0);
	assert(code == SQLITE_OK);
	(void)code;
	disk_no_faults(disk);
	return disk;
}

void
disk_no_faults(struct disk *disk)
{
	disk->capacity = disk->fail_after = -1;
	disk->lasting = disk->failed = disk->sync_failed = disk->dead = false;
	disk->fail_code = SQLITE_IOERR;
	disk->fail_calls = DISK_CHANGES;
}

void
disk_clear(struct disk *disk)
{
	for (int i = 0; i < DISK_FILES; i++)
		file_clear(&disk->files[i]);
	disk_no_faults(disk);
	disk->calls = 0;
	errno = 0;
}

void
disk_free(struct disk *disk)
{
	int code = sqlite3_vfs_unregister(&disk->vfs);
	assert(code == SQLITE_OK);
	(void)code;
	disk_clear(disk);
	free(disk);
}
