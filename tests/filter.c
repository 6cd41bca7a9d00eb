/*
 * Linked into every cmocka program: TEST=NAME in the environment runs the tests of that name
 * (cmocka's pattern: * and ?) and no other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

__attribute__((constructor)) static void
filter_set(void)
{
	const char *name = getenv("TEST");

	if (name)
		cmocka_set_test_filter(name);
}
