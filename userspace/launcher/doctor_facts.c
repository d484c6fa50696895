// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parsers of the few text formats that tell about CPU and kernel. A text that is cut off, empty or
 * of another architecture yields UNKNOWN or NO, never a guess.
 */
#include "doctor_facts.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The value of "name<blanks>: value" in the first paragraph of cpuinfo; its length, or 0. */
static size_t cpuinfo_field(const char *text, const char *name, const char **value)
{
	size_t len = strlen(name);
	const char *line = text;

	while (*line && *line != '\n') {
		const char *end = strchrnul(line, '\n');
		const char *p = line + len;

		if (!strncmp(line, name, len)) {
			while (p < end && (*p == ' ' || *p == '\t'))
				p++;
			if (p < end && *p == ':') {
				p++;
				while (p < end && *p == ' ')
					p++;
				*value = p;
				return end - p;
			}
		}
		line = *end ? end + 1 : end;
	}
	return 0;
}

/* Is @word one of the blank-separated words in the @len bytes at @list? */
static bool has_word(const char *list, size_t len, const char *word)
{
	size_t n = strlen(word), i = 0;

	while (i < len) {
		size_t start = i;

		while (i < len && list[i] != ' ')
			i++;
		if (i - start == n && !memcmp(list + start, word, n))
			return true;
		i++;
	}
	return false;
}

void doctor_parse_cpuinfo(const char *text, struct cpu_facts *facts)
{
	const char *value = NULL;
	size_t len;

	memset(facts, 0, sizeof(*facts));
	len = cpuinfo_field(text, "vendor_id", &value);
	if (len)
		facts->intel = len == 12 && !memcmp(value, "GenuineIntel", 12) ? YES : NO;
	len = cpuinfo_field(text, "model name", &value);
	if (len)
		snprintf(facts->model, sizeof(facts->model), "%.*s", (int)len, value);
	len = cpuinfo_field(text, "flags", &value);
	if (len) {
		facts->vmx = has_word(value, len, "vmx") ? YES : NO;
		facts->fred = has_word(value, len, "fred") ? YES : NO;
		facts->hypervisor = has_word(value, len, "hypervisor") ? YES : NO;
		facts->flush_l1d = has_word(value, len, "flush_l1d") ? YES : NO;
		facts->ibpb = has_word(value, len, "ibpb") ? YES : NO;
	}
	len = cpuinfo_field(text, "vmx flags", &value);
	if (len) {
		facts->has_vmx_flags = true;
		snprintf(facts->vmx_flags, sizeof(facts->vmx_flags), " %.*s ", (int)len, value);
	}
}

bool doctor_parse_modules(const char *text, const char *module)
{
	size_t len = strlen(module);
	const char *line = text;

	while (*line) {
		if (!strncmp(line, module, len) && line[len] == ' ')
			return true;
		line = strchrnul(line, '\n');
		if (*line)
			line++;
	}
	return false;
}

void doctor_parse_lockdown(const char *text, char *mode, size_t size)
{
	const char *open = strchr(text, '['), *close = open ? strchr(open, ']') : NULL;

	if (close)
		snprintf(mode, size, "%.*s", (int)(close - open - 1), open + 1);
	else
		mode[0] = '\0';
}

void doctor_parse_release(const char *text, struct kernel_facts *facts)
{
	unsigned int major, minor;

	if (!isdigit((unsigned char)text[0]) || sscanf(text, "%5u.%5u", &major, &minor) != 2)
		return;
	facts->major = major;
	facts->minor = minor;
}

/* YES for "name=y" or "name=m" on a line of its own, else NO. */
static enum answer config_option(const char *text, const char *name)
{
	size_t len = strlen(name);
	const char *line = text;

	while (*line) {
		if (!strncmp(line, name, len) && line[len] == '=')
			return line[len + 1] == 'y' || line[len + 1] == 'm' ? YES : NO;
		line = strchrnul(line, '\n');
		if (*line)
			line++;
	}
	return NO;
}

void doctor_parse_config(const char *text, struct kernel_facts *facts)
{
	/* Every configuration of this architecture has this line; without it, it is none. */
	if (config_option(text, "CONFIG_X86_64") != YES) {
		facts->config_known = NO;
		return;
	}
	facts->config_known = YES;
	facts->modules = config_option(text, "CONFIG_MODULES");
	facts->signature_forced = config_option(text, "CONFIG_MODULE_SIG_FORCE");
	facts->mmu_notifier = config_option(text, "CONFIG_MMU_NOTIFIER");
	facts->preempt_notifiers = config_option(text, "CONFIG_PREEMPT_NOTIFIERS");
	facts->eventfd = config_option(text, "CONFIG_EVENTFD");
}

enum answer doctor_parse_secure_boot(const uint8_t *data, size_t size)
{
	if (size < 5)
		return UNKNOWN;
	return data[4] == 1 ? YES : NO;
}

enum answer doctor_parse_bool(const char *text)
{
	if (text[0] == 'Y' || text[0] == '1')
		return YES;
	return text[0] == 'N' || text[0] == '0' ? NO : UNKNOWN;
}
