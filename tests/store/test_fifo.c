/* Groups: strictly in order, one at a time, whatever happens to the head. */
#include "tests/store/harness.h"

static void
test_order(void **state)
{
	(void)state;
	struct world world;
	world_init(&world, FIFO());
	int64_t a1 = enqueue_group(&world, "a"), a2 = enqueue_group(&world, "a");
	int64_t b1 = enqueue_group(&world, "b");
	assert_int_equal(claim_of(&world, "w1"), a1);
	assert_int_equal(claim_of(&world, "w2"), b1);
	assert_int_equal(claim_of(&world, "w3"), 0);
	done(&world, "w1");
	assert_int_equal(claim_of(&world, "w3"), a2);
	done(&world, "w3");
	done(&world, "w2");
	assert_int_equal(claim_of(&world, "w1"), 0);
	world_release(&world);
}

/* What happens to the first of two, and who is then delivered. */
static void
expect_after(const char *what, bool second_is_free)
{
	struct world world;
	int64_t other;
	world_init(&world, FIFO(.max_retries = 1));
	assert_int_equal(engine_queue_define(world.engine, FIFO(.name = "other"), &other), 0);
	int64_t first = enqueue_group(&world, "a"), second = enqueue_group(&world, "a");
	for (; *what; what++)
		switch (*what) {
		case 'c':
			assert_int_equal(claim_of(&world, "w"), first);
			break;
		case 'd':
			done(&world, "w");
			break;
		case 'F':
			retry(&world, "w");
			break;
		case 'g':
			assert_int_equal(verdict(&world, "w", VERDICT_DEAD, -1), 0);
			break;
		case 'l':
			assert_int_equal(verdict(&world, "w", VERDICT_RELEASE, -1), 0);
			break;
		case 'L':
			assert_int_equal(verdict(&world, "w", VERDICT_RELEASE, 500), 0);
			break;
		case 't':
			(void)pass(&world, 1000);
			break;
		case 'T':
			(void)pass(&world, 60000);
			break;
		case 'x':
			world_crash(&world);
			world_define(&world, FIFO(.max_retries = 1));
			assert_int_equal(engine_queue_define(
						 world.engine, FIFO(.name = "other"), &other),
				0);
			break;
		case 'm':
			begin(&world);
			assert_int_equal(end(&world, engine_move(world.engine, first, other,
							     world.now_ms, &world.problem)),
				0);
			break;
		default:
			assert_int_equal(operate_on(&world, *what, first), 0);
		}
	assert_int_equal(claim_of(&world, "v"), second_is_free ? second : 0);
	world_release(&world);
}

static void
test_whatever_happens_to_the_head(void **state)
{
	(void)state;
	expect_after("c", false);
	expect_after("cd", true);
	expect_after("cF", false); /* in backoff it blocks */
	expect_after("cFtc", false);
	expect_after("cFtcF", true); /* out of retries: dead */
	expect_after("cg", true);
	expect_after("clc", false);
	expect_after("cL", false);
	expect_after("cLtc", false);
	expect_after("cT", false); /* timed out: in backoff */
	expect_after("cTtcT", true);
	expect_after("cx", false);
	expect_after("cxd", true);
	expect_after("cFxtc", false);
	expect_after("r", true);
	expect_after("b", true);
	expect_after("cb", true);
	expect_after("cqc", false); /* taken back: it is first again */
	expect_after("p", false);   /* postponed: strict order */
	expect_after("pr", true);
	expect_after("pb", true);
	expect_after("ptttttc", false);
	expect_after("m", true);
	expect_after("pm", true);
	expect_after("cf", false);
}

static void
test_redrive_goes_to_the_tail(void **state)
{
	(void)state;
	struct world world;
	world_init(&world, FIFO(.max_retries = 0));
	int64_t a1 = enqueue_group(&world, "a"), a2 = enqueue_group(&world, "a");
	assert_int_equal(operate_on(&world, 'b', a1), 0);
	assert_int_equal(operate_on(&world, 'q', a1), 0);
	assert_int_equal(claim_of(&world, "w"), a2);
	assert_int_equal(claim_of(&world, "v"), 0);
	done(&world, "w");
	assert_int_equal(claim_of(&world, "v"), a1);
	world_release(&world);
}

