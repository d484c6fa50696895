/* SPDX-License-Identifier: GPL-2.0-only */
/* observe/trace.css and observe/trace.js as strings. */
#ifndef LINTEL_OBSERVE_TRACE_PAGE_H
#define LINTEL_OBSERVE_TRACE_PAGE_H

extern const char trace_page_style[];
extern const char trace_page_script[];

#endif
