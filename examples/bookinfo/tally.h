/* Counts decisions and prints what a person wants to know of them. */
#ifndef BOOKINFO_TALLY_H
#define BOOKINFO_TALLY_H

#include "recording.h"

typedef struct tally tally;

tally *tally_new(void);
void tally_free(tally *tally);

/* Counts the decision of a checked request. */
void tally_add(tally *tally, const purser_request *request, const recorded_request *hop);
void tally_print(const tally *tally);

#endif
