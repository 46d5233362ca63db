/* Lets a program's clock be off by as many seconds as the file named by CLOCK_OFFSET_FILE says; no other clock is.

   Who waits until a time of that clock waits as long as without: the system goes by its own. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long offset_s(void)
{
    char text[32] = "";
    const char *path = getenv("CLOCK_OFFSET_FILE");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return 0;
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    return length > 0 ? atol(text) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int failed = syscall(SYS_clock_gettime, clock, now);
    if (!failed && clock == CLOCK_REALTIME)
        now->tv_sec += offset_s();
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    (void)zone;
    struct timespec exact;
    int failed = clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return failed;
}

time_t time(time_t *now)
{
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (now)
        *now = exact.tv_sec;
    return exact.tv_sec;
}

typedef int timed_wait(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
typedef int clock_wait(pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *);

#define MONOTONIC_S_MAX 1000000000 /* what is later counts from 1970 */

static struct timespec by_the_system(const struct timespec *until)
{
    struct timespec real = *until;
    if (real.tv_sec > MONOTONIC_S_MAX)
        real.tv_sec -= offset_s();
    return real;
}

int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict until)
{
    static timed_wait *next;
    if (!next) {
        next = (timed_wait *)dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2"); /* not its ancestor */
        if (!next)
            next = (timed_wait *)dlsym(RTLD_NEXT, "pthread_cond_timedwait");
    }
    struct timespec real = by_the_system(until);
    return next(condition, mutex, &real);
}

int pthread_cond_clockwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex, clockid_t clock,
                           const struct timespec *restrict until)
{
    static clock_wait *next;
    if (!next)
        next = (clock_wait *)dlsym(RTLD_NEXT, "pthread_cond_clockwait");
    struct timespec real = by_the_system(until);
    return next(condition, mutex, clock, &real);
}
