/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wall clock of one host of a lab. Containers share the machine's clock, so a host whose clock is wrong is made by shifting what
 * its programs read. The loader puts this in front of the C library in every program (/etc/ld.so.preload); the shift, in
 * nanoseconds, is the first word of a file that the lab maps into the host, so that running programs see it change at once.
 *
 * What is not shifted: times that the kernel writes itself (of files, in the journal), programs that do not use the C library, and
 * waits for condition variables of the wall clock, which programs of today do not use. The clocks that only count are as they were.
 *
 * Needs no header and no library, so that a compiler alone makes it. 64-bit machines only.
 */

typedef struct { long s, ns; } moment;
typedef struct { moment every, first; } timer;

enum { REALTIME = 0, REALTIME_COARSE = 5, REALTIME_ALARM = 8, ABSOLUTE = 1, READ_ONLY = 0, CLOSE_ON_EXEC = 02000000, SHARED = 1 };
enum { SECOND = 1000000000, MAPPED = 4096, DESCRIPTORS = 1 << 16 };

extern void *dlsym(void *, const char *);
extern void *mmap(void *, unsigned long, int, int, int, long);
extern int open(const char *, int, ...);
extern int close(int);

static const long none;
static const volatile long *shift = &none;
static int (*real_clock_gettime)(int, moment *);
static int (*real_clock_nanosleep)(int, int, const moment *, moment *);
static int (*real_sem_timedwait)(void *, const moment *);
static int (*real_timerfd_create)(int, int);
static int (*real_timerfd_settime)(int, int, const timer *, timer *);
/* Whether the timer of a descriptor waits for a time of day. */
static char of_day[DESCRIPTORS];

__attribute__((constructor)) static void begin(void)
{
	void *const next = (void *)-1;
	int file;

	if (real_clock_gettime)
		return;
	real_clock_nanosleep = dlsym(next, "clock_nanosleep");
	real_sem_timedwait = dlsym(next, "sem_timedwait");
	real_timerfd_create = dlsym(next, "timerfd_create");
	real_timerfd_settime = dlsym(next, "timerfd_settime");
	file = open("/run/stxlab/clock", READ_ONLY | CLOSE_ON_EXEC);
	if (file >= 0) {
		void *page = mmap(0, MAPPED, 1, SHARED, file, 0);
		if (page != (void *)-1)
			shift = page;
		close(file);
	}
	real_clock_gettime = dlsym(next, "clock_gettime");
}

static moment moved(moment at, long by_ns)
{
	long ns = at.ns + by_ns % SECOND;

	at.s += by_ns / SECOND;
	if (ns < 0) {
		ns += SECOND;
		at.s--;
	} else if (ns >= SECOND) {
		ns -= SECOND;
		at.s++;
	}
	at.ns = ns;
	return at;
}

static int is_of_day(int clock)
{
	return clock == REALTIME || clock == REALTIME_COARSE || clock == REALTIME_ALARM;
}

int clock_gettime(int clock, moment *now)
{
	int failed;

	begin();
	failed = real_clock_gettime(clock, now);
	if (!failed && is_of_day(clock))
		*now = moved(*now, *shift);
	return failed;
}

int gettimeofday(moment *now, void *zone)
{
	(void)zone;
	if (now) {
		clock_gettime(REALTIME, now);
		now->ns /= 1000;
	}
	return 0;
}

int timespec_get(moment *now, int base)
{
	return base == 1 && !clock_gettime(REALTIME, now) ? base : 0;
}

long time(long *copy)
{
	moment now;

	clock_gettime(REALTIME, &now);
	if (copy)
		*copy = now.s;
	return now.s;
}

/* Whoever waits for a time of day means the one that it reads; the kernel has another. */

int clock_nanosleep(int clock, int flags, const moment *until, moment *left)
{
	moment shifted;

	begin();
	if (!is_of_day(clock) || !(flags & ABSOLUTE))
		return real_clock_nanosleep(clock, flags, until, left);
	shifted = moved(*until, -*shift);
	return real_clock_nanosleep(clock, flags, &shifted, left);
}

int sem_timedwait(void *semaphore, const moment *until)
{
	moment shifted;

	begin();
	shifted = moved(*until, -*shift);
	return real_sem_timedwait(semaphore, &shifted);
}

int timerfd_create(int clock, int flags)
{
	int made;

	begin();
	made = real_timerfd_create(clock, flags);
	if (made >= 0 && made < DESCRIPTORS)
		of_day[made] = is_of_day(clock);
	return made;
}

int timerfd_settime(int descriptor, int flags, const timer *wanted, timer *before)
{
	timer shifted;

	begin();
	if (!(flags & ABSOLUTE) || descriptor < 0 || descriptor >= DESCRIPTORS || !of_day[descriptor]
	    || !(wanted->first.s || wanted->first.ns))
		return real_timerfd_settime(descriptor, flags, wanted, before);
	shifted = *wanted;
	shifted.first = moved(wanted->first, -*shift);
	return real_timerfd_settime(descriptor, flags, &shifted, before);
}