static void
test_middle_of_a_group(void **state)
{
	(void)state;
	struct world world;
	world_init(&world, FIFO());
	int64_t a[4];
	for (int i = 0; i < 4; i++)
		a[i] = enqueue_group(&world, "a");
	assert_int_equal(operate_on(&world, 'p', a[1]), 0);
	assert_int_equal(operate_on(&world, 'r', a[2]), 0);
	assert_int_equal(claim_of(&world, "w"), a[0]);
	done(&world, "w");
	assert_int_equal(claim_of(&world, "w"), 0); /* the postponed one is first now */
	(void)pass(&world, 5000);
	assert_int_equal(claim_of(&world, "w"), a[1]);
	done(&world, "w");
	assert_int_equal(claim_of(&world, "w"), a[3]);
	world_release(&world);
}

static void
test_one_and_one(void **state)
{
	(void)state;
	struct world world;
	world_init(&world, FIFO());
	int64_t number = enqueue(&world, "{\"g\": 1}");
	int64_t string = enqueue(&world, "{\"g\": \"1\"}");
	int64_t real = enqueue(&world, "{\"g\": 1.0}");
	assert_int_equal(claim_of(&world, "w1"), number);
	assert_int_equal(claim_of(&world, "w2"), real);
	assert_int_equal(claim_of(&world, "w3"), 0);
	done(&world, "w1");
	assert_int_equal(claim_of(&world, "w3"), string);
	world_release(&world);
}

static void
test_refusals(void **state)
{
	(void)state;
	struct world world;
	int64_t id;
	world_init(&world, FIFO());
	assert_int_equal(try_enqueue(&world, "no", "", &id), -EINVAL);
	assert_int_equal(try_enqueue(&world, "{\"g\":null}", "", &id), -EINVAL);
	assert_string_equal(world.problem.text, "group field g is null");
	assert_int_equal(try_enqueue(&world, "{}", "", &id), -EINVAL);
	world_release(&world);
}

/* Standard becomes fifo: running jobs hold their groups, whatever their place was. */
static void
test_becoming_fifo(void **state)
{
	(void)state;
	struct world world;
	world_init(&world, STANDARD());
	int64_t a1 = enqueue_group(&world, "a"), a2 = enqueue_group(&world, "a");
	int64_t a3 = enqueue_group(&world, "a"), none = enqueue(&world, "no json");
	int64_t other_none = enqueue(&world, "nor this"), b = enqueue_group(&world, "b");
	assert_int_equal(try_stage(&world, 7, "{\"g\":\"a\"}"), 0);
	assert_int_equal(claim_of(&world, "w1"), a1);
	assert_int_equal(claim_of(&world, "w2"), a2);
	assert_int_equal(verdict(&world, "w1", VERDICT_RELEASE, -1), 0);
	world_define(&world, FIFO());
	assert_int_equal(claim_of(&world, "w3"), none);
	assert_int_equal(claim_of(&world, "w4"), other_none);
	assert_int_equal(claim_of(&world, "w5"), b);
	assert_int_equal(claim_of(&world, "w6"), 0);
	done(&world, "w2");
	assert_int_equal(claim_of(&world, "w6"), a1);
	int64_t staged;
	begin(&world);
	assert_int_equal(
		end(&world, engine_publish(world.engine, 7, "", world.now_ms, &staged)), 0);
	done(&world, "w6");
	assert_int_equal(claim_of(&world, "w6"), a3);
	assert_int_equal(claim_of(&world, "w7"), 0);
	done(&world, "w6");
	assert_int_equal(claim_of(&world, "w6"), staged);
	world_release(&world);
}

static void
test_becoming_standard_and_back(void **state)
{
	(void)state;
	struct world world;
	world_init(&world, FIFO());
	int64_t a1 = enqueue_group(&world, "a"), a2 = enqueue_group(&world, "a");
	int64_t dead = enqueue_group(&world, "a");
	assert_int_equal(operate_on(&world, 'b', dead), 0);
	world_define(&world, STANDARD());
	assert_int_equal(claim_of(&world, "w1"), a1);
	assert_int_equal(claim_of(&world, "w2"), a2);
	world_reopen(&world);
	world_define(&world, FIFO());
	assert_int_equal(operate_on(&world, 'q', dead), 0);
	done(&world, "w1");
	assert_int_equal(claim_of(&world, "w3"), 0);
	done(&world, "w2");
	assert_int_equal(claim_of(&world, "w3"), dead);
	world_release(&world);
}

