/* The floor of lateness: how late a program in C wakes up that does nothing but keep deadlines and the processor.
 *
 * starts RATE SECONDS WORK: RATE deadlines a second, evenly spread, for SECONDS; after each, WORK seconds of CPU. Prints
 * {"p50": SECONDS, "p99": SECONDS} of what lay between a deadline and the first instruction after it. Whatever is in
 * there is the machine's. Ends with 1 where the system will not.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(clockid_t clock) {
    struct timespec at;
    if (clock_gettime(clock, &at)) exit(1);
    return at.tv_sec + at.tv_nsec / 1e9;
}

static void sleep_until(double deadline) {
    struct timespec at = {.tv_sec = (time_t)deadline};
    at.tv_nsec = (long)((deadline - (double)at.tv_sec) * 1e9);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR) {}
}

static int ascending(const void *one, const void *other) {
    double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    double rate = atof(argv[1]), work = atof(argv[3]);
    int count = (int)(rate * atof(argv[2]));
    double *late = calloc(count > 0 ? count : 1, sizeof *late);
    if (count < 1 || !late) return 1;
    double begun = now(CLOCK_MONOTONIC) + 0.01;
    for (int i = 0; i < count; i++) {
        double deadline = begun + i / rate;
        sleep_until(deadline);
        late[i] = now(CLOCK_MONOTONIC) - deadline;
        double until = now(CLOCK_THREAD_CPUTIME_ID) + work;
        while (now(CLOCK_THREAD_CPUTIME_ID) < until) {}
    }
    qsort(late, count, sizeof *late, ascending);
    printf("{\"p50\": %.9f, \"p99\": %.9f}\n", late[(count - 1) / 2], late[(int)((count - 1) * 0.99)]);
    return 0;
}
