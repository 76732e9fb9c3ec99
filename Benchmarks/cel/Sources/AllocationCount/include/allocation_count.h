/* Counts what the calling thread allocates: this program's malloc stands before libc's for the whole process. */
#ifndef ALLOCATION_COUNT_H
#define ALLOCATION_COUNT_H

/* Starts to count, from zero. */
void allocation_count_start(void);

/* Stops, and tells how many times memory was asked for. */
unsigned long allocation_count_stop(void);

#endif
