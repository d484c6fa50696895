// SPDX-License-Identifier: GPL-2.0-only
/*
 * The book of absent pages: single steps, and a million random ones against a plain model that
 * knows each page's history.
 */
#include <stdlib.h>

#include "apf_book.h"
#include "../../test/tap.h"

static struct apf_book book;

static int start_told(u64 gfn)
{
	int i = apf_start(&book, gfn, 5);

	if (i >= 0)
		apf_note_told(&book, i);
	return i;
}

static void test_one(void)
{
	u32 token;
	int i;

	apf_init(&book);
	tap_ok(apf_find(&book, 7, 0) < 0, "nothing is under way at first");
	i = start_told(7);
	tap_ok(i >= 0 && apf_find(&book, 7, 0) == i, "a fetch is found by its page");
	tap_ok(apf_find(&book, 8, 0) < 0, "and by no other");
	token = book.page[i].token;
	tap_ok(token && token != APF_WAKE_ALL && (token & 0xfff) == 5, "its token has the vCPU");
	apf_settle(&book, 0, 0);
	tap_ok(!apf_has_news(&book, 0), "no news before it is over");
	apf_settle(&book, BIT_ULL(i), 0);
	tap_ok(apf_has_news(&book, BIT_ULL(i)), "news when it is");
	tap_ok(apf_find(&book, 7, BIT_ULL(i)) < 0, "over is not under way: the page may go again");
	tap_ok(apf_next(&book, BIT_ULL(i)) == token, "the same token comes back");
	tap_ok(!book.busy && !apf_has_news(&book, BIT_ULL(i)), "once");
}

static void test_untold(void)
{
	int i, j;

	apf_init(&book);
	i = apf_start(&book, 7, 0);
	apf_settle(&book, BIT_ULL(i), 0);
	tap_ok(!book.busy && !apf_has_news(&book, BIT_ULL(i)), "what was not told is not answered");

	i = start_told(7);
	apf_forget(&book);
	tap_ok(apf_find(&book, 7, 0) < 0 && book.busy == BIT_ULL(i),
	       "forgotten: not found, but its entry is in use");
	j = apf_start(&book, 7, 0);
	tap_ok(j >= 0 && j != i, "the same page again, elsewhere");
	apf_settle(&book, BIT_ULL(i), 0);
	tap_ok(book.busy == BIT_ULL(j), "until the fetch is over");
}

static void test_failure(void)
{
	int i;

	apf_init(&book);
	i = apf_start(&book, 7, 0);
	apf_settle(&book, BIT_ULL(i), BIT_ULL(i));
	tap_ok(apf_start(&book, 7, 0) < 0, "after a failure the thread goes itself");
	tap_ok(apf_start(&book, 7, 0) >= 0, "once");

	apf_init(&book);
	i = start_told(9);
	apf_settle(&book, BIT_ULL(i), BIT_ULL(i));
	tap_ok(apf_next(&book, BIT_ULL(i)) == book.page[i].token, "a failure is an end, too");
	tap_ok(apf_start(&book, 9, 0) < 0, "and remembered");
}

static void test_wake_all(void)
{
	int i;

	apf_init(&book);
	i = start_told(7);
	apf_enable(&book);
	tap_ok(apf_has_news(&book, 0) && apf_next(&book, 0) == APF_WAKE_ALL, "wake all");
	apf_settle(&book, BIT_ULL(i), 0);
	tap_ok(!apf_has_news(&book, BIT_ULL(i)) && !book.busy, "stands for the tokens before it");

	apf_enable(&book);
	i = start_told(8);
	tap_ok(apf_next(&book, 0) == APF_WAKE_ALL, "wake all, late");
	apf_settle(&book, BIT_ULL(i), 0);
	tap_ok(!book.busy, "stands for the tokens before it is told");
	apf_enable(&book);
	apf_forget(&book);
	tap_ok(!apf_has_news(&book, 0), "forgotten with the rest");
}

static void test_full(void)
{
	unsigned int n = 0, seen = 0;
	u32 first;

	apf_init(&book);
	while (start_told(100 + n) >= 0)
		n++;
	tap_ok(n == APF_MAX, "as many as there is room for");
	first = apf_next(&book, ~0ULL);
	for (u64 gfn = 1000; gfn < 1200; gfn++) {
		if (start_told(gfn) < 0)
			break;
		seen += apf_next(&book, ~0ULL) == first;
	}
	tap_ok(!seen, "no token comes twice");
	/* 200 rounds went by: with turns, none of the first is left */
	n = 0;
	for (unsigned int i = 0; i < APF_MAX; i++)
		n += book.busy & BIT_ULL(i) && book.page[i].gfn < 1000;
	tap_ok(!n, "none waits for ever behind newer ones");
}

