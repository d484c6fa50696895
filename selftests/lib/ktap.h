/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A test harness that prints KTAP.
 *
 * A program is a set of TEST(name) functions; main() is in ktap.c. Each test runs in a child
 * process of its own, so that descriptors, memory and a crash stay with the test that caused them,
 * and so that a hang can be killed. Inside a test CHECK() records a failure and goes on, REQUIRE()
 * records it and ends the test, SKIP() ends it with a reason. ktap_row() names the table row that
 * the following checks belong to.
 *
 * Two watchdogs guard a test. The child's own alarm calls the function given to
 * ktap_set_timeout_hook(), which can end a KVM_RUN so that the guest's registers are shown; the
 * parent kills a child that does not react to it. The limit is KTAP_TIMEOUT seconds (environment),
 * else the default below, both multiplied by TEST_SLOW()'s factor. A test that the alarm found
 * has failed, even if its checks then pass; one that took more than half of its limit says so.
 *
 * Exit status of the program: 0 all passed, 1 something failed, 4 everything was skipped.
 */
#ifndef LINTEL_SELFTESTS_KTAP_H
#define LINTEL_SELFTESTS_KTAP_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#define KTAP_PASS	0
#define KTAP_FAIL	1
#define KTAP_SKIP	4

#define KTAP_DEFAULT_TIMEOUT	20

struct ktap_test {
	const char *name;
	void (*fn)(void);
	unsigned int slow;
};

#define TEST_SLOW(fn_, factor_)								\
	static void fn_(void);								\
	static const struct ktap_test ktap_test_##fn_ = {				\
		.name = #fn_, .fn = fn_, .slow = (factor_)				\
	};										\
	static const struct ktap_test *const ktap_entry_##fn_				\
		__attribute__((section("ktap_tests"), used)) = &ktap_test_##fn_;	\
	static void fn_(void)

#define TEST(fn_)	TEST_SLOW(fn_, 1)

#define KTAP_PRINTF(f, a)	__attribute__((format(printf, f, a)))

void ktap_failed(const char *file, int line, const char *fmt, ...) KTAP_PRINTF(3, 4);
void ktap_note(const char *fmt, ...) KTAP_PRINTF(1, 2);
void ktap_row(const char *fmt, ...) KTAP_PRINTF(1, 2);
void ktap_skip(const char *fmt, ...) KTAP_PRINTF(1, 2) __attribute__((noreturn));
void ktap_end_test(void) __attribute__((noreturn));
bool ktap_any_failure(void);
bool ktap_timed_out(void);
void ktap_set_timeout_hook(void (*hook)(void));

/*
 * A program that needs something before any test can run defines this; it returns a reason to
 * skip, or NULL.
 */
const char *ktap_missing(void);

#define CHECK(cond, fmt, ...)								\
	({										\
		bool ok_ = !!(cond);							\
		if (!ok_)								\
			ktap_failed(__FILE__, __LINE__, "%s: " fmt, #cond, ##__VA_ARGS__); \
		ok_;									\
	})

#define REQUIRE(cond, fmt, ...)								\
	do {										\
		if (!CHECK(cond, fmt, ##__VA_ARGS__))					\
			ktap_end_test();						\
	} while (0)

#define CHECK_EQ(got, want)								\
	({										\
		uint64_t got_ = (uint64_t)(got), want_ = (uint64_t)(want);		\
		if (got_ != want_)							\
			ktap_failed(__FILE__, __LINE__, "%s is 0x%llx, expected 0x%llx (%s)", #got, \
				    (unsigned long long)got_, (unsigned long long)want_, #want); \
		got_ == want_;								\
	})

#define REQUIRE_EQ(got, want)								\
	do {										\
		if (!CHECK_EQ(got, want))						\
			ktap_end_test();						\
	} while (0)

/* The call must fail with exactly this errno. */
#define CHECK_ERRNO(call, err)								\
	({										\
		errno = 0;								\
		long ret_ = (long)(call);						\
		int errno_ = errno;							\
		bool ok_ = ret_ == -1 && errno_ == (err);				\
		if (!ok_)								\
			ktap_failed(__FILE__, __LINE__, "%s returned %ld, errno %d; expected -1 and %s", \
				    #call, ret_, errno_, #err);				\
		ok_;									\
	})

/* The call must succeed; its value is handed on. */
#define REQUIRE_OK(call)								\
	({										\
		errno = 0;								\
		long ret_ = (long)(call);						\
		if (ret_ < 0) {								\
			ktap_failed(__FILE__, __LINE__, "%s returned %ld, errno %d (%m)",	\
				    #call, ret_, errno);				\
			ktap_end_test();						\
		}									\
		ret_;									\
	})

#define CHECK_OK(call)									\
	({										\
		errno = 0;								\
		long ret_ = (long)(call);						\
		if (ret_ < 0)								\
			ktap_failed(__FILE__, __LINE__, "%s returned %ld, errno %d (%m)",	\
				    #call, ret_, errno);				\
		ret_ >= 0;								\
	})

#define SKIP(fmt, ...)	ktap_skip(fmt, ##__VA_ARGS__)

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#endif
