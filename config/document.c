/* Files into YAML nodes, and nodes into texts. See document.h. */
#include "config/document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/expand.h"

enum {
	FILE_MAX = 4 << 20,
	ROOM_FIRST = 16 << 10,
	/* libyaml's time grows with the square of the open brackets: 100,000 take 20 s. */
	DEPTH_MAX = 1000
};

/* The bytes of a file. */
struct input {
	char *bytes;
	size_t length;
};

/* Doubles the room until all fits, or is seen to be longer than FILE_MAX. Returns 0 or -errno. */
static int
input_fill(struct input *input, FILE *file)
{
	size_t room = 0;
	while (input->length == room && room <= FILE_MAX) {
		room = room ? 2 * room : ROOM_FIRST;
		char *bytes = realloc(input->bytes, room);
		if (!bytes)
			return -ENOMEM;
		input->bytes = bytes;
		input->length += fread(bytes + input->length, 1, room - input->length, file);
	}
	if (ferror(file))
		return -errno;
	return input->length > FILE_MAX ? -EFBIG : 0;
}

/* Returns 0 or -errno; the caller frees input->bytes after both. */
static int
input_read(struct input *input, const char *path)
{
	FILE *file = fopen(path, "re");
	if (!file)
		return -errno;
	int error = input_fill(input, file);
	(void)fclose(file); /* opened for reading: nothing to lose */
	return error;
}

/* The place of the byte at `offset`: lines by '\n', columns in characters, as libyaml counts.
 */
static struct place
place_at(const char *text, size_t offset)
{
	struct place place = { 1, 1 };
	for (size_t i = 0; i < offset; i++) {
		if (text[i] == '\n')
			place = (struct place){ place.line + 1, 1 };
		else
			place.column += ((unsigned char)text[i] & 0xc0) != 0x80;
	}
	return place;
}

static struct place
place_of_mark(yaml_mark_t mark)
{
	return (struct place){ mark.line + 1, mark.column + 1 };
}

struct place
place_of(const yaml_node_t *node)
{
	return place_of_mark(node->start_mark);
}

/* Returns 0, or -EINVAL when brackets are open too deep, be it in quotes or comments. */
static int
check_depth(const struct input *input, struct mistakes *mistakes)
{
	size_t depth = 0;
	for (size_t i = 0; i < input->length; i++) {
		char byte = input->bytes[i];
		if (byte == '[' || byte == '{')
			depth++;
		else if ((byte == ']' || byte == '}') && depth > 0)
			depth--;
		if (depth <= DEPTH_MAX)
			continue;
		mistakes_add(mistakes, place_at(input->bytes, i),
			"more than %d brackets are open here; close them", DEPTH_MAX);
		return -EINVAL;
	}
	return 0;
}

/* Says what libyaml found. `masked` is what it parsed. */
static void
add_syntax_mistake(
	struct mistakes *mistakes, const yaml_parser_t *parser, const struct input *masked)
{
	struct place place = place_of_mark(parser->problem_mark);
	/* Without memory libyaml sometimes ends without a word. */
	if (parser->error == YAML_MEMORY_ERROR || !parser->problem) {
		mistakes->out_of_memory = true;
		return;
	}
	if (parser->error == YAML_READER_ERROR) {
		place = place_at(masked->bytes, parser->problem_offset);
		mistakes_add(mistakes, place, "not a YAML text: %s (byte 0x%02x)",
			parser->problem, (unsigned)parser->problem_value);
		return;
	}
	if (!parser->context) {
		mistakes_add(mistakes, place, "not valid YAML: %s", parser->problem);
		return;
	}
	bool alias = strstr(parser->context, "alias") != NULL;
	mistakes_add(mistakes, place, "not valid YAML: %s, %s that begins on line %zu%s",
		parser->problem, parser->context, parser->context_mark.line + 1,
		alias ? "; a text that begins with * needs quotes" : "");
}

/* A configuration is one document: whatever follows it is a mistake. */
static void
check_end(struct mistakes *mistakes, yaml_parser_t *parser, const struct input *masked)
{
	yaml_document_t rest;
	if (!yaml_parser_load(parser, &rest)) {
		add_syntax_mistake(mistakes, parser, masked);
		return;
	}
	const yaml_node_t *root = yaml_document_get_root_node(&rest);
	if (root)
		mistakes_add(mistakes, place_of(root),
			"a second document begins here; put everything into the first one");
	yaml_document_delete(&rest);
}

