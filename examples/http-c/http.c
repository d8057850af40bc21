#include "skerry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Answers `/count?N` with the numbers from 1 to N, one a line, written as they are made. */
void skerry_handle(const char *method, const char *path, skerry_response *response) {
  if (strcmp(method, "GET") != 0) {
    response->status = 405;
    skerry_write(response, "only GET\n", 9);
    return;
  }
  if (strncmp(path, "/count?", 7) != 0) {
    response->status = 404;
    skerry_write(response, "there is only /count?N\n", 23);
    return;
  }
  const long last = strtol(path + 7, NULL, 10);
  for (long number = 1; number <= last; number++) {
    char line[32];
    const int length = snprintf(line, sizeof line, "%ld\n", number);
    skerry_write(response, line, (size_t)length);
  }
}