static void
test_another_field(void **state)
{
	(void)state;
	struct world world;
	world_init(&world, FIFO());
	int64_t one = enqueue(&world, "{\"g\":1,\"h\":1}");
	int64_t two = enqueue(&world, "{\"g\":1,\"h\":2}");
	assert_int_equal(claim_of(&world, "w1"), one);
	assert_int_equal(claim_of(&world, "w2"), 0);
	world_define(&world, FIFO(.group_field = "h"));
	assert_int_equal(claim_of(&world, "w2"), two);
	world_release(&world);
}

static void
test_between_queues(void **state)
{
	(void)state;
	struct world world;
	struct job job;
	int64_t fifo, standard;
	world_init(&world, FIFO());
	assert_int_equal(
		engine_queue_define(world.engine, STANDARD(.name = "s"), &standard), 0);
	fifo = world.queue;
	int64_t a1 = enqueue_group(&world, "a");
	int64_t a2 = enqueue_group(&world, "a");
	begin(&world);
	assert_int_equal(
		engine_move(world.engine, a1, standard, world.now_ms, &world.problem), 0);
	assert_int_equal(engine_move(world.engine, a1, fifo, world.now_ms, &world.problem), 0);
	assert_int_equal(
		engine_move(world.engine, a1, fifo, world.now_ms, &world.problem), -EPERM);
	assert_int_equal(engine_commit(world.engine), 0);
	assert_int_equal(claim_of(&world, "w"), a2);
	assert_int_equal(claim_of(&world, "v"), 0);
	world.queue = standard;
	int64_t plain = enqueue(&world, "plain");
	begin(&world);
	assert_int_equal(end(&world, engine_move(world.engine, plain, fifo, world.now_ms,
					     &world.problem)),
		-EINVAL);
	assert_int_equal(engine_job(world.engine, plain, &job), 0);
	assert_int_equal(job.queue_id, standard);
	job_release(&job);
	world_release(&world);
}

struct groups {
	char text[256];
};

static bool
group_add(void *context, const struct job *job, int64_t cookie)
{
	struct groups *groups = context;
	size_t length = strlen(groups->text);
	assert_true(cookie > 0);
	(void)snprintf(groups->text + length, sizeof groups->text - length, "%s:%lld ",
		job->group, (long long)job->id);
	return true;
}

static void
test_groups_are_listed(void **state)
{
	(void)state;
	struct world world;
	struct groups groups = { "" };
	struct ids ids = { .count = 0 };
	char first[32];
	world_init(&world, FIFO());
	int64_t a1 = enqueue_group(&world, "a"), a2 = enqueue_group(&world, "a");
	(void)enqueue_group(&world, "b");
	assert_int_equal(claim_of(&world, "w"), a1);
	assert_int_equal(engine_groups(world.engine, world.queue, 0, group_add, &groups), 0);
	(void)snprintf(first, sizeof first, "a:%lld ", (long long)a1);
	assert_non_null(strstr(groups.text, first));
	assert_non_null(strstr(groups.text, "b:"));
	assert_int_equal(strlen(groups.text), 2 * strlen(first));
	assert_int_equal(
		engine_group_list(world.engine, world.queue, "a", 0, ids_add, &ids), 0);
	assert_int_equal(ids.count, 2);
	assert_int_equal(ids.id[0], a1);
	assert_int_equal(ids.id[1], a2);
	ids.count = 0;
	assert_int_equal(
		engine_group_list(world.engine, world.queue, "none", 0, ids_add, &ids), 0);
	assert_int_equal(ids.count, 0);
	world_release(&world);
}

