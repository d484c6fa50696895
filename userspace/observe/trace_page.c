// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a trace's page carries along: the style and the script, as they stand in their files. The
 * assembler reads them, from the folder in which the compiler was started: userspace.
 */
#include "trace_page.h"

#define FILE_AS_TEXT(name, path)                                   \
	asm(".pushsection .rodata\n"                               \
	    ".global " #name "\n" #name ": .incbin \"" path "\"\n" \
	    ".byte 0\n"                                            \
	    ".popsection")

FILE_AS_TEXT(trace_page_style, "observe/trace.css");
FILE_AS_TEXT(trace_page_script, "observe/trace.js");
