#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * A plain program: its input is on standard input, its output on standard output, and what it writes to standard error
 * goes to the function's log. Counts lines, words and bytes.
 */
int main(int argc, char **argv) {
  long lines = 0, words = 0, bytes = 0;
  int inside = 0;
  for (int c; (c = getchar()) != EOF; bytes++) {
    if (c == '\n') lines++;
    if (isspace(c)) inside = 0;
    else if (!inside) {
      inside = 1;
      words++;
    }
  }
  if (ferror(stdin)) {
    fprintf(stderr, "cannot read the input\n");
    return EXIT_FAILURE;
  }
  const char *unit = getenv("UNIT");
  fprintf(stderr, "counted %ld bytes\n", bytes);
  printf("{\"%s\":%ld,\"words\":%ld,\"lines\":%ld,\"arguments\":%d}\n", unit ? unit : "bytes", bytes, words, lines, argc - 1);
  return EXIT_SUCCESS;
}
