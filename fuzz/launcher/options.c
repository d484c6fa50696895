// SPDX-License-Identifier: GPL-2.0-only
/*
 * libFuzzer target: a command line, its words separated by NUL or a newline.
 */
#include <stdlib.h>
#include <string.h>

#include "../../userspace/launcher/options.h"

#define WORDS	64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *args[WORDS + 1] = { text };
	struct run_options options;
	unsigned int count = 1;
	uint64_t bytes;

	memcpy(text, data, size);
	text[size] = '\0';
	for (size_t i = 0; i < size && count < WORDS; i++) {
		if (text[i] != '\n' && text[i])
			continue;
		text[i] = '\0';
		args[count++] = text + i + 1;
	}
	if (!options_parse(args, &options)) {
		if (!options.help && (!options.kernel || !*options.kernel))
			abort();
		if (options.cpus < 1 || options.cpus > OPTIONS_CPUS_MAX)
			abort();
	}
	options_size(text, &bytes);
	free(text);
	return 0;
}
