/* Mistakes: collected as they are found, reported in the file's order. See mistakes.h. */
#include "config/mistakes.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct mistake {
	struct place place;
	size_t number; /* in order of finding: what comes first when two share a place */
	bool warning;
	char *text;
};

static struct mistake *
new_mistake(struct mistakes *mistakes)
{
	if (mistakes->count == mistakes->capacity) {
		size_t capacity = mistakes->capacity ? mistakes->capacity * 2 : 16;
		void *list = reallocarray(mistakes->list, capacity, sizeof *mistakes->list);
		if (!list)
			return NULL;
		mistakes->list = list;
		mistakes->capacity = capacity;
	}
	struct mistake *mistake = &mistakes->list[mistakes->count];
	*mistake = (struct mistake){ .number = mistakes->count };
	return mistake;
}

__attribute__((format(printf, 4, 0))) static void
keep(struct mistakes *mistakes, struct place place, bool warning, const char *format,
	va_list arguments)
{
	struct mistake *mistake = new_mistake(mistakes);
	if (!mistake || vasprintf(&mistake->text, format, arguments) < 0) {
		mistakes->out_of_memory = true;
		return;
	}
	mistake->place = place;
	mistake->warning = warning;
	mistakes->count++;
	mistakes->error_count += !warning;
}

void
mistakes_add(struct mistakes *mistakes, struct place place, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	keep(mistakes, place, false, format, arguments);
	va_end(arguments);
}

void
mistakes_warn(struct mistakes *mistakes, struct place place, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	keep(mistakes, place, true, format, arguments);
	va_end(arguments);
}

static int
compare_sizes(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

static int
compare_places(const void *one, const void *two)
{
	const struct mistake *a = one, *b = two;
	int order = compare_sizes(a->place.line, b->place.line);
	if (order == 0)
		order = compare_sizes(a->place.column, b->place.column);
	return order ? order : compare_sizes(a->number, b->number);
}

int
mistakes_report(
	struct mistakes *mistakes, const char *file, config_report_fn *report, void *context)
{
	if (mistakes->count > 0)
		qsort(mistakes->list, mistakes->count, sizeof *mistakes->list, compare_places);
	for (size_t i = 0; i < mistakes->count; i++) {
		const struct mistake *mistake = &mistakes->list[i];
		report(context, &(struct config_message){ .file = file,
					.line = mistake->place.line,
					.column = mistake->place.column,
					.warning = mistake->warning,
					.text = mistake->text });
		free(mistake->text);
	}
	if (mistakes->out_of_memory)
		report(context,
			&(struct config_message){ .file = file, .text = "out of memory" });
	int error = mistakes->out_of_memory ? -ENOMEM : mistakes->error_count ? -EINVAL : 0;
	free(mistakes->list);
	*mistakes = (struct mistakes){ 0 };
	return error;
}

struct shown
shown(const char *text)
{
	struct shown shown;
	size_t limit = sizeof shown.text - sizeof "...";
	size_t length = strnlen(text, limit + 1);
	bool cut = length > limit;
	if (cut)
		length = limit;
	/* Never half a character: step back over the continuation bytes of UTF-8. */
	while (cut && length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
		length--;
	memcpy(shown.text, text, length);
	memcpy(shown.text + length, "...", sizeof "...");
	if (!cut)
		shown.text[length] = '\0';
	for (char *byte = shown.text; *byte; byte++)
		if ((unsigned char)*byte < ' ' || *byte == 0x7f)
			*byte = '?';
	return shown;
}
