/*
 * ${NAME} and ${NAME:default}: variables of the environment inside the file's texts.
 *
 * They are found before YAML is parsed, because YAML would trip over their braces and colons,
 * and replaced after it, because a value must not be able to write YAML. In between each
 * character of them is masked: replaced by one private character (plane 15), so that columns
 * stay true. What looks like a variable only after parsing ("$\x7bNAME}") is left alone: the
 * way to write one.
 */
#ifndef CONFIG_EXPAND_H
#define CONFIG_EXPAND_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Returns the text with every variable masked, its length in *masked_length; the caller frees
 * it. NULL: no memory. A name is letters, digits and '_'; a variable ends on its line.
 */
char *expand_mask(const char *text, size_t length, size_t *masked_length);

/* Called for a variable that cannot be replaced; `problem` is a sentence about its name. */
typedef void expand_problem_fn(void *context, const char *name, const char *problem);

/*
 * Returns the masked text with every variable replaced; the caller frees it. *expanded tells
 * whether there was one. Values are not expanded again. NULL: no memory.
 */
char *expand_text(const char *masked, size_t length, bool *expanded, expand_problem_fn *problem,
	void *context);

#endif
