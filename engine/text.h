/*
 * Texts that have to be short. Pure.
 */
#ifndef ENGINE_TEXT_H
#define ENGINE_TEXT_H

#include <stddef.h>

/*
 * How many of the `size` bytes of `text` to keep so that they are at most `max` and end where a
 * character of UTF-8 ends. A text that is not UTF-8 there is cut at `max`.
 */
size_t text_cut(const char *text, size_t size, size_t max);

#endif
