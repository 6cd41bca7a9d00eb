#include "tests/fault/memory.h"

#include <jansson.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/fault/disk.h"

/* How many more allocations go well; -1: all. */
static int64_t allocations_left = -1;
static bool allocation_failed, allocations_end;

static bool
is_refused(void)
{
	if (allocations_left < 0 || disk_allocates)
		return false;
	if (allocations_left > 0) {
		allocations_left--;
		return false;
	}
	if (!allocations_end)
		allocations_left = -1;
	return allocation_failed = true;
}

/* What is taken and was not given back, SQLite's own apart. */
static int64_t allocations_live;

static void *
counted(void *memory)
{
	allocations_live += memory != NULL;
	return memory;
}

void __real_free(void *memory);
void __wrap_free(void *memory);
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);

void *
__wrap_malloc(size_t size)
{
	return is_refused() ? NULL : counted(__real_malloc(size));
}

void *
__wrap_calloc(size_t count, size_t size)
{
	return is_refused() ? NULL : counted(__real_calloc(count, size));
}

void *
__wrap_realloc(void *old, size_t size)
{
	if (is_refused())
		return NULL;
	void *new = __real_realloc(old, size);
	return old ? new : counted(new);
}

void
__wrap_free(void *memory)
{
	allocations_live -= memory != NULL;
	__real_free(memory);
}

char *
__wrap_strdup(const char *text)
{
	return is_refused() ? NULL : counted(__real_strdup(text));
}

static sqlite3_mem_methods memory;

static void *
sqlite_malloc(int size)
{
	return is_refused() ? NULL : memory.xMalloc(size);
}

static void *
sqlite_realloc(void *old, int size)
{
	return is_refused() ? NULL : memory.xRealloc(old, size);
}

int
memory_set_up(void **state)
{
	(void)state;
	assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory), SQLITE_OK);
	sqlite3_mem_methods failing = memory;
	failing.xMalloc = sqlite_malloc;
	failing.xRealloc = sqlite_realloc;
	assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &failing), SQLITE_OK);
	assert_int_equal(sqlite3_initialize(), SQLITE_OK);
	json_set_alloc_funcs(__wrap_malloc, __wrap_free);
	return 0;
}

void
memory_refuse(int64_t n, bool lasting)
{
	allocation_failed = false;
	allocations_end = lasting;
	allocations_left = n;
}

void
memory_refuse_none(void)
{
	allocations_left = -1;
}

bool
memory_was_refused(void)
{
	return allocation_failed;
}

int64_t
memory_live(void)
{
	return allocations_live + sqlite3_memory_used();
}