static void
test_waiting_for(void **state)
{
	(void)state;
	struct world world;
	struct job job;
	char text[300], expected[300];
	world_init(&world, FIFO(.concurrency = 1));
	int64_t a1 = enqueue_group(&world, "a"), a2 = enqueue_group(&world, "a");
	assert_int_equal(engine_job(world.engine, a1, &job), 0);
	assert_int_equal(engine_waiting_for(world.engine, &job, text, sizeof text), 0);
	assert_string_equal(text, "a free worker");
	(void)snprintf(expected, sizeof expected, "group a: behind %s", job.receipt);
	job_release(&job);
	assert_int_equal(engine_job(world.engine, a2, &job), 0);
	assert_int_equal(engine_waiting_for(world.engine, &job, text, sizeof text), 0);
	assert_string_equal(text, expected);
	job_release(&job);
	int64_t b = enqueue_group(&world, "b");
	assert_int_equal(claim_of(&world, "w"), a1);
	assert_int_equal(engine_job(world.engine, b, &job), 0);
	assert_int_equal(engine_waiting_for(world.engine, &job, text, sizeof text), 0);
	assert_string_equal(text, "concurrency 1/1");
	job_release(&job);
	assert_int_equal(operate_on(&world, 'p', b), 0);
	assert_int_equal(engine_job(world.engine, b, &job), 0);
	assert_int_equal(engine_waiting_for(world.engine, &job, text, sizeof text), 0);
	assert_string_equal(text, "backoff until 2027-01-15T08:00:05.000Z");
	job_release(&job);
	assert_int_equal(engine_job(world.engine, a1, &job), 0);
	assert_int_equal(engine_waiting_for(world.engine, &job, text, sizeof text), 0);
	assert_string_equal(text, "");
	job_release(&job);
	world_release(&world);
}

/* A group's text is cut at a character's end: what is said is UTF-8. */
static void
test_waiting_for_long_group(void **state)
{
	(void)state;
	struct world world;
	struct job job;
	char group[252] = "x", body[300], text[1024];
	for (size_t i = 1; i + 2 < sizeof group; i += 2)
		memcpy(group + i, "\xc3\xa9", 3);
	(void)snprintf(body, sizeof body, "{\"g\": \"%s\"}", group);
	world_init(&world, FIFO());
	(void)enqueue(&world, body);
	assert_int_equal(engine_job(world.engine, enqueue(&world, body), &job), 0);
	assert_int_equal(engine_waiting_for(world.engine, &job, text, sizeof text), 0);
	assert_memory_equal(text + strlen("group "), group, 199);
	assert_memory_equal(text + strlen("group ") + 199, ": behind ", strlen(": behind "));
	job_release(&job);
	world_release(&world);
}

static void
test_dates(void **state)
{
	(void)state;
	static const struct {
		int64_t ms;
		const char *text;
	} dates[] = {
		{ 1, "1970-01-01T00:00:00.001Z" },
		{ 951782399999, "2000-02-28T23:59:59.999Z" },
		{ 951782400000, "2000-02-29T00:00:00.000Z" },
		{ 951868800000, "2000-03-01T00:00:00.000Z" },
		{ 1709164800000, "2024-02-29T00:00:00.000Z" },
		{ 1735689599000, "2024-12-31T23:59:59.000Z" },
		{ 4107542399000, "2100-02-28T23:59:59.000Z" },
		{ 4107542400000, "2100-03-01T00:00:00.000Z" },
		{ INT64_MAX, "292278994-08-17T07:12:55.807Z" },
	};
	struct world world;
	char text[100];
	world_init(&world, STANDARD());
	for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
		struct job job = {
			.queue_id = world.queue, .state = JOB_BACKOFF, .due_ms = dates[i].ms
		};
		assert_int_equal(engine_waiting_for(world.engine, &job, text, sizeof text), 0);
		assert_memory_equal(text, "backoff until ", 14);
		assert_string_equal(text + 14, dates[i].text);
	}
	world_release(&world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_whatever_happens_to_the_head),
		cmocka_unit_test(test_redrive_goes_to_the_tail),
		cmocka_unit_test(test_middle_of_a_group),
		cmocka_unit_test(test_one_and_one),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_becoming_fifo),
		cmocka_unit_test(test_becoming_standard_and_back),
		cmocka_unit_test(test_another_field),
		cmocka_unit_test(test_between_queues),
		cmocka_unit_test(test_groups_are_listed),
		cmocka_unit_test(test_waiting_for),
		cmocka_unit_test(test_waiting_for_long_group),
		cmocka_unit_test(test_dates),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