static void test_tokens(void)
{
	bool good = true;
	u32 held;
	int i;

	apf_init(&book);
	i = start_told(1);
	held = book.page[i].token;
	/* more than there are numbers, for the vCPU whose last token would be APF_WAKE_ALL */
	for (u32 n = 0; n < 3U << 20; n++) {
		u32 token = apf_new_token(&book, 0xfff);

		good &= token && token != APF_WAKE_ALL && (token & 0xfff) == 0xfff;
	}
	tap_ok(good, "never 0 nor APF_WAKE_ALL, also when numbers begin again");
	for (u32 n = 0; n < 3U << 20; n++)
		good &= apf_new_token(&book, 5) != held;
	tap_ok(good, "nor one that is in use");
}

/* --- against a model: what each entry's page has gone through --- */

static struct {
	u64 gfn;
	u32 token;
	bool busy, told, done;
} model[APF_MAX];
static bool model_wake_all;

static void model_settle(void)
{
	for (int i = 0; i < APF_MAX; i++)
		if (model[i].busy && model[i].done && !model[i].told)
			model[i].busy = false;
}

static u64 model_done(void)
{
	u64 done = 0;

	for (int i = 0; i < APF_MAX; i++)
		done |= model[i].done ? BIT_ULL(i) : 0;
	return done;
}

static bool model_next(u32 token)
{
	if (model_wake_all) {
		model_wake_all = false;
		for (int i = 0; i < APF_MAX; i++)
			model[i].told = false;
		return token == APF_WAKE_ALL;
	}
	for (int i = 0; i < APF_MAX; i++)
		if (model[i].busy && model[i].told && model[i].done && model[i].token == token) {
			model[i].busy = false;
			model[i].told = false;
			return true;
		}
	return false;
}

static bool step_start(u64 gfn)
{
	int i = apf_find(&book, gfn, model_done());

	if (i >= 0)
		return model[i].busy && !model[i].done && model[i].gfn == gfn;
	for (int j = 0; j < APF_MAX; j++)
		if (model[j].busy && !model[j].done && model[j].gfn == gfn)
			return false;
	i = apf_start(&book, gfn, 3);
	if (i < 0)
		return !~book.busy;
	if (model[i].busy)
		return false;
	model[i].gfn = gfn;
	model[i].token = book.page[i].token;
	model[i].busy = true;
	model[i].done = false;
	model[i].told = rand() % 4;
	if (model[i].told)
		apf_note_told(&book, i);
	return true;
}

static bool step_serve(void)
{
	u64 done = model_done();
	bool news = model_wake_all;

	apf_settle(&book, done, 0);
	model_settle();
	for (int i = 0; i < APF_MAX; i++)
		news |= model[i].busy && model[i].told && model[i].done;
	if (apf_has_news(&book, done) != news)
		return false;
	return !news || model_next(apf_next(&book, done));
}

static void step_switch(bool on)
{
	if (on)
		apf_enable(&book);
	else
		apf_forget(&book);
	model_wake_all = on;
	for (int i = 0; i < APF_MAX; i++) {
		model[i].told = false;
		if (!on)
			model[i].gfn = APF_NO_GFN;
	}
}

static void test_random(void)
{
	bool same = true;

	srand(1);
	apf_init(&book);
	for (unsigned int n = 0; n < 1000000 && same; n++) {
		int i = rand() % APF_MAX;

		switch (rand() % 8) {
		case 0:
		case 1:
		case 2:
			same = step_start(rand() % 200);
			break;
		case 3:
		case 4:
			model[i].done |= model[i].busy;
			break;
		case 5:
		case 6:
			same = step_serve();
			break;
		case 7:
			if (!(rand() % 100))
				step_switch(rand() % 2);
			break;
		}
		for (i = 0; i < APF_MAX; i++)
			same &= !!(book.busy & BIT_ULL(i)) == model[i].busy;
	}
	tap_ok(same, "a million random steps agree with a model");
}

int main(void)
{
	tap_begin();
	test_one();
	test_untold();
	test_failure();
	test_wake_all();
	test_full();
	test_tokens();
	test_random();
	return tap_end();
}
