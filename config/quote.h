/*
 * Texts as YAML scalars.
 */
#ifndef CONFIG_QUOTE_H
#define CONFIG_QUOTE_H

#include <stdio.h>

/*
 * Prints a UTF-8 text so that config_load() reads it back: quoted where needed, "${" kept from
 * being a variable. Returns how many bytes it printed; errors stay with the stream.
 */
int quote_print(const char *text, FILE *out);

#endif