static int
parse(struct document *document, const struct input *masked)
{
	yaml_parser_t parser;
	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	int error = 0;
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(
		&parser, (const unsigned char *)masked->bytes, masked->length);
	if (yaml_parser_load(&parser, &document->yaml)) {
		check_end(document->mistakes, &parser, masked);
	} else {
		add_syntax_mistake(document->mistakes, &parser, masked);
		error = -EINVAL;
	}
	yaml_parser_delete(&parser);
	return error;
}

static size_t
node_count(const struct document *document)
{
	return (size_t)(document->yaml.nodes.top - document->yaml.nodes.start);
}

/* Masks, parses, and makes room for the texts. */
static int
parse_input(struct document *document, const struct input *input)
{
	struct input masked = { 0 };
	masked.bytes = expand_mask(input->bytes, input->length, &masked.length);
	if (!masked.bytes)
		return -ENOMEM;
	int error = parse(document, &masked);
	free(masked.bytes);
	if (error)
		return error;
	document->texts = calloc(node_count(document) + 1, sizeof *document->texts);
	if (document->texts)
		return 0;
	yaml_document_delete(&document->yaml);
	return -ENOMEM;
}

int
document_load(struct document *document, const char *path, struct mistakes *mistakes)
{
	struct input input = { 0 };
	*document = (struct document){ .mistakes = mistakes };
	int error = input_read(&input, path);
	if (error == -EFBIG)
		mistakes_add(mistakes, (struct place){ 0 },
			"the file is longer than %d bytes; is it the configuration?", FILE_MAX);
	else if (error && error != -ENOMEM)
		mistakes_add(mistakes, (struct place){ 0 }, "cannot read the file: %s",
			strerror(-error));
	if (!error)
		error = check_depth(&input, mistakes);
	if (!error)
		error = parse_input(document, &input);
	if (error == -ENOMEM)
		mistakes->out_of_memory = true;
	free(input.bytes);
	return error;
}

void
document_release(struct document *document)
{
	for (size_t i = 0; i < node_count(document); i++)
		free(document->texts[i].bytes);
	free(document->texts);
	yaml_document_delete(&document->yaml);
}

yaml_node_t *
document_root(struct document *document)
{
	return yaml_document_get_root_node(&document->yaml);
}

/* What a message about a variable needs. */
struct variable_context {
	struct mistakes *mistakes;
	const yaml_node_t *node;
	const char *what;
	bool failed;
};

static void
add_variable_mistake(void *data, const char *name, const char *problem)
{
	struct variable_context *context = data;
	context->failed = true;
	mistakes_add(context->mistakes, place_of(context->node),
		"%s: the variable %s %s; set it, or write ${%s:DEFAULT}", context->what,
		shown(name).text, problem, shown(name).text);
}

static char *
expand(struct document *document, const yaml_node_t *node, const char *what, bool *expanded)
{
	const char *masked = (const char *)node->data.scalar.value;
	size_t length = node->data.scalar.length;
	struct variable_context context = { document->mistakes, node, what, false };
	if (strlen(masked) != length) {
		mistakes_add(document->mistakes, place_of(node),
			"%s: expected a text without \\0, found one", what);
		return NULL;
	}
	char *bytes = expand_text(masked, length, expanded, add_variable_mistake, &context);
	if (!bytes)
		document->mistakes->out_of_memory = true;
	if (!context.failed)
		return bytes;
	free(bytes);
	return NULL;
}

const struct text *
document_text(struct document *document, const yaml_node_t *node, const char *what)
{
	if (node->type != YAML_SCALAR_NODE)
		return NULL;
	struct text *text = &document->texts[node - document->yaml.nodes.start];
	if (!text->known) {
		bool expanded = false;
		text->known = true;
		text->bytes = expand(document, node, what, &expanded);
		text->plain = expanded || node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	}
	return text;
}

bool
text_is_null(const struct text *text)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };
	for (size_t i = 0; text->plain && i < sizeof nulls / sizeof *nulls; i++)
		if (strcmp(text->bytes, nulls[i]) == 0)
			return true;
	return false;
}

struct shown
document_shown(struct document *document, const yaml_node_t *node)
{
	if (node->type == YAML_SEQUENCE_NODE)
		return shown("a list");
	const struct text *text = document_text(document, node, "");
	if (!text)
		return shown("a map");
	if (!text->bytes || text_is_null(text))
		return shown("nothing");
	if (text->plain)
		return shown(text->bytes);
	char quoted[sizeof(struct shown) + sizeof "the text \"\""];
	(void)snprintf(quoted, sizeof quoted, "the text \"%s\"", shown(text->bytes).text);
	return shown(quoted);
}
